"""What a proof is: every check of every candidate, and the verdict that they come to."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from parity.compare.diagnosis import first_divergence, meaning
from parity.compare.limits import Budget
from parity.compare.tiers import Check
from parity.compare.trace import Trace


class Candidate(NamedTuple):
    """One engine of the port and all its checks."""

    name: str
    provenance: dict[str, Any]
    checks: list[Check]
    series: Mapping[str, np.ndarray]  # of its free run


class Proof(NamedTuple):
    """A whole comparison."""

    program: Mapping[str, Any]  # as `Program.as_dict` has it
    source: str  # of the data
    reference: Trace  # its steps dropped
    own_rule: list[Check]  # the reference's own updates
    candidates: list[Candidate]
    budget: Budget | None  # None: no ensemble was run, and T4 asserts nothing
    seconds: float = 0.0

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


def verdict(proof: Proof) -> str:
    """The first line of every report."""
    names = ", ".join(candidate.name for candidate in proof.candidates)
    if proof.proven:
        return f"PROVEN: the port ({names}) computes what {proof.reference.header['who']} computes"
    failed = [c.name for c in proof.candidates if not all(check.passed for check in c.checks)]
    if proof.candidates and not failed:
        return f"NOT proven: {proof.reference.header['who']} itself does not follow the update rule the port is held to"
    return f"NOT the same program: the port ({', '.join(failed) or names}) against {proof.reference.header['who']}"


def divergence(candidate: Candidate) -> list[str]:
    """The first divergence and what it usually means; nothing where there is none."""
    first = first_divergence(candidate.checks)
    if first is None:
        return []
    where, measured = f"{first.tier}, {first.tensor}, {first.when}", f"{first.measured:.3g} {first.unit}"
    told = f"first divergence: {where}: {measured}, {first.ratio:.3g} times its limit of {first.limit:.3g}"
    return [told, f"usually: {meaning(candidate.checks)}"]
