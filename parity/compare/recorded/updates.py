"""T3 of weights and slots that update ops move: by the optimizer's rule, from the step's own gradients.

Where the step returns none, the recorded ones stand for them, with what rounding may do to them carried through the
rule. Where no rule is known, the results are compared within what rounding was sampled to do.
"""

from collections.abc import Iterator

import numpy as np

from parity.compare.limits import GRADIENT
from parity.compare.recorded.applied import Applied
from parity.compare.recorded.found import NO_RULE, VAGUE, Found, Silent, determined, excused, left_out, measure, size
from parity.compare.recorded.limits import Spread, StepLimits
from parity.compare.recorded.recording import Program
from parity.compare.rounded import Rounded
from parity.compare.rules import Update
from parity.compare.stepwise import UNDETERMINED
from parity.compare.tensor import Named
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace


def update_checks(step: int, program: Program, got: StepTrace) -> Iterator[Found]:
    """T3: weights and slots that update ops move."""
    own = _own(program, got)
    arriving = _arriving(step, program, own)
    for variable in program.moved:
        returned = f"weights/{variable}" in got.got
        applied = program.update_of(variable)
        grad = arriving.get(variable)
        right = applied.follow(program.trace.steps[step], grad, written=True) if applied and grad else None
        if not returned:
            yield left_out("T3", variable, step)
        elif right is None:
            yield _end_to_end(step, program, got, f"weights/{variable}", _unfollowed(applied, grad is None))
        else:
            yield _followed(step, program, variable, f"weights/{variable}", got, right.weights, variable in own)
        yield from _slots(step, program, variable, got, applied, right, variable in own)


def _slots(
    step: int, program: Program, variable: str, got: StepTrace, applied: Applied | None, right: Update | None, own: bool
) -> Iterator[Found]:
    for slot in applied.slots if applied and applied.kind else ():
        called = f"{slot} of {variable}" if not slot.startswith(variable) else slot
        if f"slots/{slot}" not in got.got:
            yield left_out("T3", called, step)
        elif right is None:
            yield _end_to_end(step, program, got, f"slots/{slot}", _unfollowed(applied, True))
        else:
            yield _followed(step, program, called, f"slots/{slot}", got, right.slots[slot], own)


def gradients(step: int, program: Program, got: StepTrace) -> dict[str, Rounded]:
    """What reaches the optimizer, by variable: the step's own, or the recorded ones with what rounding does to them."""
    return _arriving(step, program, _own(program, got))


def _arriving(step: int, program: Program, own: dict[str, Rounded]) -> dict[str, Rounded]:
    one, limits = program.trace.steps[step], program.limits.get(step, StepLimits({}))
    recorded = {name: tensor.array for name, tensor in one.of_role("arriving").items()}
    grads = {name: tensor.array for name, tensor in one.of_role("grads").items()}
    return {
        name: own[name] if name in own else carried(array, grads.get(name), limits.spreads.get(f"grads/{name}"))
        for name, array in recorded.items()
    }


def _own(program: Program, got: StepTrace) -> dict[str, Rounded]:
    """From the step's gradients, as far as it returns them and it is known what becomes of them."""
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
    scale = 1.0 if grad is None else min(1.0, float(np.linalg.norm(wide)) / size(np.linalg.norm(grad)))
    unknown = np.abs(wide).max(initial=0) * GRADIENT
    error = spread.elements(arriving.shape) if spread and len(spread.sides) == arriving.ndim else unknown
    return Rounded(wide, error * scale + GRADIENT * np.abs(wide))


def _followed(step: int, program: Program, called: str, key: str, got: StepTrace, right: Rounded, own: bool) -> Found:
    """`own`: whether the rule was followed from the step's own gradient; the recorded one may be of another order."""
    check = Check("T3", called, step, measure(right.ratio(got.got[key].array)), 1, "of the bound")
    before = program.trace.steps[step].start[key].array.astype(np.float64)
    moved = float(np.abs(right.value - before).max(initial=0))
    ulps = 4 * np.spacing(np.abs(before).astype(np.float32)).astype(np.float64)  # a weight's own rounding hides nothing
    vague = np.count_nonzero(right.error > np.maximum(UNDETERMINED * moved, ulps))
    if check.passed and check.measured > 0 and 2 * vague > np.count_nonzero(right.error):
        why = "rounding of the gradient may move most of it by a tenth of the update: return grads as well"
        return Silent("T3", called, step, why, VAGUE)
    return check if own else excused(program, key, check)


def _end_to_end(step: int, program: Program, got: StepTrace, key: str, why: str) -> Found:
    """Against the recorded tensor, where what rounding does to it was sampled; relative to how far it moved."""
    one, limits = program.trace.steps[step], program.limits.get(step, StepLimits({}))
    name, spread = key.partition("/")[2], limits.spreads.get(key)
    if spread is None:
        return Silent("T3", name, step, why, NO_RULE)
    theirs, before = (named[key].array.astype(np.float64) for named in (one.got, one.start))
    moved, apart = float(np.linalg.norm(theirs - before)), float(np.linalg.norm(got.got[key].array - theirs))
    roundings = float(np.linalg.norm(np.spacing(theirs.astype(np.float32))))
    by = moved or size(np.linalg.norm(theirs))  # of what did not move, as a clipped weight need not
    limit = GRADIENT * (moved > 0) + (spread.norm + roundings) / by
    check = Check("T3", name, step, measure(apart / by), limit, "of the norm")
    return excused(program, key, determined(check), limits.race(key) / by)


def _unfollowed(applied: Applied | None, no_gradient: bool) -> str:
    if applied is None:
        return "several ops move it, and no rule is known of them together"
    if applied.kind is None:
        return f"no rule is known of {applied.type}"
    return (
        "what reaches its update was not recorded" if no_gradient else "a number that its update takes was not recorded"
    )
