"""The parts of the page that are there without a script: verdict, numbers, tables, provenance. As HTML."""

import json
import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from parity.report.plain import exact

NAMES = {  # of the tiers, in small print
    "T0": "same inputs", "T1": "loss", "T1b": "logits", "T2": "gradients", "T2b": "gradients, probabilities given",
    "T3": "one update", "T4": "free run", "T5": "many seeds",
}  # fmt: skip


def element(tag: str, *inside: str, **attributes: str) -> str:
    """Markup of an element; `inside` is markup already, `kind` its class."""
    told = "".join(f' {"class" if key == "kind" else key}="{escape(text)}"' for key, text in attributes.items() if text)
    return f"<{tag}{told}>{''.join(inside)}</{tag}>"


def verdict(told: Mapping[str, Any]) -> str:
    """The answer and what it is about, first of all."""
    answer = f"{'Yes' if told['proven'] else 'No'}, {told['scope']}."
    why = told["verdict"].partition(": ")[2] or told["verdict"]
    lines = [element("strong", escape(answer)), element("p", escape(f"{why[:1].upper()}{why[1:]}."))]
    lines += [element("p", escape(f"{told['facts'][0]}."), kind="soft")]
    if told["made"]:
        made = "; ".join(told["made"][name] for name in ("date", "processor", "commit") if name in told["made"])
        lines.append(element("p", escape(f"{made}: {told['made']['command']}"), kind="soft"))
    for one in told["candidates"]:
        lines += [element("p", escape(f"{one['name']}: {line}")) for line in one["divergence"]]
    return element("div", *lines, kind=f"verdict {'good' if told['proven'] else 'bad'}", id="verdict")


def cards(told: Mapping[str, Any]) -> str:
    """The numbers that say most."""
    checks = [check for one in told["candidates"] for check in one["checks"]]
    engines, passed = len(told["candidates"]), sum(check["passed"] for check in checks)
    made = [card(f"{passed:,} of {len(checks):,}", f"checks passed: {engines} engine{'' if engines == 1 else 's'}")]
    apart = [value for one in told["candidates"] for value in one["difference"] if isinstance(value, float)]
    lengths = " and ".join(dict.fromkeys(str(len(one["losses"])) for one in told["candidates"]))
    if apart:
        made.append(card(short(max(apart)), f"largest relative difference of the loss in free runs of {lengths} steps"))
    gradients = [row for one in told["candidates"] for row in one["worst"] if row["tier"] == "T2"]
    if gradients:
        worst = max(gradients, key=_ratio)
        where = f"({worst['tensor']}, {worst['step']})"
        made.append(card(_used(worst), f"of its limit used by the gradient farthest from TensorFlow's {where}"))
    bits = "same bits" if all(check["passed"] for check in checks if check["tier"] == "T0") else "other bits"
    made.append(card(bits, "pixels, labels and initial weights, each side drawing its own from the seed"))
    if told["mutants"]:
        wrong = [one for one in told["mutants"] if one["expected"] != "nothing"]
        made.append(card(f"{sum(one['held'] for one in wrong)} of {len(wrong)}", "mutants killed where expected"))
    return "\n".join(made)


def engines(told: Mapping[str, Any]) -> str:
    """A table an engine, each tensor at its worst step."""
    return "\n".join(_engine(one) for one in told["candidates"])


def mutants(told: Mapping[str, Any]) -> str:
    """What became of the mutants; nothing where none are told of."""
    found = told["mutants"]
    if not found:
        return ""
    benign, made = ([f for f in found if (f["expected"] == "nothing") is harmless] for harmless in (True, False))
    killed, alone = (sum(one["held"] for one in some) for some in (made, benign))
    text = (
        f"Mutants of the port were made one by one. {killed} of {len(made)} were killed where expected, at least ten"
        f" times over the limit. {alone} of {len(benign)} harmless variants were left alone."
    )
    head, rows = ("mutant", "killed by", "times its limit", "verdict"), [_mutant(one) for one in (*made, *benign)]
    inside = element("h2", "Would a bug have been noticed?"), element("p", text, kind="soft"), table(head, rows)
    return element("section", *inside, id="hunt")


