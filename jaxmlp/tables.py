"""A table out of a file: TOML as people write it, or JSON; what is wrong with it in one line. No jax."""

import codecs
import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxmlp.errors import ConfigError

# Notepad marks what it writes; without a mark it is UTF-8, as TOML and JSON are by definition.
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def content(file: Path) -> tuple[Path, dict[str, Any]]:
    """The file, which is config.json where a folder is given, and its TOML, or the object that its JSON is.

    Raises ConfigError naming the file.
    """
    file = file / "config.json" if file.is_dir() else file
    text = _text(file)
    try:
        return file, _json(text) if text.lstrip().startswith("{") else _toml(text)  # no TOML begins with a brace
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def once(pairs: Iterable[tuple[str, Any]], where: str) -> dict[str, Any]:
    """`learning-rate` and `learning_rate` are one option, as are those in a table and outside it."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ConfigError(f"{name} is in {where} twice (- and _ are the same): leave one out")
        values[name] = value
    return values


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
        encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
        return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from None


def _json(text: str) -> dict[str, Any]:
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: once(pairs, "the file"))
    except (ValueError, RecursionError) as error:  # ValueError: too many digits, too
        raise ConfigError(f"it is not JSON: {error}") from None


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # as above
        found = re.search(r"\(at line (\d+), column", str(error))
        line = text.splitlines()[int(found[1]) - 1] if found else ""
        double = re.match(r"Cannot (overwrite|declare|mutate)", str(error))
        if found and double:
            raise ConfigError(f"line {found[1]} gives {_key(line)} a second time: leave one out") from None
        unquoted = re.search(r"=\s*[A-Za-z~./]", line) and "Invalid" in str(error)
        hint = f'; text stands in quotes: {_key(line)} = "…"' if unquoted else ""
        raise ConfigError(f"it is not TOML: {error}{hint}") from None


def _key(line: str) -> str:
    return line.partition("=")[0].strip()
