"""What is found of one tensor: a check, or the reason why nothing is said; and the few reasons that need no tier."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from parity.compare.limits import TINY
from parity.compare.recorded.recording import Program
from parity.compare.stepwise import UNDETERMINED
from parity.compare.tiers import Check


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
RACE = "a race: {}, and no order of whole ops that the graph allows gives what TensorFlow got"
REPEATED = "TensorFlow's own runs of the script differ in it, though not in what is trained: a race"


def left_out(tier: str, tensor: str, step: int) -> Silent:
    """Of what the step does not return."""
    return Silent(tier, tensor, step, "your step does not return it", LEFT_OUT)


def determined(check: Check) -> Found:
    """Says nothing where rounding may move a tenth of what is compared, though the two sides differ within it."""
    if check.passed and check.limit > UNDETERMINED and check.measured > 0:
        why = "its true value is 0, or nearly: rounding may move it by as much"
        return Silent(check.tier, check.tensor, int(check.step or 0), why, VAGUE)
    return check


def excused(program: Program, key: str, found: Found, reach: float = math.inf) -> Found:
    """What differs, and depends on an order that TensorFlow leaves open, nobody is to blame for. `key`: "role/name", or
    "seen/OP" of what an update op finds in its variables.

    `reach`: how far the other orders lead, in the check's own unit, where that is known; 0 where TensorFlow's is.
    """
    if isinstance(found, Silent) or found.passed or found.measured > found.limit + reach:
        return found
    racing = program.trace.header.get("racing", {})
    if key in racing or _alone_irreproducible(program, key.partition("/")[2]):
        why = RACE.format(racing[key]) if key in racing else REPEATED
        return Silent(found.tier, found.tensor, int(found.step or 0), why, NO_RULE)
    return found


def nearest(checks: Iterable[Check]) -> Check:
    """Of one tensor held against several that are right."""
    return min(checks, key=lambda one: one.ratio)


def _alone_irreproducible(program: Program, name: str) -> bool:
    """Where what is trained differs between two runs too, as by a shuffled queue, nothing follows for one step."""
    differing = set(program.trace.header.get("irreproducible", ()))
    return name in differing and differing.isdisjoint(program.moved)


def size(norm: Any) -> float:
    """To divide by."""
    return max(float(norm), TINY)


def measure(measured: float) -> float:
    """Infinite for a NaN, which compares with nothing."""
    return measured if measured == measured else math.inf
