"""What a proof says: a table for the terminal, JSON, and JUnit XML; the page is `page.py`'s."""

import json
import math
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np

from jaxmlp.config import Config
from jaxmlp.errors import OutputError
from parity.budget import Budget, relative_difference
from parity.diagnosis import first_divergence, meaning
from parity.probe import PROBE
from parity.tiers import Check
from parity.trace import TENSORS, FreeRun, Trace


class Candidate(NamedTuple):
    """One engine of the port and all its checks."""

    name: str
    provenance: dict[str, Any]
    checks: list[Check]
    free: FreeRun


class Proof(NamedTuple):
    """A whole comparison."""

    config: Config
    source: str  # of the data
    reference: Trace  # its steps dropped
    own_rule: list[Check]  # the reference's own updates
    candidates: list[Candidate]
    budget: Budget | None  # None: no ensemble was run, and T4 asserts nothing
    tests: int  # test images
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
        return f"PROVEN: the port ({names}) computes what {proof.reference.who} computes"
    failed = [c.name for c in proof.candidates if not all(check.passed for check in c.checks)]
    if proof.candidates and not failed:
        return f"NOT proven: {proof.reference.who} itself does not follow the update rule the port is held to"
    return f"NOT the same program: the port ({', '.join(failed) or names}) against {proof.reference.who}"


def table(proof: Proof) -> str:
    """Verdict, where it came from, a table an engine, and the first divergence of each that has one."""
    lines = [verdict(proof), *facts(proof)]
    lines += [f"TensorFlow breaks the rule of T3 itself: {_row(check)}" for check in proof.own_rule if not check.passed]
    for candidate in proof.candidates:
        lines += [
            "",
            f"jaxmlp {candidate.name}",
            f"{'tier':5}{'tensor':27}{'worst step':>11}{'measured':>11}{'limit':>11}",
        ]
        lines[-1] += f"{'margin':>9}  verdict"
        lines += [_row(check) for check in worst(candidate.checks)]
        lines += divergence(candidate)
    return "\n".join(lines)


def facts(proof: Proof) -> list[str]:
    """What was compared: data, seed, steps, horizon, time."""
    last = len(proof.reference.free.losses) - 1
    if proof.budget is None:
        free = f"free run of {last + 1} steps reported, not asserted: no ensemble was run"
    elif proof.budget.horizon < 0:
        free = f"free run of {last + 1} steps reported, not asserted: the ensemble parts at step 0"
    else:
        asserted = min(proof.budget.horizon, last)
        free = f"free run asserted up to step {asserted} of {last}, by an ensemble of {len(proof.budget.variants)}"
    provenance = ", ".join(f"{key} {value}" for key, value in proof.reference.provenance.items())
    return [
        f"{proof.source.split(' from ')[0]}; {proof.reference.images} images, seed {proof.config.seed}; {free}",
        f"compared from given weights: {steps_compared(proof)}",
        f"reference: {provenance}",
        f"{proof.seconds:.0f} s on {platform.machine()}, Python {platform.python_version()}",
    ]


def steps_compared(proof: Proof) -> str:
    """Which steps both sides took from the same weights; a recording may hold fewer than were asked for."""
    labels = [step_label(check) for check in proof.own_rule if check.tensor == TENSORS[0]]
    return ", ".join(label.removeprefix("step ") for label in labels)


def divergence(candidate: Candidate) -> list[str]:
    """The first divergence and what it usually means; nothing where there is none."""
    first = first_divergence(candidate.checks)
    if first is None:
        return []
    return [
        f"first divergence: {first.tier}, {first.tensor}, {step_label(first)}: {first.measured:.3g} {first.unit}, "
        f"{first.ratio:.3g} times its limit of {first.limit:.3g}",
        f"usually: {meaning(candidate.checks)}",
    ]


def step_label(check: Check) -> str:
    return {None: "–", PROBE: "probe"}.get(check.step, f"step {check.step}")


def margin(check: Check) -> str:
    """How many times the measured value would fit into its limit."""
    if check.measured == 0:
        return "exact"
    return f"{1 / check.ratio:.3g}x" if check.ratio else "exact"


def to_json(proof: Proof) -> str:
    """Everything, machine-readable; non-finite numbers as strings, because JSON has none."""
    return json.dumps(as_plain(proof), indent=1, ensure_ascii=False) + "\n"


def as_plain(proof: Proof) -> dict[str, Any]:
    """What both the JSON and the page show."""
    reference = proof.reference
    return _plain(
        {
            "verdict": verdict(proof),
            "proven": proof.proven,
            "facts": facts(proof),
            "config": {name: getattr(proof.config, name) for name in ("seed", "hidden", "learning_rate", "steps")},
            "data": proof.source,
            "images": reference.images,
            "tests": proof.tests,
            "reference": {"who": reference.who, "provenance": reference.provenance, "digests": reference.digests}
            | _curves(reference.free),
            "budget": proof.budget
            and {
                "horizon": proof.budget.horizon,
                "variants": list(proof.budget.variants),
                "loss_limits": proof.budget.loss_limits.tolist(),
                "spread": proof.budget.spread.tolist(),
            },
            "own_rule": [_shown(check) for check in worst(proof.own_rule)],
            "candidates": [
                {
                    "name": candidate.name,
                    "provenance": candidate.provenance,
                    "difference": _difference(reference.free, candidate.free),
                    "divergence": divergence(candidate),
                    "checks": [check._asdict() | {"passed": check.passed} for check in candidate.checks],
                    "worst": [_shown(check) for check in worst(candidate.checks)],
                }
                | _curves(candidate.free)
                for candidate in proof.candidates
            ],
        }
    )


def to_junit(proof: Proof) -> str:
    """A test case for every check, a suite for every engine."""
    suites = ElementTree.Element("testsuites", name="parity")
    for candidate in proof.candidates:
        failures = sum(not check.passed for check in candidate.checks)
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=f"parity.{candidate.name}",
            tests=str(len(candidate.checks)),
            failures=str(failures),
        )
        for check in candidate.checks:
            name = f"{check.tier} {check.tensor}, {step_label(check)}"
            case = ElementTree.SubElement(suite, "testcase", classname=f"parity.{candidate.name}", name=name)
            if not check.passed:
                text = f"{check.measured:.6g} {check.unit}, limit {check.limit:.6g}"
                ElementTree.SubElement(case, "failure", message=text)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def write(path: Path, text: str) -> None:
    """Raises `OutputError` naming the path."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None


def _row(check: Check) -> str:
    when = step_label(check).removeprefix("step ")
    numbers = f"{when:>11}{check.measured:>11.2g}{check.limit:>11.2g}{margin(check):>9}"
    return f"{check.tier:5}{check.tensor:27}{numbers}  {'pass' if check.passed else 'FAIL'}"


def _shown(check: Check) -> dict[str, Any]:
    return check._asdict() | {
        "passed": check.passed,
        "step": step_label(check),
        "margin": margin(check),
        "ratio": check.ratio,
    }


def _difference(reference: FreeRun, free: FreeRun) -> list[float]:
    """Of the losses, relative, as far as the engine was left to run."""
    return relative_difference(reference.cut(len(free.losses)).losses, free.losses).tolist()


def _curves(free: FreeRun) -> dict[str, Any]:
    return {
        "losses": [float(loss) for loss in free.losses],
        "corrects": [int(correct) for correct in free.corrects],
        "test_corrects": {str(step): int(correct) for step, correct in free.test_corrects.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
