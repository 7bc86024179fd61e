"""From Philox words to uniform values, as in TensorFlow 1.x (core/lib/random/random_distributions.h); NumPy."""

import numpy as np
from numpy.typing import DTypeLike

MANTISSA_BITS = {"float16": 10, "bfloat16": 7, "float32": 23}  # of each word, its low ones; no rounding


def float_type(name: str, dtype: DTypeLike, others: str = "") -> np.dtype:
    """The dtype, which `name` draws. Raises ValueError for one that it does not."""
    dtype = np.dtype(dtype)
    if dtype.name not in MANTISSA_BITS and dtype != np.float64:
        raise ValueError(f"{name}: dtype {dtype}; it draws{others} float32, float64, float16 or bfloat16")
    return dtype


def unit_float(words: np.ndarray, dtype: np.dtype | type = np.float32) -> np.ndarray:
    """uint32 words -> float32, float16 or bfloat16 in [0, 1), exactly (Uint32ToFloat, Uint16ToHalf)."""
    bits = MANTISSA_BITS[np.dtype(dtype).name]
    values = (words & np.uint32((1 << bits) - 1)).astype(np.float32) * np.float32(2.0**-bits)
    return values.astype(dtype, copy=False)


def unit_double(words: np.ndarray) -> np.ndarray:
    """uint32 [B, 4] -> float64 [B, 2] in [0, 1): the first word of a pair gives the high 20 bits (Uint64ToDouble)."""
    high, low = (words[:, ::2] & np.uint32(0xFFFFF)).astype(np.float64), words[:, 1::2].astype(np.float64)
    return high * 2.0**-20 + low * 2.0**-52


def integers(words: np.ndarray, minval: int, maxval: int, dtype: np.dtype) -> np.ndarray:
    """uint32 [B, 4] -> int32 [B, 4] or int64 [B, 2] in [minval, maxval): one word, or two (low, high), modulo."""
    if dtype == np.int64:
        words = words[:, ::2].astype(np.uint64) | (words[:, 1::2].astype(np.uint64) << np.uint64(32))
    unsigned = words.dtype.type
    offsets = words % unsigned(maxval - minval)
    return (offsets + unsigned(minval % 2 ** (8 * dtype.itemsize))).view(dtype)  # wraps around, as SignedAdd does
