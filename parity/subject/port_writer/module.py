"""The file: docstring, imports, logits, loss and step."""

import re
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

from parity.compare.recorded.recording import Program, Recording
from parity.subject.graph.graph import Graph
from parity.subject.port_writer import arithmetic, losses, names, reductions
from parity.subject.port_writer.beside import Beside, beside_of, plainly
from parity.subject.port_writer.clipping import Clip, clip_of
from parity.subject.port_writer.expression import (
    AFTER,
    ARRAY,
    DRAW,
    INPUT,
    SIZE,
    VARIABLE,
    Expression,
    NotWritten,
    leaves,
    walk,
)
from parity.subject.port_writer.function import FIRST, Body, Scope, parameters
from parity.subject.port_writer.layout import DATA_FILE, WIDTH, assembled, dictionary, function
from parity.subject.port_writer.reading import Reading
from parity.subject.port_writer.updates import DIFFERS, Update, update_of

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


class Port(NamedTuple):
    """A file, and the arrays beside it, which the script had in its graph."""

    text: str
    arrays: Mapping[str, np.ndarray]
    left_out: Sequence[str]


def read(graph: Graph, program: Program) -> Read:
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
        leading = [part for part in one.inputs if _has_product(part)]
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


def written(recording: Recording, program: Program, found: Read, where: str) -> Port:
    """The port of what was read. `where`: what stands behind `python -m parity prove` to prove it."""
    scope, arrays = _scope(program, found)
    parts = [*_outputs(scope, found), *_loss(scope, found), *_step(scope, found)]
    text = assembled(_docstring(recording, found, where), _constants(found, arrays), parts)
    return Port(text, arrays, found.left_out)


def _scope(program: Program, found: Read) -> tuple[Scope, dict[str, np.ndarray]]:
    met = leaves(found.loss, *found.update.numbers.values(), *found.beside.values())
    inputs = names.of_inputs(found.loss, met)
    arrays: dict[str, np.ndarray] = {}
    called: dict[int, str] = {}
    for one in (one for one in met if one.op == ARRAY):
        name = next(
            n for i in range(99) if (n := "xyz"[i] if i < 3 else f"data_{i}") not in {*arrays, *inputs.values()}
        )
        arrays[name], called[id(one)] = one.value, name
    variables = {name: f'{"weights" if name in program.moved else "slots"}["{name}"]' for name in _variables(program)}
    return Scope(names.of_weights(found.loss), inputs, variables, called), arrays


def _variables(program: Program) -> list[str]:
    one = next(iter(program.trace.steps.values()))
    return [key.partition("/")[2] for key in one.start if key.startswith(("weights/", "slots/"))]


def _docstring(recording: Recording, found: Read, where: str) -> list[str]:
    told = recording.provenance
    script = re.split(r"[/\\]", told["script"]["path"])[-1]
    lines = [f"The training step of {script}, ported from TensorFlow {told['tensorflow']} to JAX.", ""]
    lines += ["Written from a recording of the script, and proven against it, tensor by tensor:", ""]
    lines += [f"    python -m parity prove {where}", ""]
    if taken := found.reading.taken:
        chosen = ", ".join(f"{name.partition(':')[0]} = {value}" for name, value in taken.items())
        lines += wrap(f"With {chosen}, as in all recorded steps.", WIDTH)
    if found.left_out:
        lines += wrap(f"Left out, for no training depends on them: {', '.join(found.left_out)}.", WIDTH)
    lines += [f"SHA-256 of the script: {told['script']['sha256']}"] if told["script"].get("sha256") else []
    return lines[:-1] if lines[-1] == "" else lines


