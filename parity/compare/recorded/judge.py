"""T1 to T3 of somebody's step beside a recording: each tensor compared, or the reason why it says nothing.

The update is judged apart from the gradient: by the optimizer's rule from the step's own gradients. Where it returns
none, the recorded ones stand for them, with what rounding may do to them carried through the rule.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from parity.compare.limits import DELTA, GRADIENT, LOSS, TINY
from parity.compare.recorded.applied import Applied
from parity.compare.recorded.limits import Spread, StepLimits
from parity.compare.recorded.recording import Program
from parity.compare.rounded import Rounded
from parity.compare.rules import Update
from parity.compare.stepwise import UNDETERMINED
from parity.compare.tensor import Named
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace, of_role

COUNTED = 1e-6  # of a variable that no update op moves, as a moving average: relative to its norm, a few roundings


class Silent(NamedTuple):
    """A tensor of a step that is not compared, or compared to no end."""

    tier: str
    tensor: str
    step: int
    why: str
    kind: str  # LEFT_OUT, NO_RULE or VAGUE

    @property
    def place(self) -> str:
        return f"{self.tier} {self.tensor}, step {self.step}"


Found = Check | Silent
LEFT_OUT = "not returned"
NO_RULE = "returned, and nobody knows what is right"
VAGUE = "returned, and rounding may move it by as much as it is"


def step_checks(number: int, program: Program, got: StepTrace) -> Iterator[Found]:
    """Everything that the recording has of a step, in the order of the tiers."""
    one, limits = program.trace.steps[number], program.limits.get(number, StepLimits({}))
    for key in one.got:
        role, _, name = key.partition("/")
        if role in FORWARD:
            tier = FORWARD[role]
            if key in got.got:
                yield _determined(_apart(tier, name, number, one, got, key, limits))
            else:
                yield Silent(tier, name, number, "your step does not return it", LEFT_OUT)
    for key in got.got:
        if key not in one.got and key.partition("/")[0] in FORWARD:
            yield Silent(FORWARD[key.partition("/")[0]], key, number, "TensorFlow's was not recorded", NO_RULE)
    yield from update_checks(number, program, got)
    yield from _counted(number, program, got, limits)


FORWARD = {"loss": "T1", "logits": "T1b", "grads": "T2"}


def is_finite(one: StepTrace) -> bool:
    """Whether all that a step got is, of floating numbers."""
    return all(np.isfinite(tensor.values).all() for tensor in one.got.values() if tensor.values.dtype.kind == "f")


def _apart(tier: str, name: str, number: int, one: StepTrace, got: StepTrace, key: str, limits: StepLimits) -> Check:
    theirs, ours = one.got[key].array.astype(np.float64), got.got[key].array.astype(np.float64)
    spread = limits.spreads.get(key)
    noise = spread.norm if spread else 0.0
    if tier == "T1b":
        size, apart = _size(np.abs(theirs).max(initial=0)), float(np.abs(ours - theirs).max(initial=0))
        return Check(tier, name, number, apart / size, DELTA + noise / size, "of the largest")
    size, apart = _size(np.linalg.norm(theirs)), float(np.linalg.norm(ours - theirs))
    constant, unit = (LOSS, "relative") if tier == "T1" else (GRADIENT, "of the norm")
    return Check(tier, name, number, apart / size, constant * (size > TINY) + noise / size, unit)


def _size(norm: Any) -> float:
    return max(float(norm), TINY)


def _determined(check: Check) -> Found:
    """Says nothing where rounding may move a tenth of what is compared, though the two sides differ within it."""
    if check.passed and check.limit > UNDETERMINED and check.measured > 0:
        why = "its true value is 0, or nearly: rounding may move it by as much"
        return Silent(check.tier, check.tensor, int(check.step or 0), why, VAGUE)
    return check


def update_checks(number: int, program: Program, got: StepTrace) -> Iterator[Found]:
    """T3: weights and slots that update ops move."""
    arriving = gradients(number, program, got)
    for variable in program.moved:
        returned = f"weights/{variable}" in got.got
        applied = program.update_of(variable)
        grad = arriving.get(variable)
        right = (
            applied.follow(program.trace.steps[number], grad, written=True) if applied and grad is not None else None
        )
        if not returned:
            yield Silent("T3", variable, number, "your step does not return it", LEFT_OUT)
        elif right is None:
            yield _end_to_end(number, program, got, f"weights/{variable}", _unfollowed(applied, grad is None))
        else:
            yield _followed(number, program, variable, f"weights/{variable}", got, right.weights)
        yield from _slots(number, program, variable, got, applied, right)


def _slots(
    number: int, program: Program, variable: str, got: StepTrace, applied: Applied | None, right: Update | None
) -> Iterator[Found]:
    for slot in applied.slots if applied and applied.kind else ():
        called = f"{slot} of {variable}" if not slot.startswith(variable) else slot
        if f"slots/{slot}" not in got.got:
            yield Silent("T3", called, number, "your step does not return it", LEFT_OUT)
        elif right is None:
            yield _end_to_end(number, program, got, f"slots/{slot}", _unfollowed(applied, True))
        else:
            yield _followed(number, program, called, f"slots/{slot}", got, right.slots[slot])


def gradients(number: int, program: Program, got: StepTrace) -> dict[str, Rounded]:
    """What reaches the optimizer, by variable: the step's own, or the recorded ones with what rounding does to them."""
    own = _own(program, got)
    one, limits = program.trace.steps[number], program.limits.get(number, StepLimits({}))
    recorded = {name: tensor.array for name, tensor in one.of_role("arriving").items()}
    grads = {name: tensor.array for name, tensor in one.of_role("grads").items()}
    return {
        name: own[name] if name in own else carried(array, grads.get(name), limits.spreads.get(f"grads/{name}"))
        for name, array in recorded.items()
    }


