"""From Philox words to normal values: Box-Muller as in TensorFlow 1.x (core/lib/random/random_distributions.h).

float32 calls glibc's logf, sinf and cosf: `glibc.py` has their bits on any machine. float64 calls log, sin and cos of
the machine's own C library, as TensorFlow does: with glibc 2.28 and later they are TensorFlow's bits, elsewhere within
two units in the last place of each factor. float16 and bfloat16 are float32 values rounded.
"""

import math
from collections.abc import Callable

import numpy as np

from jaxmlp.tf1.glibc import cosf_sinf, logf
from jaxmlp.tf1.uniforms import unit_double, unit_float

TRUNCATION = 2.0  # kTruncateValue of TruncatedNormalDistribution
RESERVED_SAMPLES = 256  # kReservedSamplesPerOutput: words' worth of counter space for each truncated value
TWO_PI = 6.283185307179586
FLOOR = 1e-7  # no smaller number goes to the logarithm


def box_muller(words: np.ndarray) -> np.ndarray:
    """uint32 [B, 4] -> float32 [B, 4] standard normals; words (0, 1) give values 0 and 1, words (2, 3) the others."""
    uniform = unit_float(words)
    radius = np.sqrt(np.float32(-2) * logf(np.maximum(uniform[:, ::2], np.float32(FLOOR))))
    angle = (TWO_PI * uniform[:, 1::2].astype(np.float64)).astype(np.float32)
    cosine, sine = cosf_sinf(angle)
    return np.stack([sine * radius, cosine * radius], axis=2).reshape(-1, 4)


def box_muller_double(words: np.ndarray) -> np.ndarray:
    """uint32 [B, 4] -> float64 [B, 2] standard normals."""
    uniform = unit_double(words)
    radius = np.sqrt(-2.0 * _libm(math.log, np.maximum(uniform[:, 0], FLOOR)))
    angle = TWO_PI * uniform[:, 1]
    return np.stack([_libm(math.sin, angle) * radius, _libm(math.cos, angle) * radius], axis=1)


def _libm(function: Callable[[float], float], x: np.ndarray) -> np.ndarray:
    """float64 [B] by the C library: NumPy has its own vector code, which rounds otherwise."""
    return np.fromiter(map(function, x.tolist()), np.float64, len(x))


def truncated(
    groups: np.ndarray, words_of: Callable[[np.ndarray], np.ndarray], to_normal: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """groups uint64 [G], `words_of` block numbers, `to_normal` of words [B, 4] -> the values [G, 4 or 2].

    Candidates come block after block from the group's own counter space; the first that lie within the bounds are kept.
    """
    width = to_normal(np.zeros((1, 4), np.uint32)).shape[1]
    blocks_per_group = width * RESERVED_SAMPLES // 4
    out = np.empty((len(groups), width), to_normal(np.zeros((1, 4), np.uint32)).dtype)
    kept = np.zeros(len(groups), np.int64)  # values each group has so far
    open_rows = np.arange(len(groups))
    for block in range(blocks_per_group):
        candidates = to_normal(words_of(groups[open_rows] * np.uint64(blocks_per_group) + np.uint64(block)))
        accepted = np.abs(candidates) < candidates.dtype.type(TRUNCATION)
        place = kept[open_rows, None] + np.cumsum(accepted, axis=1) - 1
        row, column = np.nonzero(accepted & (place < width))
        out[open_rows[row], place[row, column]] = candidates[row, column]
        kept[open_rows] += accepted.sum(axis=1)
        open_rows = open_rows[kept[open_rows] < width]
        if not len(open_rows):
            return out
    raise AssertionError(f"{blocks_per_group} Philox blocks without {width} values inside two standard deviations")