def _constants(found: Read, arrays: Mapping[str, Any]) -> list[str]:
    lines = []
    if arrays:
        lines += ["# What the script has as constants of its graph.", DATA_FILE]
    if _is_descent(found.update):
        rate = found.update.numbers["learning_rate"]
        return lines + ([f"LEARNING_RATE = {_alone(rate)}"] if _is_constant(rate) else [])
    if all(map(_is_constant, found.update.numbers.values())):
        lines += _made_optimizer("OPTIMIZER", found.update, {k: _alone(n) for k, n in found.update.numbers.items()})
        lines += ["apply_gradients = jax.jit(OPTIMIZER.apply_gradients)"]
    if len(found.update.slots) > 1:
        own = ", ".join(f'"{slot}": "{behind[1:]}"' for slot, (_, behind) in found.update.slots.items())
        lines += [f"SLOTS = {{{own}}}  # TensorFlow's names of them"]
    return lines


def _alone(one: Expression) -> str:
    return Body(Scope({}, {}, {}, {}), [one]).text(one)


def _is_constant(one: Expression) -> bool:
    return all(leaf.op not in (VARIABLE, AFTER, INPUT, DRAW) for leaf in leaves(one))


def _is_descent(update: Update) -> bool:
    return update.factory == "gradient_descent"


def _made_optimizer(called: str, update: Update, numbers: Mapping[str, str]) -> list[str]:
    told = [f"{name}={text}" for name, text in numbers.items()] + [f"{n}={v}" for n, v in update.flags.items()]
    comment = DIFFERS.get(update.factory)
    return [*([f"# {comment}"] if comment else []), f"{called} = optimizers.{update.factory}({', '.join(told)})"]


def _outputs(scope: Scope, found: Read) -> list[str]:
    if found.outputs is None:
        return []
    body = Body(scope, [found.outputs])
    result = body.text(found.outputs)
    told = ["weights", *parameters(scope, found.outputs)]
    return [function(_called(found), told, _shapes(scope, found.outputs), [*body.statements, f"return {result}"])]


def _called(found: Read) -> str:
    users = [one.op for one in walk(found.loss) if found.outputs in one.inputs]
    words = ("softmax", "cross_entropy")
    return "logits" if any(word in op for op in users for word in words) else "predictions"


def _shapes(scope: Scope, one: Expression) -> str:
    """Of what goes in and comes out, N for the batch."""
    met = [leaf for leaf in leaves(one) if leaf.op in (INPUT, ARRAY) and leaf.shape]
    rows = {leaf.shape[0] for leaf in met}
    given = [f"{scope.leaf(leaf)} [{_sides(leaf.shape, rows)}]" for leaf in met]
    return f"{', '.join(given)} -> [{_sides(one.shape, rows)}]." if given else f"[{_sides(one.shape, rows)}]."


def _sides(shape: tuple[int, ...], rows: set[int]) -> str:
    return ", ".join("N" if i == 0 and side in rows else str(side) for i, side in enumerate(shape))


def _loss(scope: Scope, found: Read) -> list[str]:
    told = ["weights", *parameters(scope, found.loss)]
    if found.outputs is None:
        body = Body(scope, [found.loss])
        result = body.text(found.loss)
        return [function("loss", told, "What is minimized.", [*body.statements, f"return {result}"])]
    called = _called(found)
    call = f"{called}({', '.join(['weights', *parameters(scope, found.outputs)])})"
    uses = sum(found.outputs is part for one in walk(found.loss) for part in one.inputs)
    name = "outputs" if found.logits or uses > 1 or len(call) > 60 else call
    body = Body(scope, [found.loss], {id(found.outputs): name})
    result = body.text(found.loss)
    statements = ([f"outputs = {call}"] if name == "outputs" else []) + body.statements
    doc = f"What is minimized, and the {called}." if found.logits else "What is minimized."
    return [function("loss", told, doc, [*statements, f"return {result}{', outputs' if found.logits else ''}"])]


