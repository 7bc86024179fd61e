"""The file: docstring, imports, logits, loss and step."""

import re
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

from parity.compare.recorded.recording import Program, Recording
from parity.subject.port_writer import names
from parity.subject.port_writer.expression import (
    ARRAY,
    INPUT,
    Expression,
    leaves,
    walk,
)
from parity.subject.port_writer.function import Body, Scope, parameters
from parity.subject.port_writer.layout import DATA_FILE, WIDTH, assembled, function
from parity.subject.port_writer.optimizer import is_constant, is_descent, made_optimizer
from parity.subject.port_writer.read import Read
from parity.subject.port_writer.taking import step


class Port(NamedTuple):
    """A file, and the arrays beside it, which the script had in its graph."""

    text: str
    arrays: Mapping[str, np.ndarray]
    left_out: Sequence[str]


def written(recording: Recording, program: Program, found: Read, where: str) -> Port:
    """The port of what was read. `where`: what stands behind `python -m parity prove` to prove it."""
    scope, arrays = _scope(program, found)
    parts = [*_outputs(scope, found), *_loss(scope, found), *step(scope, found)]
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
    if is_descent(found.update):
        rate = found.update.numbers["learning_rate"]
        return lines + ([f"LEARNING_RATE = {_alone(rate)}"] if is_constant(rate) else [])
    if all(map(is_constant, found.update.numbers.values())):
        lines += made_optimizer("OPTIMIZER", found.update, {k: _alone(n) for k, n in found.update.numbers.items()})
        lines += ["apply_gradients = jax.jit(OPTIMIZER.apply_gradients)"]
    if len(found.update.slots) > 1:
        own = ", ".join(f'"{slot}": "{behind[1:]}"' for slot, (_, behind) in found.update.slots.items())
        lines += [f"SLOTS = {{{own}}}  # TensorFlow's names of them"]
    return lines


def _alone(one: Expression) -> str:
    return Body(Scope({}, {}, {}, {}), [one]).text(one)


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
