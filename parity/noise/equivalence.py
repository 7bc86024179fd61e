"""T5: whether the ends of many runs are the same in distribution, where single trajectories may part.

Two one-sided tests (TOST; Schuirmann 1987) on paired differences: the claim "they differ by more than the margin" must
be refuted on either side. Unlike a test for a difference, few seeds make it fail, not pass.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

SEEDS = 10  # at least so many pairs
MARGINS = {"final loss": 0.02, "training accuracy": 0.5, "test accuracy": 0.5}  # relative; percentage points
LEVEL = 0.05


class Equivalence(NamedTuple):
    """The outcome of two one-sided tests."""

    quantity: str
    pairs: int
    mean: float  # of the paired differences
    margin: float
    p: float  # the larger of the two tests'

    @property
    def shown(self) -> bool:
        """Whether enough pairs refute both one-sided claims."""
        return self.pairs >= SEEDS and self.p < LEVEL


def equivalent(quantity: str, differences: np.ndarray) -> Equivalence:
    """differences float64 [pairs], subject minus reference, in the unit of `MARGINS[quantity]`.

    A difference that is not finite, as relative to a loss of 0, shows nothing. Raises ValueError for fewer than two
    pairs.
    """
    if len(differences) < 2:
        raise ValueError(f"{len(differences)} pairs: two at least are needed for a spread")
    margin = MARGINS[quantity]
    if not np.isfinite(differences).all():
        return Equivalence(quantity, len(differences), math.inf, margin, 1.0)
    mean, spread = float(np.mean(differences)), float(np.std(differences, ddof=1))
    error = max(spread / np.sqrt(len(differences)), np.finfo(np.float64).tiny)  # equal differences leave no doubt
    above = stats.t.sf((mean + margin) / error, len(differences) - 1)
    below = stats.t.cdf((mean - margin) / error, len(differences) - 1)
    return Equivalence(quantity, len(differences), mean, margin, float(max(above, below)))
