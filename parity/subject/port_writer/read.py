"""What a graph computes, as far as a port is to know it: loss, outputs, update, and what is written beside."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from parity.compare.recorded.recording import Program
from parity.subject.graph.graph import Graph
from parity.subject.port_writer import arithmetic, losses, reductions
from parity.subject.port_writer.clipping import Clip, clip_of
from parity.subject.port_writer.expression import ARRAY, DRAW, INPUT, SIZE, VARIABLE, Expression, NotWritten, walk
from parity.subject.port_writer.reading import Reading
from parity.subject.port_writer.updates import Update, update_of

RULES = {**arithmetic.RULES, **reductions.RULES, **losses.RULES}
RULES |= {op: reductions.divided(arithmetic.RULES[op]) for op in ("RealDiv", "Div")}


class Read(NamedTuple):
    """What the graph computes, as far as a port is to know it."""

    reading: Reading
    loss: Expression
    outputs: Expression | None  # logits or predictions, in a function of its own
    logits: bool  # whether those were recorded
    update: Update
    clip: Clip | None
    beside: Mapping[str, Expression]  # other variables that a step writes
    left_out: Sequence[str]  # those that are not in the port


def read_of(graph: Graph, program: Program) -> Read:
    """Raises `NotWritten` for what no Python is written for."""
    reading = Reading(graph, program, RULES)
    if len(program.fields.get("calls") or [0]) > 1 or not program.fields["losses"]:
        raise NotWritten("a program with other than one call of tf.gradients")
    terms = [_scalar(reading.expression(name)) for name in program.fields["losses"]]
    loss = terms[0]
    for one in terms[1:]:
        loss = Expression("+", (loss, one))
    update, clip = update_of(reading, program), clip_of(reading, program)
    beside, left_out = _beside(reading, program)
    outputs = outputs_of(loss)
    recorded = program.trace.header.get("logits")
    logits = outputs is not None and recorded is not None and reading.expression(recorded) is outputs
    return Read(reading, loss, outputs, logits, update, clip, beside, left_out)


def _scalar(one: Expression) -> Expression:
    """tf.gradients differentiates the sum of what it is given."""
    return Expression("sum", (one,), (None, False)) if one.shape else one


def _beside(reading: Reading, program: Program) -> tuple[dict[str, Expression], list[str]]:
    ruled = {slot for one in program.updates if one.kind for slot in one.slots}
    found: dict[str, Expression] = {}
    left_out: list[str] = []
    for told in program.fields["side"]:
        name = told["variable"]
        try:
            made = reading.written(reading.graph.node(told["op"]))
            if name in found or name in ruled or _forward(made):
                raise NotWritten(f"{name} is written in several ways, or from within the forward pass")
            found[name] = made
        except NotWritten:
            found.pop(name, None)
            left_out.append(name)
    return found, left_out


def _forward(made: Expression) -> bool:
    """Whether it is computed from data."""
    return any(one.op in (INPUT, DRAW, ARRAY, SIZE) for one in walk(made))


def outputs_of(loss: Expression) -> Expression | None:
    """What the last layer gives: from the loss inwards as long as one input alone leads to a product by weights."""
    one = loss
    while not _is_layer(one):
        leading = [part for part in one.inputs if part.op != SIZE and _has_product(part)]
        if len(leading) != 1:
            return None
        one = leading[0]
    return one


def _is_layer(one: Expression) -> bool:
    if one.op == "+" and any(part.op == VARIABLE for part in one.inputs):
        return True
    activation = one.op.partition(".")[0] in ("jax", "activations", "jnp", "kinks")
    if activation and one.op not in ("jax.nn.softmax", "jax.nn.log_softmax", "jnp.log", "jnp.square", "jnp.squeeze"):
        return any(_is_layer(part) for part in one.inputs)
    return one.op == "@"


def _has_product(one: Expression) -> bool:
    return any(part.op == "@" for part in walk(one))
