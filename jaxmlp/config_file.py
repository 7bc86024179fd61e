"""Options from a file: TOML as people write it, or the config.json of an earlier run. Serves `command_line`."""

import codecs
import dataclasses
import json
import re
import tomllib
import types
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from jaxmlp.checks import meant, require
from jaxmlp.errors import ConfigError

Options = TypeVar("Options")
# Notepad marks what it writes; without a mark it is UTF-8, as TOML and JSON are by definition.
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read(options: type[Options], file: Path) -> Options:
    """The dataclass `options` with a file's values: any option by its name, alone or in its part's table.

    `file` is TOML, or JSON whose object, or whose object `options`, holds options; a folder stands for its
    config.json. Raises ConfigError naming the file, and the key where one is unknown, double, of the wrong type or
    impossible.
    """
    if file.is_dir():
        file = file / "config.json"
    text = _text(file)
    try:
        content = _json(text) if text.lstrip().startswith("{") else _toml(text)  # no TOML begins with a brace
        return _build(options, options(), _flat(options, content))
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def names(options: type) -> set[str]:
    """Every option's name; a nested dataclass counts by its fields, as on the command line."""
    hints = get_type_hints(options).items()
    return set().union(*(names(hint) if dataclasses.is_dataclass(hint) else {name} for name, hint in hints))  # pyright: ignore[reportArgumentType]


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
        content = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, "the file"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"it is not JSON: {error}") from None
    told = content.get("options", content)
    require("options", told, isinstance(told, dict), "an object of options by their names")
    return {name: value for name, value in told.items() if value is not None}


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
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


def _flat(options: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """Options by their names with underscores, taken out of the tables they may stand in."""
    tables = {name: names(hint) for name, hint in get_type_hints(options).items() if dataclasses.is_dataclass(hint)}  # pyright: ignore[reportArgumentType]
    pairs: list[tuple[str, Any]] = []
    for name, value in content.items():
        if isinstance(value, dict):
            [(table, _)] = _known({name: value}, tables, "table")
            pairs += _known(value, tables[table], f"key of [{name}]")
        else:
            pairs += _known({name: value}, names(options), "key")
    return _once(pairs, "the file")


def _known(content: Mapping[str, Any], known: Collection[str], what: str) -> list[tuple[str, Any]]:
    """(name with underscores, value). Raises ConfigError for a name that is not known."""
    pairs = [(name.replace("-", "_"), value) for name, value in content.items()]
    for name, _ in pairs:
        if name not in known:
            raise ConfigError(f"unknown {what} {name!r}; {meant(name, known)}")
    return pairs


def _once(pairs: Iterable[tuple[str, Any]], where: str) -> dict[str, Any]:
    """`learning-rate` and `learning_rate` are one option, as are those in a table and outside it."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ConfigError(f"{name} is in {where} twice (- and _ are the same): leave one out")
        values[name] = value
    return values


def _build(options: type[Options], defaults: Options, values: dict[str, Any]) -> Options:
    """The defaults, those of a nested dataclass too, with the file's values in their place."""
    arguments: dict[str, Any] = {}
    for name, hint in get_type_hints(options).items():
        if dataclasses.is_dataclass(hint):
            arguments[name] = _build(hint, getattr(defaults, name), values)  # pyright: ignore[reportArgumentType]
        elif name in values:
            arguments[name] = _convert(name, values[name], hint)
    return dataclasses.replace(defaults, **arguments)  # pyright: ignore[reportArgumentType]


def _convert(name: str, value: Any, hint: Any) -> Any:
    """A file's value as the option's type; its range is the options' own to check."""
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if get_origin(hint) is tuple:
        allowed, fits = "a list", isinstance(value, list)
        value = tuple(_convert(name, one, get_args(hint)[0]) for one in value) if fits else value
    elif get_origin(hint) is Literal:
        allowed, fits = f"one of {', '.join(get_args(hint))}", value in get_args(hint)
    elif Path in kinds:
        allowed, fits = "a string, and not an empty one", isinstance(value, str) and value != ""
        value = Path(value) if fits else value
    else:
        expected = tuple(kind for kind in kinds if kind is not type(None))
        allowed = " or ".join(kind.__name__ for kind in expected)
        fits = type(value) in expected or (float in expected and type(value) is int)
    require(name, value, fits, allowed)
    return value
