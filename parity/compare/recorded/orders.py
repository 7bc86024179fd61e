"""Orders in which a racing graph's step may be taken, each told by how far it is from the one that TensorFlow took.

TensorFlow's order was found when the program was adopted (`parity/noise/orders.py`). So a step that reads first, as all
of JAX does, is held against what TensorFlow would have computed, had it read first too.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from parity.compare.tensor import Named, Whole
from parity.compare.trace import StepTrace


class Ordered(NamedTuple):
    """One of them. Both by "role/name", float32 or whole numbers."""

    apart: Named  # what it computes less what was recorded, of tensors in which that is not 0
    seen: Mapping[str, Named]  # by update op what it finds in variables, where the step does not start with it

    def right(self, key: str, recorded: np.ndarray) -> np.ndarray:
        """What it makes of a tensor, of the recorded one's dtype or, of a float, float64."""
        if key not in self.apart:
            return recorded
        return recorded + self.apart[key].astype(np.float64 if recorded.dtype.kind == "f" else recorded.dtype)

    def size(self, key: str, recorded: np.ndarray) -> float:
        """The norm of the larger of the two that `right` adds up, of which it has the rounding."""
        return max(float(np.linalg.norm(one.astype(np.float64))) for one in (recorded, self.apart.get(key, recorded)))

    def start(self, one: StepTrace, op: str) -> StepTrace:
        """The step as one of its update ops finds it."""
        found = {key: Whole(array) for key, array in self.seen.get(op, {}).items()}
        return one._replace(start={**one.start, **found}) if found else one


AS_RECORDED = Ordered({}, {})


def to_named(one: Ordered) -> Named:
    """As a file has it."""
    seen = {f"seen:{op}:{key}": array for op, named in one.seen.items() for key, array in named.items()}
    return {"there": np.array(True)} | {f"apart:{key}": array for key, array in one.apart.items()} | seen


def of_named(arrays: Named) -> Ordered:
    """Again. Raises ValueError for what is none."""
    apart: Named = {}
    seen: dict[str, Named] = {}
    for name, array in arrays.items():
        kind, _, rest = name.partition(":")
        op, _, key = rest.partition(":")
        if kind == "apart":
            apart[rest] = array
        elif kind == "seen" and key:
            seen.setdefault(op, {})[key] = array
        elif name != "there":
            raise ValueError(f"{name} is nothing of an order")
    return Ordered(apart, seen)
