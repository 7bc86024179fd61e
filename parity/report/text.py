"""A proof as text: the verdict, what was compared, a table an engine."""

from collections.abc import Mapping
from typing import Any

from parity.compare.tiers import WORDS, Check
from parity.report.proof import Proof, divergence, verdict, worst

WIDTH = 27  # of a tensor's name


def table(proof: Proof) -> str:
    """Verdict, where it came from, a table an engine, and the first divergence of each that has one."""
    lines = [verdict(proof), *facts(proof)]
    lines += [f"TensorFlow breaks the rule of T3 itself: {row(check)}" for check in proof.own_rule if not check.passed]
    for candidate in proof.candidates:
        lines += ["", f"jaxmlp {candidate.name}", head()]
        lines += [row(check) for check in worst(candidate.checks)]
        lines += divergence(candidate)
    return "\n".join([*lines, *(["", proof.beyond] if proof.beyond else [])])


def facts(proof: Proof) -> list[str]:
    """What was compared: seed, starts, free run; both sides' versions; when, where and how."""
    theirs = {key: value for key, value in proof.reference.header["provenance"].items() if key != "op_seeds"}
    ours = next((one.provenance for one in proof.candidates), {})
    date, command = proof.made.get("date", ""), proof.made.get("command", "")
    where = [date, proof.made.get("processor", ""), proof.made.get("commit", ""), f"{proof.seconds:.0f} s"]
    lines = [
        f"seed {proof.program['seed']}; starting points: {', '.join(proof.points)}; {free_run(proof)}",
        f"reference: {_told(theirs)}",
        f"port: {_told({key: value for key, value in ours.items() if key != 'engine'})}",
        f"made: {'; '.join(filter(None, where))}",
    ]
    return [*lines, f"command: {command}"] if command else lines


def free_run(proof: Proof) -> str:
    """How long the free run was, how far it is asserted, and by what."""
    steps, budget = len(proof.reference.series["losses"]), proof.budget
    if budget is None or not proof.asserted:
        reason = "no ensemble says how far; --full runs it" if budget is None else "the ensemble parts at step 0"
        return f"free run of {steps} steps reported, not asserted: {reason}"
    kept = f", kept from {budget.made}" if budget.made else ""
    by = f"by an ensemble of {len(budget.variants)}{kept}"
    return f"free run asserted up to step {proof.asserted - 1} of {steps - 1}, {by}"


def _told(provenance: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in provenance.items())


def margin(check: Check) -> str:
    """How many times the measured value would fit into its limit."""
    if not check.ratio:
        return "exact"
    return f"{1 / check.ratio:.3g}x" if check.ratio > 1e-3 else f"{1 / check.ratio:.1g}x"


def head(width: int = WIDTH) -> str:
    """What stands in the columns."""
    numbers = f"{'worst step':>11}{'measured':>11}{'limit':>11}{'margin':>9}"
    return f"{'tier':17}{'tensor':{width}}{numbers}  verdict"


def row(check: Check, width: int = WIDTH) -> str:
    """A check below `head`."""
    when, tier = check.when.removeprefix("step "), f"{check.tier} {WORDS[check.tier]}"
    numbers = f"{when:>11}{check.measured:>11.2g}{check.limit:>11.2g}{margin(check):>9}"
    return f"{tier:17}{check.tensor:{width}}{numbers}  {'pass' if check.passed else 'FAIL'}"
