"""T4: recorded steps that follow each other, run freely: each from what the one before returned.

On the recorded batches and draws. A step that keeps something of its own from call to call, or that forgets some of
what it is given, passes every step by itself and is found here. How far honest rounding drifts was sampled when the
program was adopted (`parity/noise/free.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parity.compare.limits import LOSS, TINY
from parity.compare.recorded.found import LEFT_OUT, NO_RULE, VAGUE, Found, Silent
from parity.compare.recorded.judge import is_finite
from parity.compare.recorded.recording import Program
from parity.compare.recorded.step import Names, Step, taken
from parity.compare.stepwise import UNDETERMINED
from parity.compare.tensor import Start
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace

ROLES = ("weights/", "slots/")
HINT = "usually: the step keeps something from call to call, beside the weights and slots that it is given"


class Incomplete(Exception):
    """A step does not return what the next one starts from; its text is the tensor's key."""


def consecutive(program: Program) -> list[int]:
    """The recorded steps from the first on, as far as each begins where the one before it ended; else none."""
    steps = program.trace.steps
    found = sorted(steps)[:1]
    while found and found[-1] + 1 in steps and _follows(steps[found[-1]], steps[found[-1] + 1]):
        found.append(found[-1] + 1)
    return found if len(found) > 1 and all(is_finite(steps[one]) for one in found) else []


def _follows(one: StepTrace, after: StepTrace) -> bool:
    keys = [key for key in after.start if key.startswith(ROLES)]
    return all(key in one.got and np.array_equal(one.got[key].array, after.start[key].array) for key in keys)


def run(program: Program, steps: list[int], step: Step, names: Names) -> dict[int, StepTrace]:
    """What each of them got. Raises `Incomplete`, and as `taken` does."""
    made: dict[int, StepTrace] = {}
    start = dict(program.trace.steps[steps[0]].start)
    for number in steps:
        one = program.trace.steps[number]
        made[number] = taken(number, one._replace(start={**one.start, **_state(start)}), step, names)
        start = {key: made[number].got.get(key, _unchanged(one, key)) for key in _state(start)}
        if number != steps[-1] and (missing := [key for key, tensor in start.items() if tensor is None]):
            raise Incomplete(missing[0])
    return made


def _state(start: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a step's start."""
    return {key: tensor for key, tensor in start.items() if key.startswith(ROLES)}


def _unchanged(one: StepTrace, key: str) -> Start | None:
    """A tensor that TensorFlow leaves as it is need not be returned."""
    same = key in one.got and np.array_equal(one.got[key].array, one.start[key].array)
    return one.start[key] if same else None


def compared(one: Mapping[int, StepTrace], other: Mapping[int, StepTrace]) -> dict[int, dict[str, float]]:
    """By step and key, how far two free runs are apart: in each loss but the first, in each variable at the end."""
    first, *_, last = one
    asked = {step: ("loss/", *ROLES) if step == last else ("loss/",) for step in one if step != first}
    return {
        step: {
            key: _apart(one[step], other[step], key)
            for key in one[step].got
            if key.startswith(roles) and key in other[step].got
        }
        for step, roles in asked.items()
    }


def _apart(one: StepTrace, other: StepTrace, key: str) -> float:
    return float(np.linalg.norm(other.got[key].array.astype(np.float64) - one.got[key].array.astype(np.float64)))


def free_checks(program: Program, step: Step, names: Names) -> Iterator[Found]:
    """T4 of a step, where it was sampled how far a free run may be."""
    steps = consecutive(program) if program.free else []
    if not steps:
        return
    try:
        made = run(program, steps, step, names)
    except Incomplete as error:
        role, _, name = str(error).partition("/")
        yield Silent("T4", "free run", steps[1], f"your step does not return {role} {name}, to run on from", LEFT_OUT)
        return
    right = {number: program.trace.steps[number] for number in steps}
    for number, keys in compared(right, made).items():
        for key, apart in keys.items():
            if key in program.free.get(number, {}):
                yield _judged(program, _check(program, steps, number, key, apart))


def _check(program: Program, steps: Sequence[int], number: int, key: str, apart: float) -> Check:
    allowed, theirs = program.free[number][key], program.trace.steps[number].got[key].array
    name = key.partition("/")[2]
    if key == "loss/loss":
        size = max(abs(float(theirs)), TINY)
        return Check("T4", name, number, _number(apart / size), LOSS + allowed / size, "relative")
    if theirs.dtype.kind != "f":
        return Check("T4", name, number, apart, 0, "values differ")
    before = program.trace.steps[steps[0]].start[key].array
    moved = float(np.linalg.norm(theirs.astype(np.float64) - before.astype(np.float64)))
    own = float(np.linalg.norm(np.spacing(np.abs(theirs))))  # its own roundings
    size = max(moved, own, TINY)
    return Check("T4", name, number, _number(apart / size), (allowed + own) / size, "of the way")


def _judged(program: Program, check: Check) -> Found:
    header = program.trace.header
    races = [one for one in header.get("racing", ()) if not one.startswith("seen/")]
    races = sorted({*header.get("irreproducible", ()), *races})
    if races and not check.passed:
        why = f"the graph leaves an order open, or its own runs differ: {', '.join(races)}"
        return Silent("T4", check.tensor, int(check.step or 0), why, NO_RULE)
    if check.passed and check.limit > UNDETERMINED and check.measured > 0:
        why = "rounding may carry a free run by a tenth of the way"
        return Silent("T4", check.tensor, int(check.step or 0), why, VAGUE)
    return check


def _number(measured: float) -> float:
    return measured if measured == measured else np.inf
