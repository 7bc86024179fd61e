"""Proofs of steps beside a recording as one page of HTML, in the style of the proof's own page."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from parity.compare.recorded import Proof, Recording
from parity.compare.tiers import WORDS
from parity.report.markup import card, check_row, element, table
from parity.report.plain import plain, shown
from parity.report.proof import worst
from parity.report.recorded import Held, facts, near_kinks, nearest, silences, wide

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
ROUNDED = (
    "An update's limit is what float32 may round in it. A weight that is rounded once may use all of that: "
    "100 % is no near miss."
)
INSIDE = (
    "python_2",
    "shimmable",
    "eager",
    "forks",
    "said",
    "failure",
)  # of the provenance; told elsewhere, or to no end


def page(recording: Recording, held: Sequence[Held], made: Mapping[str, Any], who: str) -> str:
    """Self-contained, and without a script."""
    style = STYLE.search(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    assert style
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{style[0]}'
    title = escape(f"Is it the same program as {recording.provenance['script']['path']}?")
    parts = [element("h1", title), _verdict(recording, held, who), *(_section(recording, one) for one in held)]
    terms = (element("dt", escape(key)) + element("dd", escape(value)) for key, value in _origin(recording, made))
    parts.append(element("section", element("h2", "Where this comes from"), element("dl", *terms)))
    return f'<!doctype html>\n<html lang="en">{head}<title>{title}</title>{element("main", *parts)}</html>\n'


def _verdict(recording: Recording, held: Sequence[Held], who: str) -> str:
    good = all(one.proof and one.proof.proven for one in held)
    answer = element("strong", f"{'Yes' if good else 'No'}, {escape(who)}.")
    alone = len(held) == 1
    lines = [element("p", escape(one.verdict if alone else f"Program {one.number}: {one.verdict}")) for one in held]
    hints = [hint for one in held if one.proof for hint in one.proof.hints]
    lines += [element("p", escape(f"{hint[:1].upper()}{hint[1:]}.")) for hint in hints]
    lines += [element("p", escape(line), kind="soft") for line in facts(recording)]
    return element("div", answer, *lines, kind=f"verdict {'good' if good else 'bad'}", id="verdict")


def _section(recording: Recording, one: Held) -> str:
    inside = [element("h2", escape(f"Program {one.number}: {recording.programs[one.number].name}"))]
    if one.proof is None:
        return element("section", *inside, element("p", escape(one.error), kind="soft"))
    inside += [element("div", *_cards(one.proof), kind="cards"), _rows(one.proof), element("p", ROUNDED, kind="soft")]
    for title, found in (("Not determined", one.proof.undetermined), ("Not compared", one.proof.not_compared)):
        inside += _listed(title, [f"{places}: {why}" for places, why in silences(found)])
    inside += _listed("Limits that prove little", wide(one.proof))
    inside += _listed("Allowed for", [turned] if (turned := near_kinks(one.proof)) else [])
    return element("section", *inside)


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    items = [element("p", escape(f"{line}."), kind="soft") for line in lines]
    return [element("h2", title), *items] if items else []


def _cards(proof: Proof) -> list[str]:
    passed = sum(check.passed for check in proof.checks)
    steps = ", ".join(map(str, proof.subject.steps))
    made = [card(f"{passed:,} of {len(proof.checks):,}", f"checks passed, at steps {steps}")]
    for tier, ratio in nearest(proof).items():
        made.append(card(_percent(ratio), f"of its limit used by the {WORDS[tier]} nearest to it"))
    return made


def _percent(ratio: float) -> str:
    used = 100 * ratio
    return "none" if not used else "<1 %" if used < 1 else f"{used:.0f} %" if used < 1000 else "far more than all"


def _rows(proof: Proof) -> str:
    head = ("tier", "what", "worst at", "measured", "limit", "limit used", "", "verdict")
    rows, last = [], None
    for check in worst(proof.checks):
        rows.append(check_row(plain(shown(check)), first=check.tier != last))
        last = check.tier
    return element("div", table(head, rows), kind="engine")


def _origin(recording: Recording, made: Mapping[str, Any]) -> list[tuple[str, str]]:
    told = {key: value for key, value in recording.provenance.items() if key not in INSIDE}
    notes = [what + (f" ({count} times)" if count > 1 else "") for what, count in told.pop("notes")]
    command = {"recorded by": told.pop("command", "")}
    pairs = [*made.items(), *_pairs("", {**told, **command, "notes": notes})]
    return [*((key, str(value)) for key, value in pairs), ("SHA-256 of the recording", recording.content)]


def _pairs(head: str, told: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Nested fields, a line each; lists as a person writes them."""
    pairs: list[tuple[str, Any]] = []
    for key, value in told.items():
        name = f"{head} {key}".strip()
        pairs += _pairs(name, value) if isinstance(value, Mapping) else [(name, _plainly(value))]
    return [(name, value) for name, value in pairs if value not in (None, "")]


def _plainly(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return ", ".join(str(one[0]) if isinstance(one, list | tuple) else str(one) for one in value)
