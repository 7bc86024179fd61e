"""What an optimizer makes of a weight and its gradient, in float64: the rule that T3 holds each side to.

A side is held to its own gradient, so that a wrong update is told from a wrong gradient.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np


class Update(NamedTuple):
    """The right new values of some of a tensor's elements."""

    right: np.ndarray  # float64, rounded once to float32
    unit: np.ndarray  # float64: one unit in the last place of the largest number that was rounded on the way


class Rule(Protocol):
    """One optimizer."""

    @property
    def roundings(self) -> int: ...  # how many units an honest float32 update may be away

    def __call__(self, weights: np.ndarray, grads: np.ndarray) -> Update: ...  # of float32 arrays of one shape


@dataclasses.dataclass(frozen=True)
class GradientDescent:
    """fl(θ - ηG). Whether or not a compiler fuses product and difference, each is rounded once or not at all."""

    learning_rate: float
    roundings: int = 1

    def __call__(self, weights: np.ndarray, grads: np.ndarray) -> Update:
        old = weights.astype(np.float64)
        moved = float(np.float32(self.learning_rate)) * grads.astype(np.float64)
        right = (old - moved).astype(np.float32).astype(np.float64)
        largest = np.max([np.abs(old), np.abs(moved), np.abs(right)], axis=0).astype(np.float32)
        return Update(right, np.spacing(largest).astype(np.float64))


def rule_of(program: Mapping[str, Any]) -> Rule:
    """The rule of a program's optimizer; `program` as `Program.as_dict` has it."""
    return GradientDescent(program["optimizer"]["learning_rate"])