def _step(scope: Scope, found: Read) -> list[str]:
    own = parameters(scope, found.loss)
    statements = _given(scope, found)
    call = ", ".join(["weights", *own])
    statements += [f"{'(value, outputs)' if found.logits else 'value'}, grads = gradient({call})"]
    statements += [found.clip.statement] if found.clip else []
    statements += _moved(scope, found)
    beside = beside_of(scope, found.beside)
    kept = _kept(scope, found.update, beside)
    result = {"loss": "value", "grads": "grads", **({"arriving": "clipped"} if found.clip else {})}
    result |= {"logits": "outputs"} if found.logits else {}
    result |= {"weights": "after", "slots": kept}
    doc = "One update, of dicts of arrays by TensorFlow's names."
    statements = [*statements, *beside.statements, f"return {dictionary(result)}"]
    aux = ", has_aux=True" if found.logits else ""
    gradient = f"gradient = jax.jit(jax.value_and_grad(loss{aux}))"
    return [gradient, function("step", ["weights", "slots", "batch", "draws"], doc, statements)]


def _given(scope: Scope, found: Read) -> list[str]:
    """Names for what the step is handed."""
    met = [one for one in leaves(found.loss, *found.update.numbers.values()) if one.op in FIRST]
    met.sort(key=lambda one: FIRST[one.op] + (one.op == INPUT and not one.shape))
    rows: dict[str, dict[str, str]] = {}
    for one in met:
        name = str(scope.leaf(one))
        where, key = (("batch", one.value), ("draws", one.value), ("DATA", name))[(INPUT, DRAW, ARRAY).index(one.op)]
        rows.setdefault(where, {})[name] = f'{where}["{key}"]'
    return [line for pairs in rows.values() for line in _unpacked(pairs)]


def _unpacked(pairs: Mapping[str, str]) -> list[str]:
    line = f"{', '.join(pairs)} = {', '.join(pairs.values())}"
    return [line] if len(line) + 4 <= WIDTH else [f"{name} = {told}" for name, told in pairs.items()]


def _moved(scope: Scope, found: Read) -> list[str]:
    update, grads = found.update, "clipped" if found.clip else "grads"
    body = Body(scope, [plainly(one) for one in update.numbers.values()])
    if _is_descent(update):
        told = "LEARNING_RATE" if _is_constant(update.numbers["learning_rate"]) else body.text(body.roots[0], "rate")
        moved = f"after = jax.tree.map(lambda weight, grad: weight - {told} * grad, weights, {grads})"
        return [*body.statements, moved]
    numbers = {name: body.text(one) for name, one in zip(update.numbers, body.roots, strict=True)}
    constant = all(map(_is_constant, update.numbers.values()))
    own = [] if constant else _made_optimizer("optimizer", update, numbers)
    called = "OPTIMIZER" if constant else "optimizer"
    state = {"slots": _slots(update)}
    if update.powers:
        powers = {name: body.text(one) for name, one in update.powers.items()}
        state["scalars"] = dictionary(powers)
    given = ", ".join(f"{name}={told}" for name, told in state.items())
    start = f"state = {called}.init(weights)._replace({given})"
    apply = "apply_gradients" if constant else "optimizer.apply_gradients"
    return [*body.statements, *own, start, f"after, state = {apply}({grads}, state, weights)"]


def _slots(update: Update) -> str:
    (before, _), *_rest = update.slots.values()
    if len(update.slots) == 1:
        ((slot, (before, behind)),) = update.slots.items()
        return f'{{"{slot}": {{name: slots[f"{before}{{name}}{behind}"] for name in weights}}}}'
    return f'{{slot: {{name: slots[f"{before}{{name}}/{{own}}"] for name in weights}} for slot, own in SLOTS.items()}}'


def _kept(scope: Scope, update: Update, beside: Beside) -> str:
    """The slots after the step."""
    parts = []
    if len(update.slots) == 1:
        ((slot, (before, behind)),) = update.slots.items()
        parts.append(f'{{f"{before}{{name}}{behind}": state.slots["{slot}"][name] for name in weights}}')
    elif update.slots:
        (before, _), *_rest = update.slots.values()
        each = f'f"{before}{{name}}/{{own}}": state.slots[slot][name]'
        parts.append(f"{{{each} for slot, own in SLOTS.items() for name in weights}}")
    parts += beside.families
    if len(parts) == 1 and not beside.single:
        return parts[0]
    told = [f"**{part}" for part in parts] + [f'"{name}": {text}' for name, text in beside.single.items()]
    return "{" + ", ".join(told) + "}"
