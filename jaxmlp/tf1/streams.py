"""Where a random op of TensorFlow 1.x draws from: its two seeds, how far its counter has moved, and what Philox makes.

Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC'11);
tensorflow/core/lib/random/philox_random.h.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, SupportsInt

import numpy as np

DEFAULT_GRAPH_SEED = 87654321  # tensorflow/python/framework/random_seed.py
SEED_MODULUS = 2**31 - 1
BLOCKS_PER_VALUE = 256  # counter space a run reserves for one value (ReserveRandomOutputs in kernels/random_op.cc)
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85  # what the two halves of the key grow by from round to round
ROUNDS = 10

Shape = int | Sequence[int]


class Stream(NamedTuple):
    """One random op in one session: its two seeds, and what its earlier runs have used up.

    Earlier runs of the size that is now drawn are counted in `runs`; of other sizes, in `blocks`, by `after`.
    """

    seed: int
    seed2: int
    runs: int = 0  # 0 for the op's first `session.run`, 1 for its second, …
    blocks: int = 0  # Philox blocks of four words

    def after(self, *shapes: Shape) -> "Stream":
        """The stream once the op has run for each of `shapes`, which may differ: of uniforms, normals or a dropout."""
        return self._replace(blocks=self.blocks + BLOCKS_PER_VALUE * sum(map(size_of, shapes)))

    def after_shuffles(self, *lengths: int) -> "Stream":
        """The stream once `tf.random_shuffle` has shuffled tensors of so many rows."""
        return self._replace(blocks=self.blocks + sum(map(shuffle_blocks, lengths)))

    def first_block(self, blocks_per_run: int) -> int:
        """The number of the next run's first Philox block, in [0, 2^64)."""
        return (int(self.blocks) + int(self.runs) * blocks_per_run) % 2**64


def stream(graph_seed: int | None, op_seed: int | None, runs: int = 0) -> Stream:
    """The stream of an op, by the rule of `tf.compat.v1.get_seed`.

    `graph_seed`: of `tf.set_random_seed`, any integer, or None where it was not called. `op_seed`: the op's own
    `seed=`; without one TF 1.15 takes the number of ops already in the graph, see `op_seeds`. `runs`: earlier ones of
    this op in the same session. Raises ValueError where `op_seed` is None or `runs` is negative.
    """
    if runs < 0:
        raise ValueError(f"runs = {runs}: an op cannot have run fewer than 0 times before")
    if op_seed is None:
        raise ValueError("op_seed is None: TF 1.15 takes the number of ops in the graph, which only the caller knows")
    seed = DEFAULT_GRAPH_SEED if graph_seed is None else graph_seed % SEED_MODULUS
    seed2 = op_seed % SEED_MODULUS
    return Stream(seed, seed2 or SEED_MODULUS if seed == 0 else seed2, runs)


def philox(counter_low: np.ndarray, stream: Stream) -> np.ndarray:
    """Philox4x32-10 blocks: counter_low uint64 [B], the block numbers n -> uint32 [B, 4].

    Key (seed low, seed high); counter (n low, n high, seed2 low, seed2 high).
    """
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    c0, c1 = counter_low & mask, counter_low >> shift
    c2 = np.full_like(c0, stream.seed2 & 0xFFFFFFFF)
    c3 = np.full_like(c0, stream.seed2 >> 32)
    k0, k1 = stream.seed & 0xFFFFFFFF, (stream.seed >> 32) & 0xFFFFFFFF
    for _ in range(ROUNDS):
        p0, p1 = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ np.uint64(k0), p1 & mask, (p0 >> shift) ^ c3 ^ np.uint64(k1), p0 & mask
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def sides_of(shape: Shape) -> tuple[int, ...]:
    """The shape as a tuple: of a number, a vector's."""
    return (int(shape),) if isinstance(shape, SupportsInt) else tuple(map(int, shape))


def size_of(shape: Shape) -> int:
    """How many values a tensor of `shape` has."""
    return math.prod(sides_of(shape))


def shuffle_blocks(length: int) -> int:
    """Philox blocks that a shuffle of `length` rows uses: a word for each swap (ReserveSamples32 in random_op.cc)."""
    return (max(int(length) - 1, 0) + 3) // 4
