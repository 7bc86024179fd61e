"""Proofs of steps beside a recording as text and JSON: a row a tensor, and all that was not compared."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from parity.compare.recorded import Proof, Recording
from parity.compare.recorded.found import Silent
from parity.compare.tiers import WORDS
from parity.report.plain import plain
from parity.report.proof import worst
from parity.report.text import WIDTH, head, row

WIDE = 0.01
RELATIVE = ("relative", "of the largest", "of the norm")


class Held(NamedTuple):
    """One program of a recording and the proof of a step beside it."""

    number: int
    proof: Proof | None
    error: str = ""  # why there is no proof

    @property
    def verdict(self) -> str:
        return self.proof.verdict if self.proof else f"CANNOT COMPARE: {self.error}"


def text(recording: Recording, held: Sequence[Held], who: str) -> str:
    """Verdicts, where the recording is from, a table a program."""
    lines = facts(recording)
    for one in held:
        lines += ["", f"program {one.number}: {recording.programs[one.number].name}", f"{who}: {one.verdict}"]
        lines += _table(one.proof) if one.proof else []
    return "\n".join(lines)


def facts(recording: Recording) -> list[str]:
    """Of what and by whom it is."""
    told = recording.provenance
    script = " ".join([told["script"]["path"], *told["script"]["arguments"]])
    lines = [
        f"{script}: {told['status']}, {sum(one.fields['runs'] for one in recording.programs)} training runs",
        f"reference: {', '.join(f'{name} {told[name]}' for name in ('tensorflow', 'numpy', 'python', 'cpu'))}",
    ]
    if repeated := told.get("reproduced"):
        lines += _repeated(repeated, _racing(recording))
    lines += [f"downloads refused: {', '.join(refused)}"] if (refused := told["downloads"]["refused"]) else []
    return lines + [f"note: {what}" + (f" ({count} times)" if count > 1 else "") for what, count in told["notes"]]


def _racing(recording: Recording) -> set[str]:
    """Variables that depend on a race, as "program|variable"."""
    keys = [(i, key) for i, one in enumerate(recording.programs) for key in one.trace.header.get("racing", ())]
    return {f"{i}|{key.partition('/')[2]}" for i, key in keys if not key.startswith(("grads/", "loss/", "seen/"))}


def _repeated(told: Mapping[str, Any], racing: Collection[str]) -> list[str]:
    """Whether the script repeats itself, and whether recording leaves it alone."""
    count, plain, recorded = told["compared"], told["between_plain"], told["by_recording"]
    if not plain and not recorded:
        return [f"recording changes nothing: all {count} variables end with the same bits, in two plain runs too"]
    raced = [name for name in recorded if name in racing]
    changed = [name for name in recorded if name not in racing]
    runs = told.get("plain_runs", 2)
    lines = [f"not reproducible by itself: {_named(plain, count)} differ between {runs} plain runs"] if plain else []
    lines += (
        [f"not reproducible by itself, by a race: {_named(raced, count)} differ in the recorded run"] if raced else []
    )
    return lines + ([f"RECORDING CHANGES {_named(changed, count)}"] if changed else [])


def _named(names: Sequence[str], count: int) -> str:
    """Of "program|variable"; the program is told where it is not the first."""
    parts = [name.split("|", 1) for name in names]
    told = [name if program == "0" else f"{name} of program {program}" for program, name in parts]
    return f"{len(names)} of {count} variables ({', '.join(told)})"


def silences(found: Sequence[Silent]) -> list[tuple[str, str]]:
    """Tensors by why nothing is said of them, those of all steps together."""
    reasons: dict[str, dict[str, None]] = {}
    for one in found:
        reasons.setdefault(one.why, {})[f"{one.tier} {one.tensor}"] = None
    return [(", ".join(places), why) for why, places in reasons.items()]


def wide(proof: Proof) -> list[str]:
    """Tensors that little is proven of, for rounding alone may move them by more than WIDE of their norm."""
    found: dict[str, float] = {}
    for one in proof.checks:
        if one.unit in RELATIVE and WIDE < one.limit < math.inf:
            name = f"{one.tier} {one.tensor}"
            found[name] = max(one.limit, found.get(name, 0.0))
    return [f"{name}: rounding alone may move it by {limit:.2g} of its norm" for name, limit in found.items()]


def near_kinks(proof: Proof) -> str:
    """How many units a gradient's limit takes for undecided; empty where there are none."""
    limits = proof.program.limits
    found = [(limits[step].kinks, step) for step in proof.subject.steps if step in limits and limits[step].kinks]
    told = ", ".join(f"{number} at step {step}" for number, step in found)
    return f"units so near a kink that rounding may turn them: {told}" if found else ""


def nearest(proof: Proof) -> dict[str, float]:
    """For each tier how much of a limit was used at most."""
    tiers = {tier: [one.ratio for one in proof.checks if one.tier == tier] for tier in WORDS}
    return {tier: max(ratios) for tier, ratios in tiers.items() if ratios}


def to_json(recording: Recording, held: Sequence[Held], made: Mapping[str, Any], who: str) -> str:
    """Every check of every program."""
    told = {"made": dict(made), "subject": who, "content": recording.content, "provenance": dict(recording.provenance)}
    told["programs"] = [_plain(recording, one) for one in held]
    return json.dumps(plain(told), indent=1, ensure_ascii=False) + "\n"


def _table(proof: Proof) -> list[str]:
    rows = worst(proof.checks)
    width = max([WIDTH, *(len(check.tensor) + 1 for check in rows)])
    lines = [head(width), *(row(check, width) for check in rows)]
    for kind, found in (("not determined", proof.undetermined), ("NOT COMPARED", proof.not_compared)):
        lines += [f"{kind}: {places}: {why}" for places, why in silences(found)]
    lines += [f"wide: {line}" for line in wide(proof)]
    lines += [f"allowed for: {turned}"] if (turned := near_kinks(proof)) else []
    if proof.diverged is not None:
        lines.append(f"not finite on TensorFlow's side from step {proof.diverged} on, and so compared no further")
    return [*lines, *proof.hints]


def _plain(recording: Recording, one: Held) -> dict[str, Any]:
    told: dict[str, Any] = {"program": recording.programs[one.number].name, "verdict": one.verdict}
    if one.proof is None:
        return told
    proof = one.proof
    return {
        **told,
        "proven": proof.proven,
        "different": proof.different,
        "hints": list(proof.hints),
        "nearest": nearest(proof),
        "near_kinks": {step: one.kinks for step, one in proof.program.limits.items()},
        "checks": [check._asdict() | {"passed": check.passed} for check in proof.checks],
        "undetermined": [silent._asdict() for silent in proof.undetermined],
        "not_compared": [silent._asdict() for silent in proof.not_compared],
    }
