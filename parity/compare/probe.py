"""Weights at which nothing hides: one more point from which both sides take a step.

On the way the original takes, logits are near 1e4, biases near 0 and softmax almost a hard maximum, so a bias in the
wrong place or a smoothed loss moves nothing that float32 can hold. Here logits are near 1, all four tensors matter,
and every image has a say.
"""

import itertools
from collections.abc import Sequence

import numpy as np

PROBE = -1  # its number among the steps
INPUT = 2500.0  # a usual ‖x‖ of a digit


def probe_weights(widths: Sequence[int]) -> dict[str, np.ndarray]:
    """float32 by name, uniform about 0, for layers of so many values: [pixels, …, classes].

    Every layer's inputs come out near 1. The same bits on every machine.
    """
    weights: dict[str, np.ndarray] = {}
    for i, (inputs, units) in enumerate(itertools.pairwise(widths), 1):
        bound = 2 / (INPUT if i == 1 else inputs**0.5)
        weights[f"weights_{i}"] = _uniform((inputs, units), bound, [widths[0], 2 * i - 1])
        weights[f"biases_{i}"] = _uniform((units,), 1.0, [widths[0], 2 * i])
    return weights


def _uniform(shape: tuple[int, ...], bound: float, entropy: list[int]) -> np.ndarray:
    """Uniform in [-bound, bound), from PCG64's raw output, which NumPy promises never to change."""
    raw = np.random.PCG64(np.random.SeedSequence(entropy)).random_raw(int(np.prod(shape)))
    return (((raw >> 40) * 2.0**-23 - 1.0) * bound).astype(np.float32).reshape(shape)
