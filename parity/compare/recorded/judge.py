"""T1 to T3 of somebody's step beside a recording: each tensor compared, or the reason why it says nothing.

The update is judged apart from the gradient: see `updates.py`, and `side.py` for what no update op moves.
"""

from collections.abc import Iterator

import numpy as np

from parity.compare.limits import DELTA, GRADIENT, LOSS, TINY
from parity.compare.recorded.found import NO_RULE, Found, Silent, determined, excused, left_out, nearest, size
from parity.compare.recorded.limits import StepLimits
from parity.compare.recorded.orders import Ordered
from parity.compare.recorded.recording import Program
from parity.compare.recorded.side import side_checks
from parity.compare.recorded.updates import update_checks
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace

FORWARD = {"loss": "T1", "logits": "T1b", "grads": "T2"}


def step_checks(number: int, program: Program, got: StepTrace) -> Iterator[Found]:
    """Everything that the recording has of a step, in the order of the tiers."""
    one = program.trace.steps[number]
    for key in one.got:
        role, _, name = key.partition("/")
        if role in FORWARD:
            yield _forward(program, number, got, key) if key in got.got else left_out(FORWARD[role], name, number)
    for key in got.got:
        if key not in one.got and key.partition("/")[0] in FORWARD:
            yield Silent(FORWARD[key.partition("/")[0]], key, number, "TensorFlow's was not recorded", NO_RULE)
    yield from update_checks(number, program, got)
    yield from side_checks(number, program, got)


def is_finite(one: StepTrace) -> bool:
    """Whether all that a step got is, of floating numbers."""
    return all(np.isfinite(tensor.values).all() for tensor in one.got.values() if tensor.values.dtype.kind == "f")


def _forward(program: Program, number: int, got: StepTrace, key: str) -> Found:
    recorded, limits = program.trace.steps[number].got[key].array, program.limits.get(number, StepLimits({}))
    check = nearest(_apart(number, one, recorded, got, key, limits) for one in limits.of_tensor(key))
    reach = limits.race(key) / size(np.linalg.norm(recorded.astype(np.float64)))
    return excused(program, key, determined(check), reach)


def _apart(number: int, order: Ordered, recorded: np.ndarray, got: StepTrace, key: str, limits: StepLimits) -> Check:
    role, _, name = key.partition("/")
    theirs, ours = order.right(key, recorded).astype(np.float64), got.got[key].array.astype(np.float64)
    spread, tier = limits.spreads.get(key), FORWARD[role]
    noise = spread.norm if spread else 0.0
    if tier == "T1b":
        norm, apart = size(np.abs(theirs).max(initial=0)), float(np.abs(ours - theirs).max(initial=0))
        return Check(tier, name, number, apart / norm, DELTA + noise / norm, "of the largest")
    norm, apart = size(order.size(key, recorded)), float(np.linalg.norm(ours - theirs))
    constant, unit = (LOSS, "relative") if tier == "T1" else (GRADIENT, "of the norm")
    return Check(tier, name, number, apart / norm, constant * (norm > TINY) + noise / norm, unit)
