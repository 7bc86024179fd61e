"""Many programs' proofs as text and JSON: what was covered, what disagrees, and how near the limits the rest came."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from parity.compare.tiers import WORDS, Check

WIDTH = 120


class Row(NamedTuple):
    """One program's proof."""

    name: str  # "12", or a file
    program: Mapping[str, Any]  # nested, as `Program.as_dict`
    passed: bool
    told: str  # in a few words
    checks: Sequence[Check]  # the port's
    own_rule: Sequence[Check]  # TensorFlow's
    undetermined: Sequence[Check]
    diverged: int | None
    error: str


def line(row: Row) -> str:
    """As it ends."""
    verdict = "agrees" if row.passed else "CANNOT COMPARE" if row.error else "DISAGREES"
    notes = [f"{len(row.undetermined)} of {len(row.checks)} checks say nothing"] if row.undetermined else []
    notes += (
        [f"not finite from step {row.diverged} on, on both sides"] if row.passed and row.diverged is not None else []
    )
    return f"program {row.name}: {verdict}: {'; '.join([row.told, *notes])}"


def summary(rows: Sequence[Row], covered: Mapping[str, Mapping[str, int]]) -> str:
    """What was covered, how near each tier's limits the checks came, and what was not compared."""
    lines = ["covered, and by how many programs:", *_covered(covered), "", *_nearest(rows)]
    return "\n".join([*lines, *_silent(rows)])


def verdict(rows: Sequence[Row]) -> str:
    """In a line."""
    agree = sum(row.passed for row in rows)
    return f"{'PROVEN' if agree == len(rows) else 'NOT proven'}: {agree} of {len(rows)} programs agree"


def failed(row: Row) -> Check:
    """The first check that failed."""
    return next(check for check in (*row.checks, *row.own_rule) if not check.passed)


def smallest(row: Row, fields: str) -> str:
    """Where a disagreement's smallest program disagrees, and its `fields`, as a TOML file has them."""
    check = failed(row)
    side = "the port" if check in row.checks else "TensorFlow's own update, against the rule of T3"
    numbers = f"measured {check.measured:.4g} {check.unit}, limit {check.limit:.4g}"
    return f"program {row.name}, as small as it still disagrees: {side}, {check.place}: {numbers}\n{fields}"


def to_json(rows: Sequence[Row], made: Mapping[str, Any]) -> str:
    """Every check of every program; a number that is not finite as text, because JSON has none."""
    told = [
        {**row._asdict(), **{name: [_plain(check) for check in getattr(row, name)] for name in _CHECKS}} for row in rows
    ]
    return json.dumps({"made": dict(made), "programs": told}, indent=1, ensure_ascii=False) + "\n"


_CHECKS = ("checks", "own_rule", "undetermined")


def _plain(check: Check) -> dict[str, Any]:
    fields = {**check._asdict(), "passed": check.passed}
    return {
        name: str(one) if isinstance(one, float) and not math.isfinite(one) else one for name, one in fields.items()
    }


def _covered(covered: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines = []
    for kind, counts in covered.items():
        lines += _wrapped(f"  {kind:18}", [f"{value} {count}" for value, count in counts.items()])
    return lines


def _wrapped(head: str, words: Sequence[str]) -> list[str]:
    lines, current = [], head
    for word in words:
        if len(current) + len(word) + 2 > WIDTH:
            lines.append(current.rstrip())
            current = " " * len(head)
        current += f"{word}, "
    return [*lines, current.rstrip(", ")]


def _nearest(rows: Sequence[Row]) -> list[str]:
    """For each tier how many checks there were, and the one nearest its limit."""
    lines = [f"{'tier':16}{'checks':>8}{'nearest':>10}  where"]
    for tier in WORDS:
        held = [(check, row) for row in rows for check in row.checks if check.tier == tier]
        if held:
            check, row = max(held, key=lambda pair: pair[0].ratio)
            where = f"program {row.name}, {check.tensor}, {check.when}"
            lines.append(f"{f'{tier} {WORDS[tier]}':16}{len(held):>8}{check.ratio:>10.3g}  {where}")
    return lines


def _silent(rows: Sequence[Row]) -> list[str]:
    """What was not compared, aloud."""
    silent = [row for row in rows if row.undetermined]
    diverged = [row for row in rows if row.diverged is not None]
    lines = []
    if silent:
        count = sum(len(row.undetermined) for row in silent)
        names = ", ".join(row.name for row in silent)
        lines.append(
            f"{count} checks say nothing, for rounding may move a tenth of what they compare: programs {names}"
        )
    if diverged:
        names = ", ".join(row.name for row in diverged)
        lines.append(f"not finite on TensorFlow's side, and so compared no further: programs {names}")
    return lines