def provenance(told: Mapping[str, Any]) -> str:
    """Where all this comes from, a pair of terms a line."""
    pairs = [("seconds", told["seconds"]), ("what was compared", told["facts"][0]), ("images", told["data"])]
    pairs = [*told["made"].items(), *pairs, *_flat("program", told["program"])]
    pairs += _flat("reference", told["reference"]["provenance"])
    for one in told["candidates"][:1]:
        pairs += _flat("port", one["provenance"])
    pairs += [(f"SHA-256 · {key}", text) for key, text in told["reference"]["digests"].items()]
    return "\n".join(element("dt", escape(key)) + element("dd", escape(str(value))) for key, value in pairs)


def short(value: Any) -> str:
    """Two or three digits of a number, as a person reads it; words as they are."""
    if isinstance(value, str):
        return "∞" if value == "inf" else escape(value)
    if value == 0:
        return "0"
    if 1e-2 <= abs(value) < 1e4:
        return f"{value:.3g}"
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}e{int(power)}".replace("-", "−")


def _engine(one: Mapping[str, Any]) -> str:
    head = ("tier", "what", "worst at", "measured", "limit", "limit used", "", "verdict")
    rows, last = [], None
    for row in one["worst"]:
        rows.append(check_row(row, first=row["tier"] != last))
        last = row["tier"]
    return element("div", element("h3", escape(one["name"])), table(head, rows), kind="engine")


def check_row(row: Mapping[str, Any], first: bool) -> str:
    """Of a check as `plain` has it; `first`: of its tier."""
    small = f" {element('small', NAMES[row['tier']])}" if first else ""
    fill = element("i", style=f"width: {min(100.0, 100 * _ratio(row)):.1f}%")
    meter = element("td", element("div", fill), kind="meter" if row["passed"] else "meter over")
    same = exact(row)
    cells = [
        element("td", row["tier"] + small, title=NAMES[row["tier"]]),
        *(element("td", escape(text)) for text in (row["tensor"], row["step"])),
        *(element("td", short(row[name])) for name in ("measured", "limit")),
        element("td", "–" if same else _used(row)),
        meter,
        element("td", ("same" if same else "pass") if row["passed"] else "FAIL", kind=kind_of(row["passed"])),
    ]
    return element("tr", *cells, kind="first" if first else "")


def _mutant(one: Mapping[str, Any]) -> str:
    good = "left alone" if one["expected"] == "nothing" else "caught"
    cells = [element("td", escape(one[name])) for name in ("name", "expected")]
    cells.append(element("td", short(one["ratio"])))
    said = element("td", good if one["held"] else "NOT as expected", kind=kind_of(one["held"]))
    return element("tr", *cells, said)


def kind_of(good: bool) -> str:
    """The class of a verdict's cell."""
    return "pass" if good else "fail"


def table(head: Iterable[str], rows: Iterable[str]) -> str:
    """Rows below their titles; scrolls where it is too wide."""
    titles = element("tr", *(element("th", escape(text), scope="col") for text in head))
    return element("div", element("table", titles, *rows), kind="scroll")


def card(big: str, small: str) -> str:
    """A number and what it is."""
    return element("div", element("b", escape(big)), element("span", escape(small)), kind="card")


def _ratio(row: Mapping[str, Any]) -> float:
    """Infinite for what JSON has no number for."""
    return row["ratio"] if isinstance(row["ratio"], int | float) else math.inf


def _used(row: Mapping[str, Any]) -> str:
    used = 100 * _ratio(row)
    return "over" if math.isinf(used) else "<1 %" if used < 1 else f"{used:.0f} %"


def _flat(key: str, value: Any) -> list[tuple[str, str]]:
    """Nested fields by names joined with a dot in the middle."""
    if isinstance(value, Mapping):
        return [pair for name, inner in value.items() for pair in _flat(f"{key} · {name}", inner)]
    return [(key, json.dumps(value) if isinstance(value, list | tuple) else str(value))]
