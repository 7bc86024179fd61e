"""TensorFlow's op types by what they mean to a recording, and walks over the ops of a graph."""

from __future__ import annotations

from typing import Any, Iterable

import tensorflow as tf

from ..op_names import VARIABLES

# Whatever was there before.
REPLACES = {
    *("Assign", "AssignVariableOp", "ScatterUpdate", "ScatterNdUpdate"),
    *("ResourceScatterUpdate", "ResourceScatterNdUpdate"),
}
READS = {"Identity", "Enter", "RefEnter", "Switch", "RefSwitch", "ReadVariableOp"}
FUNCTION = {
    "PartitionedCall",
    "StatefulPartitionedCall",
    "If",
    "StatelessIf",
    "While",
    "StatelessWhile",
    "SymbolicGradient",
}


def ancestors(elements: Iterable[Any], fed: Iterable[str], control: bool = True) -> set[tf.Operation]:
    """All ops that a run of tensors and ops executes where the tensors of these names are fed.

    Without `control` only those whose values are used, not those that are merely waited for.
    """
    fed = frozenset(fed)
    todo = [one if isinstance(one, tf.Operation) else one.op for one in elements if getattr(one, "name", "") not in fed]
    seen = set()
    while todo:
        op = todo.pop()
        if op not in seen:
            seen.add(op)
            todo += [tensor.op for tensor in op.inputs if tensor.name not in fed]
            todo += op.control_inputs if control else []
    return seen


def variable_of(thing: Any) -> tf.Operation | None:
    """The op of the variable that a tensor merely reads, or that a variable object is; None for all else."""
    op = getattr(thing, "op", None)
    while op is not None and op.type not in VARIABLES:
        op = op.inputs[0].op if op.type in READS and len(op.inputs) else None
    return op


def in_order(ops: Iterable[tf.Operation]) -> list:
    """As the script made them."""
    return sorted(ops, key=lambda op: op._id)
