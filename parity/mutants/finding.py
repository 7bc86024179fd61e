"""What became of the mutants: a finding each, as JSON and back, read as strictly as it is written."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxmlp.errors import DataError
from jaxmlp.run.files import read_json


class Finding(NamedTuple):
    """What became of one mutant or benign variant."""

    name: str
    expected: str  # tier and tensor, or "nothing"
    ratio: float  # times the limit: at the expected place, or a benign variant's largest
    first: str  # where it shows first or most
    held: bool  # as expected


def to_json(findings: Sequence[Finding]) -> str:
    """A list of objects; a ratio that is not finite as a string, because JSON has none."""
    rows = [{**f._asdict(), "ratio": f.ratio if math.isfinite(f.ratio) else str(f.ratio)} for f in findings]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def read_findings(file: Path) -> list[Finding]:
    """What `to_json` wrote. Raises DataError naming the file and the first thing that is not as it should be."""
    content = read_json(file)
    what = f"{file} is not what `python -m parity mutants --json` wrote"
    if not isinstance(content, list) or not content:
        raise DataError(f"{what}: it must be a list of findings, and at least one")
    for i, fields in enumerate(content):
        if wrong := _wrong(fields):
            raise DataError(f"{what}: finding {i + 1} {wrong}")
    return [Finding(**{**fields, "ratio": float(fields["ratio"])}) for fields in content]


def _wrong(fields: Any) -> str:
    """What is wrong with one finding; nothing where all is right."""
    if not isinstance(fields, dict) or fields.keys() != set(Finding._fields):
        return f"must have the fields {', '.join(Finding._fields)} and no other"
    for name in ("name", "expected", "first"):
        if not isinstance(fields[name], str):
            return f"has {name} = {fields[name]!r}, which must be text"
    if not isinstance(fields["held"], bool):
        return f"has held = {fields['held']!r}, which must be true or false"
    ratio = fields["ratio"]
    if ratio not in ("inf", "nan") and (type(ratio) not in (int, float) or not 0 <= ratio <= sys.float_info.max):
        return f"has ratio = {ratio!r}, which must be a number from 0 up, or inf"
    return ""
