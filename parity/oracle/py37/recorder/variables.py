"""Reads variables without adding an op."""

from __future__ import annotations

from typing import Any, Callable, Iterable, List

import numpy as np
import tensorflow as tf

Tell = Callable[[str], None]
Read = Callable[[List[Any]], List[Any]]


def reads(variables: Iterable[tf.Operation], tell: Tell) -> dict[str, Any]:
    """For each variable a tensor that shows it: the variable itself, or a read that waits for nothing else."""
    found = {}
    for variable in variables:
        tensor = variable.outputs[0] if variable.type != "VarHandleOp" else _free_read(variable)
        if tensor is None:
            tell("no read of this variable stands alone, it is not recorded: " + variable.name)
        else:
            found[variable.name] = tensor
    return found


def _free_read(variable: tf.Operation) -> Any:
    readers = [op for op in variable.outputs[0].consumers() if op.type == "ReadVariableOp" and not op.control_inputs]
    return next((op.outputs[0] for op in readers if op._get_control_flow_context() is None), None)


def values(read: Read, tensors: dict[str, Any], tell: Tell) -> dict[str, np.ndarray]:
    """By name, copied; what is not initialised is left out and told."""
    names = list(tensors)
    try:
        return {name: np.array(value) for name, value in zip(names, read([tensors[name] for name in names]))}
    except tf.errors.FailedPreconditionError:
        return {name: value for name in names for value in _one(read, name, tensors[name], tell)}


def _one(read: Read, name: str, tensor: Any, tell: Tell) -> list[np.ndarray]:
    try:
        return [np.array(read([tensor])[0])]
    except tf.errors.FailedPreconditionError:
        tell("not initialised when it was read: " + name)
        return []
