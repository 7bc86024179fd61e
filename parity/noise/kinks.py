"""Comparisons of a traced step that rounding may decide either way: on which side of a kink a unit lies.

A ReLU's derivative, a clipped value, the larger of two: each hangs on a comparison. Where its two numbers lie within
rounding of each other, an honest side may decide it otherwise, and a gradient moves at once by a whole term. Samples
may miss that. So all that are near are turned together, once, and what that moves is allowed on top.
"""

from collections.abc import Callable
from itertools import count

import numpy as np

from parity.compare.limits import KINK

COMPARISONS = {"gt", "ge", "lt", "le", "eq", "ne"}  # JAX's primitives
Watch = Callable[[np.ndarray], np.ndarray | None]  # a comparison's left less its right -> which of them to turn


class Kinks:
    """Of one traced step, whose comparisons always come in the same order: evaluated exactly, then sampled."""

    def __init__(self) -> None:
        self.margins: list[np.ndarray] = []
        self.squares: list[np.ndarray] = []  # of how far samples' margins are off, summed up
        self.samples = 0

    def exact(self, margin: np.ndarray) -> None:
        """Watches the exact evaluation."""
        self.margins.append(margin)
        self.squares.append(np.zeros(np.shape(margin)))

    def sampled(self) -> Watch:
        """Watches a further sample."""
        places = count()
        self.samples += 1

        def watch(margin: np.ndarray) -> None:
            place = next(places)
            self.squares[place] += np.square(margin - self.margins[place])

        return watch

    def turned(self) -> Watch:
        """Turns all that are near."""
        near = iter(self.near())
        return lambda margin: next(near)

    def near(self) -> list[np.ndarray]:
        """Of each comparison which of its elements are within `KINK` scales of rounding; not where nothing rounds."""
        with np.errstate(invalid="ignore"):
            scales = [np.sqrt(one / max(self.samples, 1)) for one in self.squares]
            return [np.abs(margin) < KINK * scale for margin, scale in zip(self.margins, scales, strict=True)]

    @property
    def number(self) -> int:
        """How many are near; what is compared twice, as for a value and for its derivative, counts once."""
        pairs = zip(self.margins, self.near(), strict=True)
        found = {np.abs(margin).tobytes(): int(near.sum()) for margin, near in pairs if near.any()}
        return sum(found.values())
