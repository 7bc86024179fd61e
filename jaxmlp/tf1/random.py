"""The random streams of TensorFlow 1.x, bit for bit, in NumPy: what its CPU kernels draw from a seed.

Philox4x32-10 (Salmon et al., SC'11; tensorflow/core/lib/random/philox_random.h) feeds Box-Muller
(random_distributions.h), whose logf, sinf and cosf are glibc's: `glibc.py`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from jaxmlp.tf1.glibc import cosf_sinf, logf

DEFAULT_GRAPH_SEED = 87654321  # tensorflow/python/framework/random_seed.py
SEED_MODULUS = 2**31 - 1
BLOCKS_PER_SAMPLE = 256  # counter space a truncated normal reserves for one group of four, and a run for one value
TRUNCATION = np.float32(2.0)  # kTruncateValue of TruncatedNormalDistribution
GROUPS_PER_BATCH = 1 << 14  # groups of four drawn at a time: the temporaries stay in cache
TWO_PI = 6.283185307179586

Shape = int | Sequence[int]


class Stream(NamedTuple):
    """One random op in one session: its two seeds, and how often it has run before."""

    seed: int
    seed2: int
    runs: int = 0  # 0 for the op's first `session.run`, 1 for its second, …


Draw = Callable[[np.ndarray, int, Stream], np.ndarray]  # groups or blocks uint64 [G], values in all -> [G, 4]


def stream(graph_seed: int | None, op_seed: int | None, runs: int = 0) -> Stream:
    """The stream of an op, by the rule of `tf.compat.v1.get_seed`.

    `graph_seed`: of `tf.set_random_seed`, any integer, or None where it was not called. `op_seed`: the op's own
    `seed=`; without one TF 1.15 takes the number of ops already in the graph, see `op_seeds.of_perceptron`. `runs`:
    earlier ones of this op in the same session. Raises ValueError where `op_seed` is None or `runs` is negative.
    """
    if runs < 0:
        raise ValueError(f"runs = {runs}: an op cannot have run fewer than 0 times before")
    if op_seed is None:
        raise ValueError("op_seed is None: TF 1.15 takes the number of ops in the graph, which only the caller knows")
    seed = DEFAULT_GRAPH_SEED if graph_seed is None else graph_seed % SEED_MODULUS
    seed2 = op_seed % SEED_MODULUS
    return Stream(seed, seed2 or SEED_MODULUS if seed == 0 else seed2, runs)


def truncated_normal(shape: Shape, stream: Stream, mean: float = 0.0, stddev: float = 1.0) -> np.ndarray:
    """`tf.random.truncated_normal`: float32 of `shape`, normal values redrawn until within two standard deviations."""
    return _scaled(_in_batches(_truncated_groups, np.float32, shape, stream), shape, stddev, mean)


def random_normal(shape: Shape, stream: Stream, mean: float = 0.0, stddev: float = 1.0) -> np.ndarray:
    """`tf.random.normal`: float32 of `shape`."""
    values = _in_batches(lambda *of: _box_muller(_words(*of)), np.float32, shape, stream)
    return _scaled(values, shape, stddev, mean)


def random_uniform(
    shape: Shape, stream: Stream, minval: float = 0, maxval: float | None = None, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """`tf.random.uniform` over [minval, maxval): float32 or int32 of `shape`.

    Raises ValueError for another dtype, and for integers without a range that int32 can hold.
    """
    if (dtype := np.dtype(dtype)) == np.float32:
        low, high = np.float32(minval), np.float32(1 if maxval is None else maxval)
        units = _in_batches(lambda *of: _unit_floats(_words(*of)), np.float32, shape, stream)
        return _scaled(units, shape, float(high - low), float(low))
    if dtype != np.int32:
        raise ValueError(f"random_uniform draws float32 or int32, not {dtype}")
    if maxval is None or not -(2**31) <= minval < maxval <= 2**31 - 1:
        raise ValueError(f"random_uniform int32 needs minval < maxval within int32, not [{minval}, {maxval})")
    words = _in_batches(_words, np.uint32, shape, stream)
    offsets = (words % np.uint32(maxval - minval)).astype(np.int64)
    return (offsets + minval).astype(np.int32).reshape(shape)


def philox(counter_low: np.ndarray, stream: Stream) -> np.ndarray:
    """Philox4x32-10 blocks: counter_low uint64 [B], the block numbers n -> uint32 [B, 4].

    Key (seed low, seed high); counter (n low, n high, seed2 low, seed2 high).
    """
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    c0, c1 = counter_low & mask, counter_low >> shift
    c2 = np.full_like(c0, stream.seed2 & 0xFFFFFFFF)
    c3 = np.full_like(c0, stream.seed2 >> 32)
    k0, k1 = stream.seed & 0xFFFFFFFF, (stream.seed >> 32) & 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ np.uint64(k0), p1 & mask, (p0 >> shift) ^ c3 ^ np.uint64(k1), p0 & mask
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def _in_batches(draw: Draw, dtype: DTypeLike, shape: Shape, stream: Stream) -> np.ndarray:
    """As many values as `shape` has, flat; `draw` is given the numbers of some groups of four, uint64 [G]."""
    size = int(np.prod(shape, dtype=np.int64))
    out = np.empty((-(-size // 4), 4), dtype)
    for first in range(0, len(out), GROUPS_PER_BATCH):
        batch = out[first : first + GROUPS_PER_BATCH]
        batch[:] = draw(np.arange(first, first + len(batch), dtype=np.uint64), size, stream)
    return out.reshape(-1)[:size]


def _truncated_groups(groups: np.ndarray, size: int, stream: Stream) -> np.ndarray:
    """groups uint64 [G] -> float32 [G, 4]: candidates of block after block, the first four within the bounds kept."""
    out = np.empty((len(groups), 4), np.float32)
    kept = np.zeros(len(groups), np.int64)  # values each group has so far
    open_rows = np.arange(len(groups))
    for block in range(BLOCKS_PER_SAMPLE):
        counters = groups[open_rows] * np.uint64(BLOCKS_PER_SAMPLE) + np.uint64(block)
        candidates = _box_muller(_words(counters, size, stream))
        accepted = np.abs(candidates) < TRUNCATION
        place = kept[open_rows, None] + np.cumsum(accepted, axis=1) - 1
        row, column = np.nonzero(accepted & (place < 4))
        out[open_rows[row], place[row, column]] = candidates[row, column]
        kept[open_rows] += accepted.sum(axis=1)
        open_rows = open_rows[kept[open_rows] < 4]
        if not len(open_rows):
            return out
    raise AssertionError("256 Philox blocks without four values inside two standard deviations")


def _words(blocks: np.ndarray, size: int, stream: Stream) -> np.ndarray:
    """Philox blocks of this run: every run before it has moved the op's counter on by 256 blocks a value."""
    return philox(blocks + np.uint64(stream.runs * BLOCKS_PER_SAMPLE * size % 2**64), stream)


def _unit_floats(words: np.ndarray) -> np.ndarray:
    """uint32 words -> float32 in [0, 1): the low 23 bits, exactly (Uint32ToFloat)."""
    return (words & np.uint32(0x7FFFFF)).astype(np.float32) * np.float32(2.0**-23)


def _box_muller(words: np.ndarray) -> np.ndarray:
    """uint32 [B, 4] -> float32 [B, 4] standard normals; words (0, 1) give values 0 and 1, words (2, 3) the others."""
    uniform = _unit_floats(words)
    radius = np.sqrt(np.float32(-2) * logf(np.maximum(uniform[:, ::2], np.float32(1e-7))))
    angle = (TWO_PI * uniform[:, 1::2].astype(np.float64)).astype(np.float32)
    cosine, sine = cosf_sinf(angle)
    return np.stack([sine * radius, cosine * radius], axis=2).reshape(-1, 4)


def _scaled(values: np.ndarray, shape: Shape, scale: float, offset: float) -> np.ndarray:
    """Values times scale plus offset, in two float32 roundings as TensorFlow's kernels do."""
    return (values * np.float32(scale) + np.float32(offset)).reshape(shape)
