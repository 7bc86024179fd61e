"""What an op that writes makes of the variables it holds: assignments here, updates by `optimizers`."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from parity.errors import CannotCompare
from parity.subject.graph.node import Node
from parity.subject.graph.optimizers import MOVES
from parity.subject.graph.values import Value

Scatter = Callable[[Any, Value], Value]  # of `array.at[indices]` and the updates


def written(node: Node, inputs: list[Value]) -> list[Value]:
    """The new values of its variables, in the order of its inputs, which begin with the old values."""
    op = node.op.removeprefix("Resource")
    if op.startswith("Assign"):
        return [_assigned(op.removesuffix("VariableOp"), *inputs)]
    if op.startswith("Scatter"):
        return [_scattered(op, *inputs)]
    if op not in MOVES:
        raise CannotCompare(f"{node.called}: this type of update is not known to parity/subject/graph/optimizers.py")
    return MOVES[op](node.attributes, *inputs)


def _assigned(op: str, old: Value, value: Value) -> Value:
    return {"Assign": lambda: value, "AssignAdd": lambda: old + value, "AssignSub": lambda: old - value}[op]()


def _scattered(op: str, old: Value, indices: Value, updates: Value) -> Value:
    """Indices that occur twice count twice."""
    nd = op.startswith("ScatterNd")
    index = tuple(jnp.moveaxis(jnp.asarray(indices), -1, 0)) if nd else indices
    place = jnp.asarray(old).at[index]
    kind = op.removeprefix("ScatterNd" if nd else "Scatter")
    ways = {"Add": place.add, "Sub": place.subtract, "Mul": place.multiply, "Div": place.divide, "Update": place.set}
    return {**ways, "Min": place.min, "Max": place.max}[kind](updates)
