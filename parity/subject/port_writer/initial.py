"""How a graph's variables start, as the initializers that a `Program` knows."""

import math

import numpy as np

from jaxmlp.program import (
    Constant,
    GlorotUniform,
    Initializer,
    Ones,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    Zeros,
)
from parity.subject.graph.node import Node
from parity.subject.port_writer.expression import NotWritten, short
from parity.subject.port_writer.reading import FIXED, Reading

NORMAL = {"TruncatedNormal": TruncatedNormal, "RandomStandardNormal": RandomNormal}
ASSIGNS = {"Assign", "AssignVariableOp"}


def initializer(reading: Reading, variable: str) -> Initializer:
    """Raises `NotWritten` for one that is none of them."""
    for node in reading.graph.nodes.values():
        if node.op in ASSIGNS and reading.graph.targets(node) == [variable] and node.name not in reading.side:
            return _start(reading, variable, node.inputs[1])
    raise NotWritten(f"the initial value of {variable}")


def _start(reading: Reading, variable: str, tensor: str) -> Initializer:
    if reading.kind(tensor) == FIXED:
        return _constant(variable, reading.value(tensor))
    node = _node(reading, tensor)
    if node.op not in ("Add", "AddV2") or reading.kind(node.inputs[1]) != FIXED:
        raise NotWritten(f"{node.called}, the initial value of {variable}")
    product, offset = _node(reading, node.inputs[0]), float(reading.value(node.inputs[1]))
    drawn, scale = _node(reading, product.inputs[0]), float(reading.value(product.inputs[1]))
    if drawn.op in NORMAL:
        return NORMAL[drawn.op](short(scale), short(offset))
    if drawn.op == "RandomUniform":
        return _uniform(reading, drawn, scale, offset)
    raise NotWritten(f"{drawn.called}, the initial value of {variable}")


def _node(reading: Reading, tensor: str) -> Node:
    return reading.graph.of(reading.resolved(tensor))


def _constant(variable: str, value: np.ndarray) -> Initializer:
    first = float(value.reshape(-1)[0])
    if not (value == value.reshape(-1)[0]).all():
        raise NotWritten(f"the initial value of {variable}: an array of the script's own")
    return {0.0: Zeros(), 1.0: Ones()}.get(first) or Constant(short(first))


def _uniform(reading: Reading, drawn: Node, scale: float, offset: float) -> Initializer:
    shape = [int(side) for side in reading.value(drawn.inputs[0])]
    if len(shape) == 2 and abs(offset + math.sqrt(6 / sum(shape))) <= 1e-6 and abs(scale + 2 * offset) <= 1e-6:
        return GlorotUniform()
    return RandomUniform(short(offset), short(offset + scale))
