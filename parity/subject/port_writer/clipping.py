"""What lies between the gradients and the updates: nothing, or one of `tf.clip_by_*`, found by its ops."""

from collections.abc import Iterator
from typing import NamedTuple

from parity.compare.recorded.recording import Program
from parity.subject.graph.node import Node
from parity.subject.port_writer.expression import NUMBER, NotWritten
from parity.subject.port_writer.reading import DATA, FIXED, Reading
from parity.subject.port_writer.source import literal

ARGUMENTS = ("grad", "delta")  # of update ops, where the gradient arrives


class Clip(NamedTuple):
    """kind: as in `jaxmlp.program.Clipping`; limits: its numbers, in order."""

    kind: str
    limits: tuple[float, ...]

    @property
    def statement(self) -> str:
        told = ", ".join(map(literal, self.limits))
        if self.kind == "global_norm":
            return f"clipped, _ = clipping.clip_by_global_norm(grads, {told})"
        called = {"norm": "clipping.clip_by_norm", "value": "jnp.clip"}[self.kind]
        return f"clipped = {{name: {called}(grad, {told}) for name, grad in grads.items()}}"


def clip_of(reading: Reading, program: Program) -> Clip | None:
    """None where gradients arrive as they are. Raises `NotWritten` where something else happens to them."""
    between: dict[str, Node] = {}
    gradients = {reading.resolved(name) for name in program.fields["gradients"].values()}
    for one in program.updates:
        arriving = next(one.inputs[name]["tensor"] for name in ARGUMENTS if name in one.inputs)
        own = program.fields["gradients"].get(one.variable)
        if own is None:
            raise NotWritten(f"{one.type} {one.op}: tf.gradients has no gradient of {one.variable}")
        if reading.resolved(arriving) != reading.resolved(own):
            between |= {node.name: node for node in _between(reading, arriving, gradients)}
    if not between:
        return None
    found = _clip(reading, between)
    if found is None:
        told = ", ".join(sorted({node.op for node in between.values()}))
        raise NotWritten(f"what happens to the gradients before their update: {told}")
    return found


def _between(reading: Reading, arriving: str, gradients: set[str]) -> Iterator[Node]:
    todo, seen = [arriving], set()
    while todo:
        name = reading.resolved(todo.pop())
        if name in gradients or name in seen or name in reading.data or reading.graph.variable(name):
            continue
        seen.add(name)
        node = reading.graph.of(name)
        if reading.kind(name) == DATA:
            yield node
        todo += node.inputs


def _clip(reading: Reading, between: dict[str, Node]) -> Clip | None:
    ops = {node.op for node in between.values()}
    if "L2Loss" in ops:
        scales = [node for node in between.values() if node.op == "Mul" and _made_by(reading, node, "Minimum")]
        return Clip("global_norm", _limits(reading, scales[:1]))
    if {"Sum", "Sqrt", "Maximum"} <= ops:
        return Clip("norm", _limits(reading, [node for node in between.values() if node.op == "Maximum"][:1]))
    if ops == {"Minimum", "Maximum"}:
        pair = [next(node for node in between.values() if node.op == op) for op in ("Maximum", "Minimum")]
        return Clip("value", _limits(reading, pair))
    return None


def _made_by(reading: Reading, node: Node, op: str) -> bool:
    return any(reading.graph.of(reading.resolved(name)).op == op for name in node.inputs)


def _limits(reading: Reading, nodes: list[Node]) -> tuple[float, ...]:
    found = [
        float(reading.expression(name).value)
        for node in nodes
        for name in node.inputs
        if reading.kind(name) == FIXED and reading.expression(name).op == NUMBER
    ]
    if len(found) != len(nodes) or not found:
        raise NotWritten("gradients that are clipped by a number which changes")
    return tuple(found)
