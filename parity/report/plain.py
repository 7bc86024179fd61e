"""A proof as JSON: everything, machine-readable; also what the page shows."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from parity.compare.limits import relative_difference
from parity.compare.tiers import WORDS, Check
from parity.compare.trace import tests
from parity.report.proof import Candidate, Proof, divergence, scope, verdict, worst
from parity.report.text import facts, margin

BUDGET = ("horizon", "variants", "loss_limits", "spread", "made")  # what is shown of it


def to_json(proof: Proof) -> str:
    """Everything, machine-readable; non-finite numbers as strings, because JSON has none."""
    return json.dumps(as_plain(proof), indent=1, ensure_ascii=False) + "\n"


def as_plain(proof: Proof) -> dict[str, Any]:
    """What both the JSON and the page show."""
    reference, budget = proof.reference, proof.budget
    who = {name: reference.header[name] for name in ("who", "provenance", "digests")}
    return plain(
        {
            "verdict": verdict(proof),
            "proven": proof.proven,
            "scope": scope(proof),
            "made": dict(proof.made),
            "seconds": round(proof.seconds, 1),
            "facts": facts(proof),
            "program": proof.program,
            "data": proof.source,
            "images": reference.header["images"],
            "tests": reference.header["tests"],
            "reference": who | _curves(reference.series),
            "budget": budget and {name: getattr(budget, name) for name in BUDGET},
            "own_rule": [shown(check) for check in worst(proof.own_rule)],
            "candidates": [_candidate(candidate, reference.series) for candidate in proof.candidates],
        }
    )


def _candidate(candidate: Candidate, reference: Mapping[str, np.ndarray]) -> dict[str, Any]:
    series = candidate.series
    return {
        "name": candidate.name,
        "provenance": candidate.provenance,
        # of the losses, relative, as far as the engine was left to run
        "difference": relative_difference(reference["losses"][: len(series["losses"])], series["losses"]),
        "divergence": divergence(candidate),
        "checks": [check._asdict() | {"passed": check.passed} for check in candidate.checks],
        "worst": [shown(check) for check in worst(candidate.checks)],
        **_curves(series),
    }


def shown(check: Check) -> dict[str, Any]:
    """A check as the tables have it."""
    told = {"step": check.when, "margin": margin(check), "ratio": check.ratio, "word": WORDS[check.tier]}
    return check._asdict() | told | {"passed": check.passed}


def exact(row: Mapping[str, Any]) -> bool:
    """Whether a row of the table found no difference at all."""
    return row["measured"] == 0


def _curves(series: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {
        "losses": series["losses"],
        "corrects": series["corrects"],
        "test_corrects": {str(step): correct for step, correct in tests(series).items()},
    }


def plain(value: Any) -> Any:
    """As JSON can hold it: arrays as lists, a number that is not finite as a string."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
