"""T3 of variables that no update op moves: counters, powers, moving averages."""

from collections.abc import Iterator

import numpy as np

from parity.compare.recorded.found import Found, determined, excused, left_out, measure, nearest, size
from parity.compare.recorded.limits import Spread, StepLimits
from parity.compare.recorded.orders import Ordered
from parity.compare.recorded.recording import Program
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace, of_role

COUNTED = 1e-6  # of a moving average: relative to its norm, a few roundings


def side_checks(step: int, program: Program, got: StepTrace) -> Iterator[Found]:
    """Of one step."""
    one, limits = program.trace.steps[step], program.limits.get(step, StepLimits({}))
    followed = _slots(program)
    for name in of_role(one.got, "slots"):
        key = f"slots/{name}"
        if name in followed or key not in one.start:
            continue
        if key not in got.got:
            yield left_out("T3", name, step)
        else:
            race = limits.race(key) / size(np.linalg.norm(one.got[key].array.astype(np.float64)))
            yield excused(program, key, determined(nearest(_sides(step, name, one, got, limits))), race)


def _slots(program: Program) -> set[str]:
    """Those that an update's rule speaks of."""
    applied = map(program.update_of, program.moved)
    return {slot for one in applied if one and one.kind for slot in one.slots}


def _sides(step: int, name: str, one: StepTrace, got: StepTrace, limits: StepLimits) -> Iterator[Check]:
    """One for each order of what races."""
    key = f"slots/{name}"
    for order in limits.of_tensor(key):
        yield _side(step, key, order, one, got, limits.spreads.get(key))


def _side(step: int, key: str, order: Ordered, one: StepTrace, got: StepTrace, spread: Spread | None) -> Check:
    ours, before, name = got.got[key].array, one.start[key].array, key.partition("/")[2]
    theirs = order.right(key, one.got[key].array)
    if theirs.dtype.kind != "f" or np.array_equal(theirs, before):
        return Check("T3", name, step, float(np.count_nonzero(theirs != ours)), 0, "values differ")
    norm = size(order.size(key, one.got[key].array))
    apart = float(np.linalg.norm(ours.astype(np.float64) - theirs))
    limit = COUNTED + (spread.norm if spread else 0.0) / norm
    return Check("T3", name, step, measure(apart / norm), limit, "of the norm")
