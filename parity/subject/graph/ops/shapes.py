"""Shapes, and tensors made by them alone. The shape of traced data is a constant all the same."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value, dtype, library, number, plain, sides, static

Attributes = Mapping[str, Any]


def _shape(attributes: Attributes, x: Value) -> np.ndarray:
    return np.asarray(np.shape(x), dtype(attributes.get("out_type", "int32")))


def _shapes(attributes: Attributes, *inputs: Value) -> tuple[np.ndarray, ...]:
    return tuple(_shape(attributes, x) for x in inputs)


def _size(attributes: Attributes, x: Value) -> np.ndarray:
    return np.asarray(np.size(x), dtype(attributes.get("out_type", "int32")))


def _reshape(x: Value, shape: Value) -> Value:
    return library(x).reshape(x, sides(shape))


def _squeeze(attributes: Attributes, x: Value) -> Value:
    axes = tuple(attributes.get("squeeze_dims") or attributes.get("axis") or ())
    return library(x).squeeze(x, axes or None)


def _expand(x: Value, axis: Value) -> Value:
    return library(x).expand_dims(x, number(axis, "axis"))


def _transpose(x: Value, order: Value) -> Value:
    return library(x).transpose(x, sides(order, "order of axes"))


def _tile(x: Value, multiples: Value) -> Value:
    return library(x).tile(x, sides(multiples, "multiples"))


def _broadcast_to(x: Value, shape: Value) -> Value:
    return library(x).broadcast_to(x, sides(shape))


def _fill(shape: Value, value: Value) -> Value:
    return library(value).full(sides(shape), value, value.dtype)


def _range(attributes: Attributes, start: Value, limit: Value, delta: Value) -> np.ndarray:
    first, end, step = (static(one, "range").item() for one in (start, limit, delta))
    return np.arange(first, end, step, dtype=dtype(attributes.get("Tidx", "int32")))


def _linspace(start: Value, stop: Value, count: Value) -> Value:
    """start + i*(stop-start)/(count-1), as the kernel has it."""
    many = number(count, "number of points")
    start, stop = jnp.asarray(start), jnp.asarray(stop)
    step = (stop - start) / max(many - 1, 1)
    return start + step * jnp.arange(many, dtype=start.dtype)


def _diagonal(x: Value) -> Value:
    """[..., n] -> [..., n, n]."""
    x = jnp.asarray(x)
    return x[..., None] * jnp.eye(x.shape[-1], dtype=x.dtype)


def _diagonal_part(x: Value) -> Value:
    return jnp.diagonal(jnp.asarray(x), axis1=-2, axis2=-1)


def _band(x: Value, lower: Value, upper: Value) -> Value:
    """Nothing below the lower and above the upper of the diagonals; a negative one keeps all on its side."""
    below, above = number(lower, "lower diagonal"), number(upper, "upper diagonal")
    rows, columns = np.shape(x)[-2:]
    off = np.arange(columns)[None] - np.arange(rows)[:, None]
    kept = ((off >= -below) | (below < 0)) & ((off <= above) | (above < 0))
    return jnp.where(kept, x, jnp.zeros_like(x))


def _broadcast_shape(x: Value, y: Value) -> np.ndarray:
    return np.asarray(np.broadcast_shapes(sides(x), sides(y)), np.asarray(x).dtype)


TABLE: dict[str, Op] = {
    "Shape": _shape,
    "ShapeN": _shapes,
    "VariableShape": _shape,
    "Size": _size,
    "Rank": plain(lambda x: np.asarray(np.ndim(x), np.int32)),
    "Reshape": plain(_reshape),
    "Squeeze": _squeeze,
    "ExpandDims": plain(_expand),
    "Transpose": plain(_transpose),
    "Tile": plain(_tile),
    "BroadcastTo": plain(_broadcast_to),
    "BroadcastArgs": plain(_broadcast_shape),
    "Fill": plain(_fill),
    "ZerosLike": plain(lambda x: np.zeros(np.shape(x), x.dtype)),
    "OnesLike": plain(lambda x: np.ones(np.shape(x), x.dtype)),
    "Range": _range,
    "LinSpace": plain(_linspace),
    "Diag": plain(_diagonal),
    "MatrixDiag": plain(_diagonal),
    "MatrixDiagPart": plain(_diagonal_part),
    "MatrixBandPart": plain(_band),
    "InvertPermutation": plain(lambda order: jnp.argsort(jnp.asarray(order)).astype(order.dtype)),
}
