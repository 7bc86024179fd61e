"""What rounding may do to one step of somebody's program: sampled when it is adopted, and kept in the recording.

So a step is judged with NumPy alone. Of a gradient there is a limit of its norm, and limits of single elements, which
an update's rule carries on where a step returns weights and no gradients: the smaller of a row's and of a column's.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from parity.compare.recorded.orders import AS_RECORDED, Ordered, of_named, to_named
from parity.compare.tensor import Named

ORDER = "order:"  # heads the arrays of orders


class Spread(NamedTuple):
    """How far honest float32 may be from exact arithmetic, of one tensor."""

    norm: float  # of the difference
    sides: tuple[np.ndarray, ...]  # float64, for each axis the largest difference at each place along it
    exact: float  # the exact tensor's own norm; 0 says that nothing is to be compared

    @classmethod
    def of(cls, apart: np.ndarray, exact: np.ndarray, norm: float) -> "Spread":
        """From the largest differences, element by element."""
        axes = range(apart.ndim)
        sides = tuple(apart.max(axis=tuple(a for a in axes if a != axis), initial=0) for axis in axes)
        return cls(norm, sides, float(np.linalg.norm(exact)))

    def elements(self, shape: tuple[int, ...]) -> np.ndarray:
        """For each element the least of its sides; of a scalar the norm."""
        if not self.sides:
            return np.full(shape, self.norm)
        found = np.full(shape, np.inf)
        for axis, side in enumerate(self.sides):
            found = np.minimum(found, side.reshape(tuple(-1 if a == axis else 1 for a in range(len(shape)))))
        return found


class StepLimits(NamedTuple):
    """Of one step, by "role/name": loss/loss, logits/logits, grads/NAME, slots/NAME of what no update op moves.

    "race/role/name" is how far a tensor may be off by nodes that race and come the other way about.
    """

    spreads: Mapping[str, Spread]
    kinks: int = (
        0  # comparisons, of units with their kinks, that rounding may turn: allowed for in the gradients' limits
    )
    orders: tuple[Ordered, ...] = ()  # that a step may take, TensorFlow's own first; none where that is not known

    def of_tensor(self, key: str) -> list[Ordered]:
        """The orders that make different things of a tensor."""
        first, *others = self.orders or (AS_RECORDED,)
        return [first, *(one for one in others if key in one.apart)]

    def of_update(self, op: str, arriving: str) -> list[Ordered]:
        """The orders in which an update finds other variables, or another gradient."""
        first, *others = self.orders or (AS_RECORDED,)
        differing = (one for one in others if op in {*first.seen, *one.seen} or f"arriving/{arriving}" in one.apart)
        return [first, *differing]

    def race(self, key: str) -> float:
        """A norm; infinite where it is not known, and 0 where it is known which order TensorFlow took."""
        if self.orders:
            return 0.0
        found = self.spreads.get(f"race/{key}")
        return found.norm if found else math.inf


def to_arrays(limits: StepLimits) -> Named:
    """As a file has it."""
    arrays: Named = {"kinks": np.array(limits.kinks)}
    for key, one in limits.spreads.items():
        arrays[f"{key}:norms"] = np.array([one.norm, one.exact])
        arrays.update((f"{key}:{axis}", side.astype(np.float32)) for axis, side in enumerate(one.sides))
    for i, one in enumerate(limits.orders):
        arrays.update((f"{ORDER}{i}:{key}", array) for key, array in to_named(one).items())
    return arrays


def of_arrays(arrays: Named) -> StepLimits:
    """Again. Raises KeyError or ValueError for what is none."""
    spreads = {}
    for key in [name.removesuffix(":norms") for name in arrays if name.endswith(":norms")]:
        norm, exact = arrays[f"{key}:norms"].tolist()
        axes = sum(name.startswith(f"{key}:") for name in arrays) - 1
        sides = tuple(arrays[f"{key}:{axis}"].astype(np.float64) for axis in range(axes))
        spreads[key] = Spread(norm, sides, exact)
    return StepLimits(spreads, int(arrays["kinks"]), _orders(arrays))


def _orders(arrays: Named) -> tuple[Ordered, ...]:
    parts = [name.removeprefix(ORDER).split(":", 1) for name in arrays if name.startswith(ORDER)]
    found: dict[int, Named] = {}
    for number, key in parts:
        found.setdefault(int(number), {})[key] = arrays[f"{ORDER}{number}:{key}"]
    return tuple(of_named(found[i]) for i in sorted(found))
