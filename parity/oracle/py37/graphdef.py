"""A TensorFlow 1.15 graph as plain data: nodes for JSON, and the arrays of its constants.

`described` reads what the graph's own protocol buffer says and adds no op. A node is a dict: "name", "op", "inputs"
("a:0", "b:1", "^c" after which it runs), "attributes" and "where", the line of the script that made it, or null.
Attributes: a dtype is its name ("float32"), a shape a list (-1 where a side is unknown, null for an unknown rank), a
function {"function": name}; those with a leading underscore are the runtime's own and left out.
"""

from __future__ import annotations

import os
from collections import namedtuple
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph, tensor_util

PACKAGE = tensor_util.__file__[: tensor_util.__file__.rindex("_core")]  # its own files, and its estimators'

# graph: {"nodes": [node, ...], "functions": {name: {"arguments": [tensor names], "results": [tensor names], "nodes"}}}.
# constants: {node's name: array}; of a node inside a function "function|node".
Described = namedtuple("Described", "graph constants")


def described(graph: tf.Graph) -> Described:
    """The nodes in the order in which the graph made them, and those of the functions that any of them calls."""
    definition = graph.as_graph_def()
    constants = _constants(definition.node, "")
    nodes = [_node(one, _where(graph.get_operation_by_name(one.name))) for one in definition.node]
    functions = {}
    with graph.as_default():
        for function in definition.library.function:
            name = function.signature.name
            if graph._is_function(name):
                functions[name] = _function(function)
                constants.update(_constants(function.node_def, name + "|"))
    return Described({"nodes": nodes, "functions": functions}, constants)


def _function(function: Any) -> dict[str, Any]:
    """Its tensors named as in a graph, by their number among all outputs of a node."""
    flattened: Any = function_def_to_graph.function_def_to_graph_def
    definition, flat = flattened(function, copy_functions=False)
    return {
        "arguments": [one.name + ":0" for one in function.signature.input_arg],
        "results": [flat[function.ret[one.name]] for one in function.signature.output_arg],
        "nodes": [_node(one, None) for one in definition.node],
    }


def _node(node: Any, where: Any) -> dict[str, Any]:
    attributes = {
        name: _attribute(value)
        for name, value in sorted(node.attr.items())
        if not name.startswith("_") and value.WhichOneof("value") != "tensor"
    }
    inputs = [_tensor_name(name) for name in node.input]
    return {"name": node.name, "op": node.op, "inputs": inputs, "attributes": attributes, "where": where}


def _tensor_name(name: str) -> str:
    return name if name.startswith("^") or ":" in name else name + ":0"


def _attribute(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "list":
        return [_plain(field.name, one) for field, many in value.list.ListFields() for one in many]
    return None if kind is None else _plain(kind, getattr(value, kind))


def _plain(kind: str, value: Any) -> Any:
    if kind == "s":
        return value.decode("utf-8", "replace")
    if kind == "type":
        return tf.as_dtype(value).base_dtype.name if value else None
    if kind == "shape":
        return None if value.unknown_rank else [side.size for side in value.dim]
    if kind == "func":
        return {"function": value.name}
    return value  # i, f, b


def _constants(nodes: Any, prefix: str) -> dict[str, np.ndarray]:
    return {prefix + one.name: _array(one.attr["value"].tensor) for one in nodes if one.op == "Const"}


def _array(tensor: Any) -> np.ndarray:
    """Of strings one of bytes; what NumPy has no number for as float32."""
    array = np.asarray(tensor_util.MakeNdarray(tensor))
    if tf.as_dtype(tensor.dtype) == tf.bfloat16:
        return array.astype(np.float32)
    return array.astype(bytes) if array.dtype == object else array


def _where(operation: tf.Operation) -> Any:
    """The innermost line outside TensorFlow; its stack takes no numbers from behind."""
    stack = operation._traceback
    for i in range(len(stack) - 1, -1, -1):
        frame = stack[i]
        if not frame.filename.startswith(PACKAGE):
            return f"{os.path.basename(frame.filename)}:{frame.lineno}"
    return None
