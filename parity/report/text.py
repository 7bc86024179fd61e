"""A proof as text: the verdict, what was compared, a table an engine."""

import platform

from parity.compare.tiers import WORDS, Check
from parity.report.proof import Proof, divergence, verdict, worst

HEAD = f"{'tier':17}{'tensor':27}{'worst step':>11}{'measured':>11}{'limit':>11}{'margin':>9}  verdict"


def table(proof: Proof) -> str:
    """Verdict, where it came from, a table an engine, and the first divergence of each that has one."""
    lines = [verdict(proof), *facts(proof)]
    lines += [f"TensorFlow breaks the rule of T3 itself: {_row(check)}" for check in proof.own_rule if not check.passed]
    for candidate in proof.candidates:
        lines += ["", f"jaxmlp {candidate.name}", HEAD]
        lines += [_row(check) for check in worst(candidate.checks)]
        lines += divergence(candidate)
    return "\n".join(lines)


def facts(proof: Proof) -> list[str]:
    """What was compared: data, seed, steps, horizon, time."""
    header, last = proof.reference.header, len(proof.reference.series["losses"]) - 1
    if proof.budget is None:
        free = f"free run of {last + 1} steps reported, not asserted: no ensemble was run"
    elif proof.budget.horizon < 0:
        free = f"free run of {last + 1} steps reported, not asserted: the ensemble parts at step 0"
    else:
        asserted = min(proof.budget.horizon, last)
        free = f"free run asserted up to step {asserted} of {last}, by an ensemble of {len(proof.budget.variants)}"
    steps = dict.fromkeys(check.when.removeprefix("step ") for check in proof.own_rule)  # a recording may lack some
    provenance = ", ".join(f"{key} {value}" for key, value in header["provenance"].items())
    return [
        f"{proof.source.split(' from ')[0]}; {header['images']} images, seed {proof.program['seed']}; {free}",
        f"compared from given weights: {', '.join(steps)}",
        f"reference: {provenance}",
        f"{proof.seconds:.0f} s on {platform.machine()}, Python {platform.python_version()}",
    ]


def margin(check: Check) -> str:
    """How many times the measured value would fit into its limit."""
    return f"{1 / check.ratio:.3g}x" if check.ratio else "exact"


def _row(check: Check) -> str:
    when, tier = check.when.removeprefix("step "), f"{check.tier} {WORDS[check.tier]}"
    numbers = f"{when:>11}{check.measured:>11.2g}{check.limit:>11.2g}{margin(check):>9}"
    return f"{tier:17}{check.tensor:27}{numbers}  {'pass' if check.passed else 'FAIL'}"