def _own(program: Program, got: StepTrace) -> dict[str, Rounded]:
    """From the step's gradients, as far as it returns them and is is known what becomes of them."""
    arriving = {name: Rounded.of(tensor.array) for name, tensor in got.of_role("arriving").items()}
    grads: Named = {name: tensor.array for name, tensor in got.of_role("grads").items()}
    if program.clipping is None or not set(program.moved) <= set(grads):
        alone = program.clipping is not None and program.clipping.fields is None
        return arriving or ({name: Rounded.of(grad) for name, grad in grads.items()} if alone else {})
    return program.clipping.arriving({name: grads[name] for name in program.moved}) | arriving


def carried(arriving: np.ndarray, grad: np.ndarray | None, spread: Spread | None) -> Rounded:
    """A recorded gradient as it arrives, and how far another honest one may be from it, element by element.

    What lies between the two scales the error as it scales the gradient; what adds to it is taken to be exact.
    """
    wide = arriving.astype(np.float64)
    scale = 1.0 if grad is None else min(1.0, float(np.linalg.norm(wide)) / _size(np.linalg.norm(grad)))
    unknown = np.abs(wide).max(initial=0) * GRADIENT
    error = spread.elements(arriving.shape) if spread and len(spread.sides) == arriving.ndim else unknown
    return Rounded(wide, error * scale + GRADIENT * np.abs(wide))


def _followed(number: int, program: Program, called: str, key: str, got: StepTrace, right: Rounded) -> Found:
    check = Check("T3", called, number, _number(right.ratio(got.got[key].array)), 1, "of the bound")
    before = program.trace.steps[number].start[key].array.astype(np.float64)
    moved = float(np.abs(right.value - before).max(initial=0))
    own = 4 * np.spacing(np.abs(before).astype(np.float32)).astype(np.float64)  # a weight's own rounding hides nothing
    vague = np.count_nonzero(right.error > np.maximum(UNDETERMINED * moved, own))
    if check.passed and check.measured > 0 and 2 * vague > np.count_nonzero(right.error):
        why = "rounding of the gradient may move most of it by a tenth of the update: return grads as well"
        return Silent("T3", called, number, why, VAGUE)
    return check


def _end_to_end(number: int, program: Program, got: StepTrace, key: str, why: str) -> Found:
    """Against the recorded tensor, where what rounding does to it was sampled; relative to how far it moved."""
    one, limits = program.trace.steps[number], program.limits.get(number, StepLimits({}))
    name, spread = key.partition("/")[2], limits.spreads.get(key)
    if spread is None:
        return Silent("T3", name, number, why, NO_RULE)
    theirs, before = (named[key].array.astype(np.float64) for named in (one.got, one.start))
    size, apart = _size(np.linalg.norm(theirs - before)), float(np.linalg.norm(got.got[key].array - theirs))
    roundings = float(np.linalg.norm(np.spacing(theirs.astype(np.float32))))
    limit = GRADIENT + (spread.norm + roundings) / size
    return _determined(Check("T3", name, number, _number(apart / size), limit, "of the norm"))


def _unfollowed(applied: Applied | None, no_gradient: bool) -> str:
    if applied is None:
        return "several ops move it, and no rule is known of them together"
    if applied.kind is None:
        return f"no rule is known of {applied.type}"
    return (
        "what reaches its update was not recorded" if no_gradient else "a number that its update takes was not recorded"
    )


def _counted(number: int, program: Program, got: StepTrace, limits: StepLimits) -> Iterator[Found]:
    """T3 of variables that no update op moves: counters, powers, moving averages."""
    one = program.trace.steps[number]
    followed = {slot for variable in program.moved for slot in _slots_of(program.update_of(variable))}
    for name in of_role(one.got, "slots"):
        key = f"slots/{name}"
        if name in followed or key not in one.start:
            continue
        if key not in got.got:
            yield Silent("T3", name, number, "your step does not return it", LEFT_OUT)
            continue
        yield _of_race(program, name, _side(name, number, one, got, limits))


def _side(name: str, number: int, one: StepTrace, got: StepTrace, limits: StepLimits) -> Found:
    key = f"slots/{name}"
    theirs, ours = one.got[key].array, got.got[key].array
    if theirs.dtype.kind != "f" or np.array_equal(theirs, one.start[key].array):
        return Check("T3", name, number, float(np.count_nonzero(theirs != ours)), 0, "values differ")
    return _average(name, number, theirs, ours, limits.spreads.get(key))


def _of_race(program: Program, name: str, found: Found) -> Found:
    """What differs, and differs between TensorFlow's own runs too, nobody is to blame for."""
    if isinstance(found, Check) and not found.passed and name in program.trace.header.get("irreproducible", ()):
        why = "TensorFlow's own runs of the script differ in it: a race, or a shuffled queue"
        return Silent("T3", name, int(found.step or 0), why, NO_RULE)
    return found


def _average(name: str, number: int, theirs: np.ndarray, ours: np.ndarray, spread: Spread | None) -> Found:
    size = _size(np.linalg.norm(theirs.astype(np.float64)))
    apart = float(np.linalg.norm(ours.astype(np.float64) - theirs))
    limit = COUNTED + (spread.norm if spread else 0.0) / size
    return _determined(Check("T3", name, number, _number(apart / size), limit, "of the norm"))


def _slots_of(applied: Applied | None) -> list[str]:
    return list(applied.slots) if applied and applied.kind else []


def _number(measured: float) -> float:
    """Infinite for a NaN, which compares with nothing."""
    return measured if measured == measured else math.inf
