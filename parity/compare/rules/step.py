"""A rule beside one step of a trace: what it makes of the side's own weights, gradients, slots and numbers."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from parity.compare.rounded import Rounded
from parity.compare.rules.rule import Rule
from parity.compare.tensor import Whole
from parity.compare.trace import StepTrace, of_role, step_name
from parity.errors import CannotCompare


class Followed(NamedTuple):
    """One tensor after a step, as the side has it and as the rule has it. Of a sketch only rows known exactly."""

    tensor: str  # "weights_1", "m of weights_1", "clipped weights_1", "beta1_power"
    got: np.ndarray
    right: Rounded


def followed(step: int, one: StepTrace, rule: Rule) -> Iterator[Followed]:
    """Every tensor that the rule speaks of; clipped gradients only where all gradients are known whole.

    The gradient that arrives at the optimizer is of the role "clipped" where there is one. Raises `CannotCompare` where
    the trace lacks what the rule needs or what it speaks of.
    """
    yield from _clipped(step, one, rule)
    scalars = {name: told.array[()] for name, told in of_role(one.start, "scalars").items()}
    for name, new in one.of_role("weights").items():
        rows, values = new.exact_rows()
        arriving = "clipped" if rule.clip or f"clipped/{name}" in one.got else "grads"
        weights, grads = _told(step, one.start, f"weights/{name}"), _told(step, one.got, f"{arriving}/{name}")
        slots = {slot: array[rows] for slot, array in _slots(one, name).items()}
        update = rule(weights[rows], grads[rows], slots, {**scalars, **_of_this_step(one)})
        yield Followed(name, values, update.weights)
        for slot, right in update.slots.items():
            yield Followed(f"{slot} of {name}", _told(step, one.got, f"slots/{slot}/{name}")[rows], right)
    for name, right in rule.scalars_after(scalars).items():
        yield Followed(name, _told(step, one.got, f"scalars/{name}"), right)


def _clipped(step: int, one: StepTrace, rule: Rule) -> Iterator[Followed]:
    grads = one.of_role("grads")
    if rule.clip and all(isinstance(grad, Whole) for grad in grads.values()):
        for name, right in rule.clip({name: grad.array for name, grad in grads.items()}).items():
            yield Followed(f"clipped {name}", _told(step, one.got, f"clipped/{name}"), right)


def _slots(one: StepTrace, name: str) -> dict[str, np.ndarray]:
    """Those of a tensor before the step; keys are "slots/m/weights_1"."""
    split = [(*key.partition("/")[::2], told.array) for key, told in of_role(one.start, "slots").items()]
    return {slot: array for slot, tensor, array in split if tensor == name}


def _of_this_step(one: StepTrace) -> dict[str, Any]:
    """Its learning rate and its number, which counts this update as TensorFlow's does; as far as the trace tells."""
    told = {key: one.start[key].array[()] for key in ("rate/rate", "step/step") if key in one.start}
    numbers = {"learning_rate": told["rate/rate"]} if "rate/rate" in told else {}
    return numbers | ({"global_step": told["step/step"] + 1} if "step/step" in told else {})


def _told(step: int, named: Mapping[str, Any], key: str) -> np.ndarray:
    if key not in named:
        raise CannotCompare(f"{key} of {step_name(step)} is not in the trace, and the rule of T3 needs it")
    return named[key].array
