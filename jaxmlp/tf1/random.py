"""The random streams of TensorFlow 1.x, bit for bit, in NumPy: what its CPU kernels draw from a seed.

`streams.py` says where an op draws and makes its words, `uniforms.py` and `normals.py` make values of them. Kernels:
tensorflow/core/kernels/random_op.cc and random_shuffle_op.cc.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from jaxmlp.tf1.normals import box_muller, box_muller_double, truncated
from jaxmlp.tf1.streams import BLOCKS_PER_VALUE, Shape, Stream, philox, shuffle_blocks, size_of
from jaxmlp.tf1.streams import stream as stream
from jaxmlp.tf1.uniforms import float_type, integers, unit_double, unit_float

GROUPS_PER_BATCH = 1 << 14  # groups drawn at a time, a Philox block each: the temporaries stay in cache

WordsOf = Callable[[np.ndarray], np.ndarray]  # block numbers of this run uint64 [B] -> uint32 [B, 4]
Draw = Callable[[np.ndarray, WordsOf], np.ndarray]  # groups uint64 [G], the run's words -> values [G, 4 or 2]


def truncated_normal(
    shape: Shape, stream: Stream, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """`tf.random.truncated_normal`: normal values of `shape`, redrawn until within two standard deviations.

    dtype float32, float64, float16 or bfloat16; of the last two, values may round to the bound itself. Raises
    ValueError for another.
    """
    dtype = float_type("truncated_normal", dtype)
    to_normal = box_muller_double if dtype == np.float64 else box_muller
    values = _drawn(lambda groups, words_of: truncated(groups, words_of, to_normal), dtype, shape, stream)
    return _scaled(values, shape, stddev, mean)


def random_normal(
    shape: Shape, stream: Stream, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """`tf.random.normal` of `shape`: float32, float64, float16 or bfloat16. Raises ValueError for another dtype."""
    dtype = float_type("random_normal", dtype)
    to_normal = box_muller_double if dtype == np.float64 else box_muller
    values = _drawn(lambda groups, words_of: to_normal(words_of(groups)), dtype, shape, stream)
    return _scaled(values, shape, stddev, mean)


def random_uniform(
    shape: Shape, stream: Stream, minval: float = 0, maxval: float | None = None, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """`tf.random.uniform` over [minval, maxval): float32, float64, float16, bfloat16, int32 or int64 of `shape`.

    Raises ValueError for another dtype, and for integers without a range that their dtype can hold.
    """
    if (dtype := np.dtype(dtype)) in (np.int32, np.int64):
        return _uniform_integers(shape, stream, minval, maxval, dtype)
    dtype = float_type("random_uniform", dtype, " int32, int64,")
    low, high = _rounded(minval, dtype), _rounded(1 if maxval is None else maxval, dtype)

    def draw(groups: np.ndarray, words_of: WordsOf) -> np.ndarray:
        return unit_double(words_of(groups)) if dtype == np.float64 else unit_float(words_of(groups), dtype)

    return _scaled(_drawn(draw, dtype, shape, stream), shape, high - low, low)


def random_shuffle(value: ArrayLike, stream: Stream) -> np.ndarray:
    """`tf.random_shuffle`: the rows of `value`, any shape but a scalar's and any dtype, in another order.

    Row k, from 0 on, changes places with row k + word k modulo (rows - k). Raises ValueError for a scalar.
    """
    value = np.asarray(value)
    if not value.ndim:
        raise ValueError("random_shuffle: value is a scalar, which has no rows to shuffle; pass at least one dimension")
    length, blocks = len(value), shuffle_blocks(len(value))
    words = _words_of(stream, blocks)(np.arange(blocks, dtype=np.uint64)).reshape(-1)[: max(length - 1, 0)]
    swaps = np.arange(len(words)) + words % np.arange(length, 1, -1, dtype=np.uint32)
    order = list(range(length))
    for here, there in enumerate(swaps.tolist()):
        order[here], order[there] = order[there], order[here]
    return value[np.array(order, np.int64)]


def _uniform_integers(shape: Shape, stream: Stream, minval: float, maxval: float | None, dtype: np.dtype) -> np.ndarray:
    limits = np.iinfo(dtype)
    if maxval is None or not limits.min <= minval < maxval <= limits.max:
        raise ValueError(f"random_uniform {dtype} needs minval < maxval within {dtype}, not [{minval}, {maxval})")
    low, high = int(minval), int(maxval)
    if (low, high) != (minval, maxval):
        raise ValueError(f"random_uniform {dtype} needs whole numbers, not [{minval}, {maxval})")
    values = _drawn(lambda groups, words_of: integers(words_of(groups), low, high, dtype), dtype, shape, stream)
    return values.reshape(shape)


def _drawn(draw: Draw, dtype: np.dtype, shape: Shape, stream: Stream) -> np.ndarray:
    """As many values as `shape` has, flat; a group is what one Philox block makes: four values, of 64 bits two."""
    size, width = size_of(shape), 16 // max(dtype.itemsize, 4)
    words_of = _words_of(stream, BLOCKS_PER_VALUE * size)
    out = np.empty((-(-size // width), width), dtype)
    for first in range(0, len(out), GROUPS_PER_BATCH):
        batch = out[first : first + GROUPS_PER_BATCH]
        batch[:] = draw(np.arange(first, first + len(batch), dtype=np.uint64), words_of).astype(dtype, copy=False)
    return out.reshape(-1)[:size]


def _words_of(stream: Stream, blocks_per_run: int) -> WordsOf:
    start = np.uint64(stream.first_block(blocks_per_run))
    return lambda blocks: philox(blocks + start, stream)


def _rounded(value: float | np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A Python number as TensorFlow makes a constant of it: bfloat16 by way of float32."""
    return np.asarray(np.float32(value) if dtype.name == "bfloat16" else value).astype(dtype)


def _scaled(values: np.ndarray, shape: Shape, scale: float | np.ndarray, offset: float | np.ndarray) -> np.ndarray:
    """Values times scale plus offset, in two roundings to their dtype as TensorFlow's kernels do."""
    return (values * _rounded(scale, values.dtype) + _rounded(offset, values.dtype)).reshape(shape)
