"""What a proof is: every check of every candidate, and the verdict that they come to."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from parity.compare.diagnosis import first_divergence, meaning
from parity.compare.limits import Budget
from parity.compare.tiers import Check
from parity.compare.trace import Trace


class Pace(NamedTuple):
    """How long a candidate took, in seconds."""

    whole: float  # its free run, its steps from given weights, and the checks
    step: float  # one step of its free run


class Candidate(NamedTuple):
    """One subject, an engine of the port, and all its checks."""

    name: str
    provenance: dict[str, Any]
    checks: list[Check]
    series: Mapping[str, np.ndarray]  # of its free run
    pace: Pace = Pace(0.0, 0.0)


class Proof(NamedTuple):
    """A whole comparison."""

    program: Mapping[str, Any]  # as `Program.as_dict` has it
    source: str  # the data in words, e.g. "all of MNIST (60,000 images)"
    reference: Trace  # its steps dropped
    own_rule: list[Check]  # the reference's own updates
    candidates: list[Candidate]
    budget: Budget | None  # None: no ensemble was run, and T4 asserts nothing
    seconds: float = 0.0
    made: Mapping[str, str] = {}
    beyond: str = ""  # what a longer proof would add, in a sentence

    @property
    def points(self) -> list[str]:
        """The starts that were compared, in words: a recording may lack some that were asked for."""
        return list(dict.fromkeys(check.when.removeprefix("step ") for check in self.own_rule))

    @property
    def asserted(self) -> int:
        """Steps of the free run that T4 asserts; 0 where there is no budget."""
        return 0 if self.budget is None else min(self.budget.horizon + 1, len(self.reference.series["losses"]))

    @property
    def proven(self) -> bool:
        """Whether there were checks and every one passed."""
        checks = [check for candidate in self.candidates for check in candidate.checks]
        return bool(checks) and all(check.passed for check in [*self.own_rule, *checks])


def worst(checks: Iterable[Check]) -> list[Check]:
    """For each tier and tensor, in the order they came, the check nearest its limit or farthest beyond."""
    found: dict[tuple[str, str], Check] = {}
    for check in checks:
        best = found.get((check.tier, check.tensor))
        if best is None or (check.passed, -check.ratio) < (best.passed, -best.ratio):
            found[check.tier, check.tensor] = check
    return sorted(found.values(), key=lambda check: check.tier)


def scope(proof: Proof) -> str:
    """What the verdict is about, no more than was compared: "on 600 generated digits, seed 0, at 3 starting points"."""
    compared = _counted(len(proof.points), "starting point")
    if proof.asserted:
        compared += f" and {_counted(proof.asserted, 'free step')}"
    return f"on {proof.source}, at {compared}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def verdict(proof: Proof) -> str:
    """The first line of every report."""
    names, who = ", ".join(candidate.name for candidate in proof.candidates), proof.reference.header["who"]
    if proof.proven:
        return f"PROVEN {scope(proof)}: the port ({names}) computes what {who} computes"
    failed = [c.name for c in proof.candidates if not all(check.passed for check in c.checks)]
    if proof.candidates and not failed:
        return f"NOT proven {scope(proof)}: {who} itself does not follow the update rule the subject is held to"
    return f"NOT the same program, {scope(proof)}: the port ({', '.join(failed) or names}) against {who}"


def divergence(candidate: Candidate) -> list[str]:
    """The first divergence and what it usually means; nothing where there is none."""
    first = first_divergence(candidate.checks)
    if first is None:
        return []
    where, measured = f"{first.tier}, {first.tensor}, {first.when}", f"{first.measured:.3g} {first.unit}"
    told = f"first divergence: {where}: {measured}, {first.ratio:.3g} times its limit of {first.limit:.3g}"
    return [told, f"usually: {meaning(candidate.checks)}"]
