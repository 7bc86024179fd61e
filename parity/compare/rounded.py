"""Arithmetic that knows how far float32 may be from it: float64 numbers, each with a bound of its rounding error.

`rules` are written in it, and T3 holds a side to them. It is running error analysis (Higham, "Accuracy and Stability
of Numerical Algorithms", 2002, section 3.3), with the second-order terms kept: an operation passes the errors of its
operands on, as far as they can carry it, and adds its own rounding. What a compiler may do stays within: to skip a
rounding (FMA), to multiply in another order, to multiply by a reciprocal, to flush denormal numbers to zero. Errors
are worst cases: they add up, and never cancel.
"""

import dataclasses
from typing import Any

import numpy as np

from parity.compare.limits import TINY

HALF_ULP = 2.0**-24 * (1 + 2.0**-20)  # of a float32 result, relative; the excess is float64's own rounding
QUOTIENT = 2  # half ulps: a reciprocal, and a product with it
# Half ulps of TensorFlow's square roots, in groups of 8. The processor's rsqrtps is off by 1.5 * 2**-12 at most; one
# Newton step leaves 1.5 times the square of that, 3.4 half ulps, and adds its four roundings. 4.8 were seen.
ROOT = 8
# The radicands it is good for. Beyond, the Newton step leaves float32's normal numbers: below, anything up to 1.5 times
# the root may come out, above it is wrong by half.
ROOTS = (2.0**-125, 2.0**126)
POWER = 8  # half ulps of a powf: 1.01 were seen of glibc's; the vector libraries promise 4 ulp


@dataclasses.dataclass(frozen=True)
class Rounded:
    """The number that exact arithmetic gives, and how far from it honest float32 may be; float64 arrays of one shape.

    With + - * / between two of them, or one and a Python number, which TensorFlow casts to float32 first.
    """

    value: np.ndarray
    error: np.ndarray

    @classmethod
    def of(cls, array: Any) -> "Rounded":
        """What a side told: exact, but that denormals may be flushed where they are read."""
        value = np.asarray(array).astype(np.float64)
        return cls(value, np.where(np.abs(value) < TINY, np.abs(value), 0.0))

    def ratio(self, got: np.ndarray) -> float:
        """How far `got` is away, at worst, as a multiple of the error allowed. NaN if any number is.

        Where float32 may divide by 0 the error has no bound, and anything finite is right.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = np.abs(got.astype(np.float64) - self.value)
            share = np.where(np.isinf(self.error), got * 0.0, np.where(apart == 0, 0.0, apart / self.error))
        return float(share.max(initial=0))

    def __add__(self, other: "Rounded | float") -> "Rounded":
        other = _rounded(other)
        return once(self.value + other.value, self.error + other.error)

    def __sub__(self, other: "Rounded | float") -> "Rounded":
        return self + -_rounded(other)

    def __rsub__(self, other: float) -> "Rounded":
        return _rounded(other) - self

    def __neg__(self) -> "Rounded":
        return Rounded(-self.value, self.error)

    def __mul__(self, other: "Rounded | float") -> "Rounded":
        other = _rounded(other)
        moved = _carried(self.value, other.error) + _carried(other.value, self.error)
        return once(self.value * other.value, moved + _carried(self.error, other.error))

    def __truediv__(self, other: "Rounded | float") -> "Rounded":
        """|a'/b' - a/b| <= (error of a + |a/b| error of b) / |b'|; no bound where b' may be 0, unless a is 0 itself."""
        other = _rounded(other)
        least = np.abs(other.value) - other.error
        unsure = (least <= 0) & (other.error > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = self.value / np.where(unsure & (other.value == 0), 1.0, other.value)
            moved = (self.error + _carried(quotient, other.error)) / least
        nothing = (self.value == 0) & (self.error == 0)
        return once(quotient, np.where(nothing, 0.0, np.where(unsure, np.inf, moved)), QUOTIENT)

    __radd__, __rmul__ = __add__, __mul__

    def __rtruediv__(self, other: float) -> "Rounded":
        return _rounded(other) / self


def number(value: float) -> Rounded:
    """A Python number as TensorFlow casts it: to float32."""
    return Rounded.of(np.float32(value))


def once(value: np.ndarray, moved: np.ndarray, half_ulps: Any = 1) -> Rounded:
    """The result of an operation that its operands' errors move by up to `moved`, and that rounds by so much."""
    largest = np.abs(value) + moved
    with np.errstate(invalid="ignore"):
        flushed = np.where((np.abs(value) - moved < TINY) & (largest > 0), TINY, 0.0)
    return Rounded(value, moved + half_ulps * HALF_ULP * largest + flushed)


def sqrt(x: Rounded) -> Rounded:
    """A square root. Where the radicand may be 0 the root may be off by the root of its error."""
    low, high = _between(x)
    value = np.sqrt(np.maximum(x.value, 0))
    moved = np.maximum(value - np.sqrt(low), np.sqrt(high) - value)
    lost = np.where((low < ROOTS[0]) & (high > 0), 2 * np.sqrt(ROOTS[0]), 0.0)
    return once(value, moved + lost, np.where(high < ROOTS[1], ROOT, 1 / HALF_ULP))


def power(x: Rounded, exponent: float) -> Rounded:
    """x ** exponent, of an x from 0 on and an exponent from 0 on, cast to float32."""
    (low, high), exponent = _between(x), float(np.float32(exponent))
    value = np.maximum(x.value, 0) ** exponent
    return once(value, np.maximum(value - low**exponent, high**exponent - value), POWER)


def maximum(x: Rounded, y: Rounded) -> Rounded:
    """The larger one; rounds nothing."""
    return Rounded(np.maximum(x.value, y.value), np.maximum(x.error, y.error))


def soft_threshold(x: Rounded, threshold: Rounded) -> Rounded:
    """sign(x) * max(|x| - threshold, 0): exactly 0 where |x| is below it for certain."""
    kept, moved = np.abs(x.value) - threshold.value, x.error + threshold.error
    return once(np.sign(x.value) * np.maximum(kept, 0), np.where(kept + moved < 0, 0.0, moved))


def _rounded(other: Rounded | float) -> Rounded:
    return other if isinstance(other, Rounded) else number(other)


def _carried(factor: np.ndarray, error: np.ndarray) -> np.ndarray:
    """How far an error moves a product; 0 times an unbounded one is 0."""
    with np.errstate(invalid="ignore"):
        return np.where((factor == 0) | (error == 0), 0.0, np.abs(factor) * error)


def _between(x: Rounded) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(x.value - x.error, 0), np.maximum(x.value + x.error, 0)
