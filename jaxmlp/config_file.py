"""Options from a file: TOML as people write it, or the config.json of an earlier run. Serves `command_line`.

A table of options may be called by the part of the command that they are in; its name means nothing else.
"""

import dataclasses
import functools
import types
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from jaxmlp import program_file, tables
from jaxmlp.checks import meant, nearest, require
from jaxmlp.environment import home
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program

Options = TypeVar("Options")


def read(options: type[Options], file: Path, told: Collection[str] = ()) -> Options:
    """The dataclass `options` with a file's values: any option by its name, alone or in its part's table.

    `file` is TOML, or JSON whose object, or whose object `options`, holds options; a folder stands for its
    config.json. What is an alternative to one of the options `told` on the command line is passed over. Raises
    ConfigError naming the file, and the key where one is unknown, double, of the wrong type or impossible.
    """
    file, found = tables.content(file)
    try:
        values = found.get("options", found)
        require("options", values, isinstance(values, dict), "a table of options by their names")
        values = _flat(options, {name: value for name, value in values.items() if value is not None})
        rivals = {name for group in _alternatives(options) if set(told) & set(group) for name in group}
        return _build(options, options(), {name: value for name, value in values.items() if name not in rivals})
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def names(options: type) -> set[str]:
    """Every option's name; a nested dataclass counts by its fields, as on the command line."""
    fields = _fields(options).items()
    return set().union(*(names(hint) if dataclasses.is_dataclass(hint) else {name} for name, hint in fields))  # pyright: ignore[reportArgumentType]


@functools.cache  # each file asks for them dozens of times
def _fields(options: type) -> Mapping[str, Any]:
    """Each field's type."""
    hints = get_type_hints(options)
    return {field.name: hints[field.name] for field in dataclasses.fields(options)}


def _alternatives(options: type) -> list[tuple[str, ...]]:
    """Those of the options of which one is given at most, as its parts say."""
    parts = [hint for hint in _fields(options).values() if dataclasses.is_dataclass(hint)]
    return [*getattr(options, "alternatives", ()), *(group for part in parts for group in _alternatives(part))]  # pyright: ignore[reportArgumentType]


def _flat(options: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """Options by their names with underscores, taken out of the tables they may stand in."""
    parts, known = _parts(options), names(options)
    pairs: list[tuple[str, Any]] = []
    for name, value in content.items():
        if isinstance(value, dict) and (name in parts or name not in known):
            [(table, _)] = _known({name: value}, parts, "table")
            pairs += _known(value, parts[table], f"key of [{name}]")
        else:
            pairs += _known({name: value}, known, "key")
    return tables.once(pairs, "the file")


def _parts(options: type) -> dict[str, set[str]]:
    """The options of each part that has some of its own, by the part's name."""
    parts: dict[str, set[str]] = {}
    for name, hint in _fields(options).items():
        if dataclasses.is_dataclass(hint):
            of_parts = all(map(dataclasses.is_dataclass, _fields(hint).values()))  # pyright: ignore[reportArgumentType]
            parts |= _parts(hint) if of_parts else {name: names(hint), **_parts(hint)}  # pyright: ignore[reportArgumentType]
    return parts


def _known(content: Mapping[str, Any], known: Collection[str], what: str) -> list[tuple[str, Any]]:
    """(name with underscores, value). Raises ConfigError for a name that is not known."""
    pairs = [(name.replace("-", "_"), value) for name, value in content.items()]
    for name, _ in pairs:
        if name not in known:
            raise ConfigError(f"unknown {what} {name!r}; {meant(name, known)}")
    return pairs


def _build(options: type[Options], defaults: Options, values: dict[str, Any]) -> Options:
    """The defaults, those of a nested dataclass too, with the file's values in their place."""
    arguments: dict[str, Any] = {}
    for name, hint in _fields(options).items():
        if dataclasses.is_dataclass(hint):
            arguments[name] = _build(hint, getattr(defaults, name), values)  # pyright: ignore[reportArgumentType]
        elif name in values:
            arguments[name] = _convert(name, values[name], hint)
    return dataclasses.replace(defaults, **arguments)  # pyright: ignore[reportArgumentType]


def _convert(name: str, value: Any, hint: Any) -> Any:
    """A file's value as the option's type; its range is the options' own to check."""
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    kinds = tuple(kind for kind in members if kind is not type(None))
    if get_origin(kinds[0]) is tuple:
        return _tuple(name, value, get_args(kinds[0]))
    if get_origin(kinds[0]) is Literal:
        words = get_args(kinds[0])
        suggestion = nearest(value, words) if isinstance(value, str) else ""
        require(name, value, value in words, f"one of {', '.join(words)}; {suggestion}".rstrip("; "))
        return value
    if Path in kinds:
        require(name, value, isinstance(value, str) and value != "", "a string, and not an empty one")
        return Path(value)
    if Program in kinds:
        return program_file.read(home(name, Path(value))) if isinstance(value, str) else program_file.of_table(value)
    fits = type(value) in kinds or (float in kinds and type(value) is int)
    require(name, value, fits, " or ".join(kind.__name__ for kind in kinds))
    return value


def _tuple(name: str, value: Any, members: tuple[Any, ...]) -> tuple[Any, ...]:
    count = None if members[-1] is Ellipsis else len(members)
    fits = isinstance(value, list) and count in (None, len(value))
    require(name, value, fits, "a list" if count is None else f"a list of {count}")
    return tuple(_convert(name, one, members[0]) for one in value)
