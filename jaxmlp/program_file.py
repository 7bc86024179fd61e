"""A whole `Program` as a file: TOML as people write it, or the JSON that a run keeps. Serves `presets` and --program.

TOML has no null: the text "none" stands for it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxmlp import tables
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program


def read(file: Path) -> Program:
    """The program of a TOML or JSON file, or of its table `program`; a folder stands for its config.json.

    Raises ConfigError naming the file and the field.
    """
    file, content = tables.content(file)
    try:
        return of_table(content.get("program", content))
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def of_table(table: Any) -> Program:
    """The program of a table of its fields. Reports fall as `Program.settled` has it where `report_every` is left out.

    Raises ConfigError naming the field.
    """
    if not isinstance(table, Mapping):
        raise ConfigError(f"program = {table!r} is impossible: it must be a table of a program's fields")
    return Program.from_dict({"report_every": None, **_nulls(table)})


def text(program: Program) -> str:
    """The program as TOML, every field of it; `read` reads it back."""
    fields = program.as_dict()
    if program.epochs is not None:
        del fields["steps"]  # which is not asked for then
    parts = [("[[layers]]", layer) for layer in fields["layers"]]
    parts += [(f"[{name}]", fields.pop(name)) for name in ("output", "loss", "optimizer")]
    if program.layers:
        del fields["layers"]
    lines = _lines(fields)
    for header, table in parts:
        lines += ["", header, *_lines(table)]
    return "\n".join(lines) + "\n"


def _nulls(part: Any) -> Any:
    """None for every "none"."""
    if isinstance(part, Mapping):
        return {name: _nulls(one) for name, one in part.items()}
    return [_nulls(one) for one in part] if isinstance(part, list) else None if part == "none" else part


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in table.items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(_lines(value)) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return '"none"' if value is None else json.dumps(value)
