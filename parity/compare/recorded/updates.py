"""T3 of weights and slots that update ops move: by the optimizer's rule, from the step's own gradients.

Where the step returns none, the recorded ones stand for them, with what rounding may do to them carried through the
rule. Where no rule is known, the results are compared within what rounding was sampled to do.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from parity.compare.limits import GRADIENT
from parity.compare.recorded.applied import Applied
from parity.compare.recorded.found import (
    NO_RULE,
    VAGUE,
    Found,
    Silent,
    determined,
    excused,
    left_out,
    measure,
    nearest,
    size,
)
from parity.compare.recorded.limits import Spread, StepLimits
from parity.compare.recorded.orders import AS_RECORDED, Ordered
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
    for variable in program.moved:
        applied = program.update_of(variable)
        rights = _rights(step, program, applied, own) if applied else []
        judged = _Judged(step, program, got, applied, rights, variable in own)
        yield judged.of(variable, f"weights/{variable}")
        for slot in applied.slots if applied and applied.kind else ():
            yield judged.of(f"{slot} of {variable}" if not slot.startswith(variable) else slot, f"slots/{slot}")


def _rights(step: int, program: Program, applied: Applied, own: dict[str, Rounded]) -> list[Update]:
    """What its rule makes of a variable, in each order of what races; none where no rule is known."""
    one, limits = program.trace.steps[step], program.limits.get(step, StepLimits({}))
    found = []
    for order in limits.of_update(applied.op, applied.variable):
        grad = _arriving(step, program, own, order).get(applied.variable)
        found.append(applied.follow(order.start(one, applied.op), grad, written=True) if grad else None)
    return [one for one in found if one is not None]


class _Judged(NamedTuple):
    """One variable and its slots. `own`: whether the rule was followed from the step's own gradient."""

    step: int
    program: Program
    got: StepTrace
    applied: Applied | None
    rights: list[Update]
    own: bool

    def of(self, called: str, key: str) -> Found:
        """Of the variable, or of one of its slots."""
        role, _, name = key.partition("/")
        if key not in self.got.got:
            return left_out("T3", called, self.step)
        if not self.rights or self.applied is None:
            why = _unfollowed(self.applied, self.program.trace.steps[self.step])
            return _end_to_end(self.step, self.program, self.got, key, why)
        rights = [one.weights if role == "weights" else one.slots[name] for one in self.rights]
        ratios = [measure(right.ratio(self.got.got[key].array)) for right in rights]
        best = int(np.argmin(ratios))
        return _followed(
            self, called, key, rights[best], Check("T3", called, self.step, ratios[best], 1, "of the bound")
        )


def gradients(step: int, program: Program, got: StepTrace) -> dict[str, Rounded]:
    """What reaches the optimizer, by variable: the step's own, or the recorded ones with what rounding does to them."""
    return _arriving(step, program, _own(program, got))


def _arriving(step: int, program: Program, own: dict[str, Rounded], order: Ordered = AS_RECORDED) -> dict[str, Rounded]:
    one, limits = program.trace.steps[step], program.limits.get(step, StepLimits({}))
    recorded, grads = (
        {name: order.right(f"{role}/{name}", tensor.array) for name, tensor in one.of_role(role).items()}
        for role in ("arriving", "grads")
    )
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


def _followed(judged: _Judged, called: str, key: str, right: Rounded, check: Check) -> Found:
    program, one = judged.program, judged.program.trace.steps[judged.step]
    before = one.start[key].array.astype(np.float64)
    moved = float(np.abs(right.value - before).max(initial=0))
    ulps = 4 * np.spacing(np.abs(before).astype(np.float32)).astype(np.float64)  # a weight's own rounding hides nothing
    vague = np.count_nonzero(right.error > np.maximum(UNDETERMINED * moved, ulps))
    if check.passed and check.measured > 0 and 2 * vague > np.count_nonzero(right.error):
        why = "rounding of the gradient may move most of it by a tenth of the update: return grads as well"
        return Silent("T3", called, judged.step, why, VAGUE)
    reach = 0.0 if program.limits.get(judged.step, StepLimits({})).orders else np.inf
    found = check if judged.own else excused(program, key, check, reach)  # another order's gradient may be recorded
    return excused(program, f"seen/{judged.applied.op}", found, reach) if judged.applied else found


def _end_to_end(step: int, program: Program, got: StepTrace, key: str, why: str) -> Found:
    """Against the recorded tensor, where what rounding does to it was sampled; relative to how far it moved."""
    one, limits = program.trace.steps[step], program.limits.get(step, StepLimits({}))
    spread = limits.spreads.get(key)
    if spread is None:
        return Silent("T3", key.partition("/")[2], step, why, NO_RULE)
    recorded, before = one.got[key].array, one.start[key].array.astype(np.float64)
    check = nearest(_against(step, one, key, got, order, spread) for order in limits.of_tensor(key))
    by = limits.race(key) / size(np.linalg.norm(recorded - before))
    return excused(program, key, determined(check), by)


def _against(step: int, one: StepTrace, key: str, got: StepTrace, order: Ordered, spread: Spread) -> Check:
    recorded, before = one.got[key].array, one.start[key].array.astype(np.float64)
    theirs = order.right(key, recorded).astype(np.float64)
    moved, apart = float(np.linalg.norm(theirs - before)), float(np.linalg.norm(got.got[key].array - theirs))
    moved = max(moved, float(np.linalg.norm(order.apart.get(key, np.zeros(0)))))  # other orders move it
    roundings = float(np.linalg.norm(np.spacing(theirs.astype(np.float32))))
    by = moved or size(np.linalg.norm(theirs))  # of what did not move, as a clipped weight need not
    limit = GRADIENT * (moved > 0) + (spread.norm + roundings) / by
    return Check("T3", key.partition("/")[2], step, measure(apart / by), limit, "of the norm")


def _unfollowed(applied: Applied | None, one: StepTrace) -> str:
    if applied is None:
        return "several ops move it, and no rule is known of them together"
    if applied.kind is None:
        return f"no rule is known of {applied.type}"
    if f"arriving/{applied.variable}" not in one.got:
        return "what reaches its update was not recorded"
    return "a number that its update takes was not recorded"
