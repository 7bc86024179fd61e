"""What the primitives of a traced JAX function are in NumPy, on float64 for its float32: `monte_carlo` rounds them.

Written once for all of `jaxmlp.network` and `method`; a primitive that is not here is told by its name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

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


def matrices(name: str, operands: list[Numbers], params: dict[str, Any]) -> bool:
    """Whether a product is one of two matrices, or vectors."""
    if name != "dot_general" or max(map(np.ndim, operands)) > 2:
        return False
    contracted, batch = params["dimension_numbers"]
    return batch == ((), ()) and len(contracted[0]) == 1


def _shift_right_logical(x: Numbers, y: Numbers) -> Numbers:
    unsigned = np.dtype(f"u{np.asarray(x).dtype.itemsize}")
    return np.right_shift(np.asarray(x).view(unsigned), np.asarray(y).astype(unsigned)).view(np.asarray(x).dtype)


def _clamp(low: Numbers, x: Numbers, high: Numbers) -> Numbers:
    return np.minimum(np.maximum(x, low), high)


def _integer_pow(x: Numbers, *, y: int) -> Numbers:
    return np.asarray(x) ** y if y >= 0 else 1 / np.asarray(x) ** -y


def _slice(x: Numbers, *, start_indices: Any, limit_indices: Any, strides: Any) -> Numbers:
    steps = strides or (1,) * np.ndim(x)
    return x[tuple(slice(*bounds) for bounds in zip(start_indices, limit_indices, steps, strict=True))]


def _pad(x: Numbers, value: Numbers, *, padding_config: Any) -> Numbers:
    """So much before, after, and between two entries of each axis; less than nothing cuts off."""
    between = [inside for *_, inside in padding_config]
    full = np.full([max(n + (n - 1) * k, 0) for n, k in zip(np.shape(x), between, strict=True)], value)
    full[tuple(slice(None, None, 1 + k) for k in between)] = x
    full = np.pad(full, [(max(a, 0), max(b, 0)) for a, b, _ in padding_config], constant_values=value)
    kept = (slice(max(-a, 0), n - max(-b, 0)) for n, (a, b, _) in zip(full.shape, padding_config, strict=True))
    return full[tuple(kept)]


def _reshape(x: Numbers, *, new_sizes: tuple[int, ...], dimensions: Any, **_: Any) -> Numbers:
    """`dimensions`: the order of its axes to read it in."""
    return np.reshape(x if dimensions is None else np.transpose(x, dimensions), new_sizes)


def _round(x: Numbers, *, rounding_method: Any) -> Numbers:
    """To the nearest whole number, halves to the even one or away from zero."""
    if int(rounding_method) == 1:
        return np.rint(x)
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def _select_n(which: Numbers, *cases: Numbers) -> Numbers:
    return np.where(which, cases[1], cases[0]) if len(cases) == 2 else np.choose(which, cases)


def _iota(*, dtype: Any, shape: tuple[int, ...], dimension: int, **_: Any) -> Numbers:
    along = [1] * len(shape)
    along[dimension] = -1
    return np.broadcast_to(np.arange(shape[dimension], dtype=wide(np.dtype(dtype))).reshape(along), shape)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "add": np.add,
    "add_any": np.add,
    "and": np.bitwise_and,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "clamp": _clamp,
    "copy": np.array,
    "cos": np.cos,
    "cosh": np.cosh,
    "digamma": special.digamma,
    "div": np.divide,
    "eq": np.equal,
    "erf": special.erf,
    "erfc": special.erfc,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "ge": np.greater_equal,
    "gt": np.greater,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "lgamma": special.gammaln,
    "log": np.log,
    "log1p": np.log1p,
    "logistic": special.expit,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.invert,
    "or": np.bitwise_or,
    "polygamma": special.polygamma,
    "pow": np.power,
    "rem": np.fmod,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "select_n": _select_n,
    "shift_left": np.left_shift,
    "shift_right_arithmetic": np.right_shift,
    "shift_right_logical": _shift_right_logical,
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "square": np.square,
    "stop_gradient": np.array,
    "sub": np.subtract,
    "tan": np.tan,
    "tanh": np.tanh,
    "xor": np.bitwise_xor,
}
SHAPED: dict[str, Callable[..., Any]] = {
    "argmax": lambda x, axes, index_dtype: np.argmax(x, axes[0]).astype(index_dtype),
    "bitcast_convert_type": _bitcast_convert_type,
    "broadcast_in_dim": _broadcast_in_dim,
    "concatenate": lambda *parts, dimension: np.concatenate(parts, dimension),
    "convert_element_type": _convert_element_type,
    "dot_general": _dot_general,
    "integer_pow": _integer_pow,
    "iota": _iota,
    "pad": _pad,
    "reduce_and": lambda x, axes, **_: np.all(x, axes),
    "reduce_max": lambda x, axes, **_: np.max(x, axes),
    "reduce_min": lambda x, axes, **_: np.min(x, axes),
    "reduce_or": lambda x, axes, **_: np.any(x, axes),
    "reduce_sum": lambda x, axes, **_: np.sum(x, axes),
    "rev": lambda x, dimensions: np.flip(x, dimensions),
    "round": _round,
    "slice": _slice,
    "reshape": _reshape,
    "stack": lambda *parts, axis: np.stack(parts, axis),
    "squeeze": lambda x, dimensions: np.squeeze(x, dimensions),
    "tile": lambda x, reps: np.tile(x, reps),
    "transpose": lambda x, permutation: np.transpose(x, permutation),
}
# The others are exact on float32 numbers: they choose, compare, move, or change a sign.
ROUNDED = {
    *("add", "add_any", "div", "exp", "expm1", "integer_pow", "log", "log1p", "mul", "pow", "sqrt", "square", "sub"),
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "sin", "sinh", "tan", "tanh"),
    *("cumprod", "digamma", "erf", "erfc", "lgamma", "logistic", "polygamma", "reduce_prod", "rsqrt"),
}


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
