"""Weights at which nothing hides: one more point from which both sides take a step.

On the way the original takes, logits are near 1e4, biases near 0 and softmax almost a hard maximum, so a bias in the
wrong place or a smoothed loss moves nothing that float32 can hold. Here logits are near 1, all four tensors matter,
and every image has a say.
"""

import numpy as np

from jaxmlp.data.dataset import PIXELS

PROBE = -1  # its number among the steps
INPUT = 2500.0  # a usual ‖x‖ of a digit


def probe_weights(hidden: int, classes: int) -> dict[str, np.ndarray]:
    """float32, uniform about 0: hidden units' inputs and logits come out near 1. The same bits on every machine."""
    return {
        "weights_1": _uniform((PIXELS, hidden), 2 / INPUT, 1),
        "biases_1": _uniform((hidden,), 1.0, 2),
        "weights_2": _uniform((hidden, classes), 2 / hidden**0.5, 3),
        "biases_2": _uniform((classes,), 1.0, 4),
    }


def _uniform(shape: tuple[int, ...], bound: float, stream: int) -> np.ndarray:
    """Uniform in [-bound, bound), from PCG64's raw output, which NumPy promises never to change."""
    raw = np.random.PCG64(np.random.SeedSequence([PIXELS, stream])).random_raw(int(np.prod(shape)))
    return (((raw >> 40) * 2.0**-23 - 1.0) * bound).astype(np.float32).reshape(shape)
