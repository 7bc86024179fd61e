"""What the primitives of a traced JAX function are in NumPy, on float64 for its float32: `monte_carlo` rounds them.

Written once for all of `jaxmlp.network` and `method`; a primitive that is not here is told by its name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Numbers = np.ndarray


def _broadcast_in_dim(
    x: Numbers, *, shape: tuple[int, ...], broadcast_dimensions: tuple[int, ...], **_: Any
) -> Numbers:
    sides = [1] * len(shape)
    for side, here in zip(broadcast_dimensions, np.shape(x), strict=True):
        sides[side] = here
    return np.broadcast_to(np.reshape(x, sides), shape)


def _convert_element_type(x: Numbers, *, new_dtype: Any, **_: Any) -> Numbers:
    return np.asarray(x).astype(wide(np.dtype(new_dtype)))


def _bitcast_convert_type(x: Numbers, *, new_dtype: Any) -> Numbers:
    """The bits are those of float32: a wide number is one of those, or made one."""
    bits = np.asarray(x, np.float32) if np.asarray(x).dtype == np.float64 else np.asarray(x)
    return np.asarray(bits.view(new_dtype)).astype(wide(np.dtype(new_dtype)))


def _dot_general(x: Numbers, y: Numbers, *, dimension_numbers: Any, **_: Any) -> Numbers:
    ((left,), (right,)), batch = dimension_numbers
    assert batch == ((), ()), "matrices"
    return np.moveaxis(x, left, -1) @ np.moveaxis(y, right, 0)


def _iota(*, dtype: Any, shape: tuple[int, ...], dimension: int, **_: Any) -> Numbers:
    along = [1] * len(shape)
    along[dimension] = -1
    return np.broadcast_to(np.arange(shape[dimension], dtype=wide(np.dtype(dtype))).reshape(along), shape)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "add": np.add,
    "add_any": np.add,
    "and": np.bitwise_and,
    "copy": np.array,
    "div": np.divide,
    "eq": np.equal,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "ge": np.greater_equal,
    "gt": np.greater,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "log": np.log,
    "log1p": np.log1p,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.invert,
    "or": np.bitwise_or,
    "select_n": lambda which, first, second: np.where(which, second, first),
    "shift_left": np.left_shift,
    "shift_right_arithmetic": np.right_shift,
    "sign": np.sign,
    "sqrt": np.sqrt,
    "square": np.square,
    "stop_gradient": np.array,
    "sub": np.subtract,
    "tanh": np.tanh,
}
SHAPED: dict[str, Callable[..., Any]] = {
    "argmax": lambda x, axes, index_dtype: np.argmax(x, axes[0]).astype(index_dtype),
    "bitcast_convert_type": _bitcast_convert_type,
    "broadcast_in_dim": _broadcast_in_dim,
    "convert_element_type": _convert_element_type,
    "dot_general": _dot_general,
    "iota": _iota,
    "reduce_max": lambda x, axes, **_: np.max(x, axes),
    "reduce_or": lambda x, axes, **_: np.any(x, axes),
    "reduce_sum": lambda x, axes, **_: np.sum(x, axes),
    "reshape": lambda x, new_sizes, **_: np.reshape(x, new_sizes),
    "squeeze": lambda x, dimensions: np.squeeze(x, dimensions),
    "transpose": lambda x, permutation: np.transpose(x, permutation),
}
# The others are exact on float32 numbers: they choose, compare, move, or change a sign.
ROUNDED = {"add", "add_any", "div", "exp", "expm1", "log", "log1p", "mul", "sqrt", "square", "sub", "tanh"}


def result(name: str, operands: list[Numbers], params: dict[str, Any]) -> Numbers:
    """Of a primitive, exact. Raises NotImplementedError for one that is not known."""
    if name in ELEMENTWISE:
        return np.asarray(ELEMENTWISE[name](*operands))
    if name in SHAPED:
        return np.asarray(SHAPED[name](*operands, **params))
    raise NotImplementedError(f"{name} is no primitive that parity/noise/primitives.py knows")


def wide(dtype: np.dtype) -> np.dtype:
    """float64 for float32; others as they are."""
    return np.dtype(np.float64) if dtype == np.float32 else dtype


def largest_term(name: str, operands: list[Numbers], params: dict[str, Any]) -> Numbers | None:
    """Of a sum of numbers from 0 up, the largest of them; None of any other."""
    if name != "reduce_sum" or not (operands[0] >= 0).all():
        return None
    return np.max(operands[0], params["axes"], initial=0)


def terms(name: str, operands: list[Numbers], params: dict[str, Any]) -> tuple[Numbers, Numbers] | None:
    """Of a sum, how many terms it has, zeros not counted, and the sum of their squares, float32; None of no sum."""
    if name == "reduce_sum":
        (x,), axes = operands, params["axes"]
        return np.asarray(np.count_nonzero(x, axes)), np.asarray(np.sum(np.square(x), axes))
    if name != "dot_general":
        return None
    ((left,), (right,)), _ = params["dimension_numbers"]
    x, y = np.moveaxis(operands[0], left, -1), np.moveaxis(operands[1], right, 0)
    counts = np.minimum.outer(np.count_nonzero(x, -1).astype(np.float32), np.count_nonzero(y, 0).astype(np.float32))
    return counts, np.square(x).astype(np.float32) @ np.square(y).astype(np.float32)
