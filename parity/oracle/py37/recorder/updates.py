"""Which ops of a run train, and which merely keep count: initializers, moving averages, metrics, the global step.

An Apply* op trains. So does an Assign to a trainable variable that depends on the variable's own value and on more than
a constant, which finds gradients that are computed by hand.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from ..op_names import APPLY, ASSIGN, RANDOM, SOURCE, VARIABLES
from .op_types import REPLACES, ancestors, in_order, variable_of

ARRIVING = ("grad", "delta", "value", "updates")  # arguments of update ops that bring the change


class Updates(NamedTuple):
    """Of one run; both in the order in which the script made them."""

    training: list[tf.Operation]
    side: list[tf.Operation]


def find(graph: tf.Graph, ops: set[tf.Operation], fed: set[str]) -> Updates:
    """Among the ops of a run where the tensors of these names are fed."""
    trainable = {variable_of(one) for one in graph.get_collection("trainable_variables")}
    training, side = [], []
    for op in in_order(ops):
        if APPLY.match(op.type) or (ASSIGN.match(op.type) and _trains(op, trainable, fed)):
            training.append(op)
        elif ASSIGN.match(op.type):
            side.append(op)
    return Updates(training, side)


def _trains(op: tf.Operation, trainable: set[Any], fed: set[str]) -> bool:
    variable = variable_of(op.inputs[0])
    if variable not in trainable or not _floating(variable):
        return False
    behind = ancestors(op.inputs[1:], fed, control=False)
    others = any(one.type in VARIABLES and one is not variable for one in behind)
    data = any(one.type.startswith("Placeholder") or SOURCE.match(one.type) or RANDOM.match(one.type) for one in behind)
    fed_here = any(tensor.name in fed for one in [op, *behind] for tensor in one.inputs)
    moves = op.type not in REPLACES or variable in behind
    return moves and (others or data or fed_here or len(_shape(variable)) > 0)


def _floating(variable: Any) -> bool:
    return tf.as_dtype(variable.get_attr("dtype")).is_floating


def _shape(variable: Any) -> list:
    shape = variable.get_attr("shape")
    return [] if shape.unknown_rank else list(shape.dim)


def described(op: tf.Operation) -> dict[str, Any]:
    """As raw.json tells it: an input is the name of a variable that it reads, or of a tensor."""
    inputs = {}
    for argument, tensor in arguments(op).items():
        variable = variable_of(tensor)
        inputs[argument] = {"tensor": tensor.name} if variable is None else {"variable": variable.name}
    return {
        "op": op.name,
        "type": op.type,
        "variable": getattr(variable_of(op.inputs[0]), "name", None),
        "inputs": inputs,
        "attributes": {name: value for name, value in _attributes(op) if isinstance(value, (bool, int, float))},
    }


def arguments(op: tf.Operation) -> dict[str, Any]:
    """The tensors that an update op takes, by the names of its definition."""
    return {argument.name: tensor for argument, tensor in zip(op.op_def.input_arg, op.inputs)}


def computed(op: tf.Operation) -> dict[str, Any]:
    """Those that are no mere reads. A fetched read shows the variable's buffer, which by then holds the new value."""
    named = arguments(op).items()
    return {name: tensor for name, tensor in named if variable_of(tensor) is None and tensor.dtype != tf.resource}


def _attributes(op: tf.Operation) -> Any:
    return [(name, op.get_attr(name)) for name in sorted(op.node_def.attr) if name not in ("use_locking", "_class")]
