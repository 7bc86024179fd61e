"""How closely two traces must agree: the constants of the tiers, and what honest rounding adds to them.

Every number here is derived in docs/parity.md. What depends on a step's weights or on a run comes from `parity.noise`,
as a `Noise` or a `Budget`.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

LOSS = 2e-6  # T1: 17 units in the last place at 7e4; a float32 sum over the images uses up to 5 of them
DELTA = 6e-6  # T1b: three times sqrt(1024) 2^-24, a random walk over the hidden units, of the largest logit
DELTA_RMS = 1e-6  # T1b: the same of all logits together, where no extreme is looked for
KINK = 3  # T1b: how many scales of rounding from the kink a unit may be and come out either sign
GRADIENT = 1e-5  # T2, T2b: of the gradient's own norm, before what ties, kinks and long sums add
TINY = 2.0**-126  # the smallest normal float32: keeps a quotient by nothing finite
LONG = 4  # how many times the kinks' and the long sums' own estimate is allowed: a sum meets its estimate


class Noise(Protocol):
    """How far honest float32 may carry one step from its weights. Mappings are by tensor, e.g. "weights_1"."""

    @property
    def largest_logit(self) -> float: ...  # in absolute value

    @property
    def ties(self) -> Mapping[str, float]: ...  # by how much a gradient moves per unit of error in the logits

    @property
    def kinks(self) -> Mapping[str, float]: ...  # what the units near the ReLU's kink put into a gradient

    @property
    def summation(self) -> Mapping[str, float]: ...  # what a gradient loses that is summed image by image

    def near_ties(self, delta: float) -> int:
        """How many images may change between right and wrong when every logit moves by up to `delta`."""
        ...

    def kink_distance(self, layer: int, rows: np.ndarray, differs: np.ndarray) -> float:
        """How many scales of rounding from zero is the farthest of a layer's inputs where `differs`.

        `layer` counts from 1, `rows` int [R] are images, `differs` bool [R, units]. 0 where it holds nowhere, infinite
        where it holds and nothing was rounded, as for a blank image.
        """
        ...


class StepNoise(Protocol):
    """How far honest float32 may carry one step of any program, beyond a tier's constant times what is compared."""

    @property
    def largest_logit(self) -> float: ...  # in absolute value

    @property
    def loss(self) -> float: ...

    @property
    def logits(self) -> float: ...  # the largest difference of one

    @property
    def norms(self) -> Mapping[str, float]: ...  # of the difference of "logits_grad/logits", "grads/weights_1", …

    def near_ties(self, delta: float) -> int:
        """As `Noise.near_ties`, with what rounding adds to `delta`."""
        ...

    def test_ties(self, delta: float) -> int:
        """The same of the test images, by the weights after the step."""
        ...

    def kink_distance(self, layer: int, rows: np.ndarray, differs: np.ndarray) -> float:
        """As `Noise.kink_distance`."""
        ...


class Budget(NamedTuple):
    """What a benign ensemble allows at every step of a free run."""

    horizon: int  # the last step that T4 asserts; -1 if none
    loss_limits: np.ndarray  # float64 [B], to the end of the run or to where the ensemble parts
    correct_limits: np.ndarray  # float64 [B], training images
    test_limits: Mapping[int, float]  # test images, by step
    spread: np.ndarray  # float64 [B], the running maximum of the ensemble's relative differences
    variants: tuple[str, ...]
    made: str = ""  # where and when, of one that was kept; empty: here and now


def relative_difference(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    """|got - expected| / |expected|, float64; NaN where either is, infinite where only the expected is zero."""
    wide = expected.astype(np.float64)
    apart = np.abs(got.astype(np.float64) - wide)
    return np.divide(apart, np.abs(wide), out=np.where(apart > 0, np.inf, apart), where=wide != 0)
