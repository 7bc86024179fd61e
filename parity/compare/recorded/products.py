"""The gradient of a weight matrix as the product that it is: of the layer's input and of a matrix as high as the batch.

dW [inputs, units] = x.T @ d, and an L2 penalty adds decay * W. The recording has x where the layer takes the batch as
it is fed; d is found by least squares and kept in dW's place, which is larger by far. The product has to come out with
the same bits on every machine: of whole numbers, so that float64 sums it exactly, in whatever order a library adds.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

INPUT_BITS, HALF = 24, 14  # of x, and of each half of d: with the rows' bits they stay below float64's 53
MOST_ROWS = 1 << 14
NEAR = 1e-5  # relative, by norm: the product explains the gradient, to rounding
WORTH = 0.75  # of the inputs: with more rows than that d is no smaller than dW


class Product(NamedTuple):
    """A way to a gradient. Units of x are 2**-exponents[0]; `back` int32 [rows, units] is d, in 2**-exponents[1]."""

    batch: str  # the key of x among a step's start
    exponents: tuple[int, int]
    decay: float
    back: np.ndarray

    def gradient(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """float32 [inputs, units], the same on every machine. Raises ValueError where the shapes do not fit."""
        if (len(x), weights.shape) != (len(self.back), (*x.shape[1:], *self.back.shape[1:])):
            raise ValueError(f"{x.shape} times {self.back.shape} makes no gradient of {weights.shape}")
        with np.errstate(all="ignore"):
            whole = np.rint(np.ldexp(x.astype(np.float64), self.exponents[0])).T
            high = self.back >> HALF
            low = self.back - (high << HALF)
            total = np.ldexp(whole @ high.astype(np.float64), HALF) + whole @ low.astype(np.float64)
            return (np.ldexp(total, -sum(self.exponents)) + self.decay * weights.astype(np.float64)).astype(np.float32)


def product_of(grad: np.ndarray, weights: np.ndarray, batch: Mapping[str, np.ndarray]) -> Product | None:
    """Of the first tensor of the batch that explains the gradient; None where none does, or it would not pay."""
    if grad.ndim != 2 or grad.dtype != np.float32 or not np.isfinite(grad).all() or not grad.any():
        return None
    fitting = (key for key, x in batch.items() if _fits(x, grad))
    found = (_product(key, batch[key], grad, weights) for key in fitting)
    return next((one for one in found if one is not None), None)


def _fits(x: np.ndarray, grad: np.ndarray) -> bool:
    if x.ndim != 2 or x.dtype.kind != "f" or x.shape[1] != len(grad) or not 0 < len(x) <= WORTH * len(grad):
        return False
    return len(x) <= MOST_ROWS and bool(np.isfinite(x).all() and x.any())


def _product(key: str, x: np.ndarray, grad: np.ndarray, weights: np.ndarray) -> Product | None:
    wide, own = grad.astype(np.float64), weights.astype(np.float64)
    across, up = np.linalg.qr(x.T.astype(np.float64))
    decay = _decay(across, wide, own)
    back = np.linalg.lstsq(up, across.T @ (wide - decay * own), rcond=None)[0]
    if not (np.isfinite(back).all() and back.any()):
        return None
    exponents = _exponent(x, INPUT_BITS), _exponent(back, 2 * HALF)
    made = Product(key, exponents, decay, np.rint(np.ldexp(back, exponents[1])).astype(np.int32))
    apart = np.linalg.norm(made.gradient(x, weights) - wide)
    return made if apart <= NEAR * np.linalg.norm(wide) else None


def _decay(across: np.ndarray, grad: np.ndarray, weights: np.ndarray) -> float:
    """How much of the weights is in what no combination of the rows explains; 0 where nothing is left."""
    rest, own = (one - across @ (across.T @ one) for one in (grad, weights))
    if np.linalg.norm(rest) <= NEAR * np.linalg.norm(grad):
        return 0.0
    return float(np.vdot(own, rest) / max(np.vdot(own, own), np.finfo(np.float64).tiny))


def _exponent(array: np.ndarray, bits: int) -> int:
    """By which the largest number comes to just below 2**bits."""
    return bits - math.frexp(float(np.abs(array).max()))[1]
