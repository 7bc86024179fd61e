"""A named tensor of a trace: whole, as a sketch, or as the way to it from another one.

A recording has no room for 3 MB a tensor and step. Of what is only compared it keeps a `Sketch`: a count sketch
(Charikar, Chen and Farach-Colton 2002) and some rows exactly. Every element falls, with a random sign, into one of B
sums. The sketch is linear, so sketch(A) - sketch(B) = sketch(A - B), and E ‖sketch(D)‖² = ‖D‖² with relative variance
at most 2 / B: the norm of a difference to within 1.6 % for B = 2048. One changed element changes its sum, so no
difference hides from it. But it cannot say where a difference lies, nor bound the largest one: for that there are the
exact rows. Weights that a step starts from must be known to the bit: they are `Coded`, as 8-bit steps away from weights
that the reader has.
"""

import hashlib
from typing import NamedTuple

import numpy as np

BUCKETS = 2048
LEVELS = 127  # of an 8-bit code, either way


class Whole(NamedTuple):
    """All of the tensor."""

    array: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """What is known of it exactly."""
        return self.array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def norm(self) -> float:
        return float(np.linalg.norm(self.array.astype(np.float64)))

    def difference_norm(self, other: np.ndarray) -> float:
        """‖other - this‖, in float64."""
        return float(np.linalg.norm(other.astype(np.float64) - self.array))

    def exact_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices [R] along the first axis, and the rows [R, …] they belong to."""
        return np.arange(len(self.array)), self.array


class Sketch(NamedTuple):
    """Signed sums of the tensor's elements, and some of its rows."""

    sums: np.ndarray  # float64 [B]
    rows: np.ndarray  # int64 [R], indices along the first axis
    values: np.ndarray  # float32 [R, …], those rows exactly
    shape: tuple[int, ...]

    @property
    def array(self) -> np.ndarray:
        """The rows known exactly, the others NaN."""
        array = np.full(self.shape, np.nan, self.values.dtype)
        array[self.rows] = self.values
        return array

    def norm(self) -> float:
        return float(np.linalg.norm(self.sums))

    def difference_norm(self, other: np.ndarray) -> float:
        """‖other - this‖ estimated by the sketch of the difference."""
        return float(np.linalg.norm(signed_sums(other, len(self.sums)) - self.sums))

    def exact_rows(self) -> tuple[np.ndarray, np.ndarray]:
        return self.rows, self.values


class Coded(NamedTuple):
    """base + codes · scale, one rounding each: a product and a sum of float32, the same on every machine."""

    base: np.ndarray  # float32 [R, …]
    codes: np.ndarray  # int8 [R, …]
    scale: np.ndarray  # float32 [R]

    @classmethod
    def of(cls, base: np.ndarray, there: np.ndarray) -> "Coded":
        """The way from `base` to within half a code of `there`; a scale for each index of the first axis."""
        way = there - base
        per_row = np.abs(way).reshape(len(way), -1).max(axis=1)
        scale = (np.maximum(per_row, np.finfo(np.float32).tiny) / np.float32(LEVELS)).astype(np.float32)
        return cls(base, np.rint(way / _along(scale, way)).astype(np.int8), scale)

    @property
    def array(self) -> np.ndarray:
        return self.base + self.codes.astype(np.float32) * _along(self.scale, self.codes)


Named = dict[str, np.ndarray]  # arrays by name, or by "role/name"
Tensor = Whole | Sketch  # what a step got
Start = Whole | Coded  # what it started from


def digest(array: np.ndarray) -> str:
    """SHA-256 over dtype, shape and bytes: equal exactly when the arrays are, to the bit."""
    array = np.asarray(array, order="C")  # not ascontiguousarray, which makes a scalar a vector of one
    return hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode() + array.tobytes()).hexdigest()


def sketch(array: np.ndarray, rows: np.ndarray, buckets: int = BUCKETS) -> Sketch:
    """The sketch of a float32 array [R, …], with `rows` of it kept exactly."""
    return Sketch(signed_sums(array, buckets), rows, array[rows], array.shape)


def signed_sums(array: np.ndarray, buckets: int) -> np.ndarray:
    """float64 [buckets]: element e goes to bucket h(e) with sign s(e), both from PCG64's raw output, unchanging."""
    raw = np.random.PCG64(np.random.SeedSequence([array.size, buckets])).random_raw(array.size)
    signed = np.where(raw >> 63, -1.0, 1.0) * array.reshape(-1)
    return np.bincount((raw % buckets).astype(np.int64), weights=signed, minlength=buckets)


def sample(count: int, length: int) -> np.ndarray:
    """`count` of `length` row numbers, drawn once and for ever; int64, ascending; all of them where there are fewer."""
    raw = np.random.PCG64(np.random.SeedSequence([count, length])).random_raw(length)
    return np.sort(np.argsort(raw, kind="stable")[:count])


def _along(scale: np.ndarray, like: np.ndarray) -> np.ndarray:
    return scale.reshape(-1, *[1] * (like.ndim - 1))
