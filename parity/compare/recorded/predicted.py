"""What a recorded step's variables come out near to, the same on every machine: so little of them has to be kept.

Only + - * / and square roots in float64, element by element: these round alike everywhere. What needs a power is not
predicted.
"""

import numpy as np

from parity.compare.recorded.applied import Applied
from parity.compare.rules import proximal
from parity.compare.tensor import Named
from parity.compare.trace import StepTrace

VARIABLES = ("weights", "slots")  # roles


def is_variable(key: str) -> bool:
    """Of a "role/name"."""
    return key.partition("/")[0] in VARIABLES


def after(updates: list[Applied], one: StepTrace) -> Named:
    """By "role/name" a step's variables after it, from its start and from what arrives at the updates."""
    found = {key: tensor.array for key, tensor in one.start.items() if is_variable(key)}
    arriving = one.of_role("arriving")
    for applied in updates:
        if applied.variable in arriving and _alike_everywhere(applied, one):
            found |= _followed(applied, one, arriving[applied.variable].array)
    return found


def _alike_everywhere(applied: Applied, one: StepTrace) -> bool:
    """Whether the rule is known and needs no power."""
    kind = applied.kind
    if kind is None or kind.move is not proximal.ftrl:
        return kind is not None
    power = applied.numbers(one).get("learning_rate_power")
    return power is not None and float(power.value) == -0.5


def _followed(applied: Applied, one: StepTrace, arriving: np.ndarray) -> Named:
    with np.errstate(all="ignore"):
        update = applied.follow(one, arriving)
        if update is None:
            return {}
        named = {f"weights/{applied.variable}": update.weights, **{f"slots/{k}": v for k, v in update.slots.items()}}
        return {key: right.value.astype(one.start[key].array.dtype) for key, right in named.items()}
