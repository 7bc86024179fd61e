"""One field of a program, set by a word: what `--grid learning-rate=1e-3` or `--grid optimizer.beta1=0.8` asks for.

A field is an option of `python -m jaxmlp.train`, by its name there, or a dotted path into `Program`. No numpy, no jax.
"""

import dataclasses
import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, get_args, get_origin, get_type_hints

from jaxmlp.checks import nearest, require
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program
from jaxmlp.program.fields import kinds_of, members
from jaxmlp.run.words import made, read

Settings = Mapping[str, str]  # field -> word


class Base(Protocol):
    """Options that make a program: a frozen dataclass."""

    def program(self) -> Program: ...


def program_of(base: Base, settings: Settings) -> Program:
    """The program of the options with these fields set: options first, then paths, in their order.

    Raises ConfigError for what cannot be.
    """
    program = with_options(base, settings).program()
    for name, word in settings.items():
        if not is_option(base, name):
            program = _set(program, Program, name.split("."), word, name)
    return program


def with_options(base: Any, settings: Settings) -> Any:
    """The options with those of the fields set that are options themselves. Raises ConfigError."""
    own = {_flat(name): name for name in settings if is_option(base, name)}
    return _replaced(base, lambda field, hint, old: read(hint, settings[own[field]], old, own[field]), own)


def _replaced(part: Any, value: Callable[[str, Any, Any], Any], names: Collection[str]) -> Any:
    """A dataclass with other values for these fields, whatever group of it they are in."""
    new = {}
    for name, hint in _fields(type(part)).items():
        if _is_group(hint):
            new[name] = _replaced(getattr(part, name), value, names)
        elif name in names:
            new[name] = value(name, hint, getattr(part, name))
    return dataclasses.replace(part, **new)


def _is_group(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def is_option(base: Base, name: str) -> bool:
    """Whether the field is one of the options."""
    return _flat(name) in options_of(type(base))


@functools.cache
def options_of(kind: type) -> Mapping[str, Any]:
    """The type of every option that a word can set, by its name, whatever group it is in: all but whole programs."""
    found: dict[str, Any] = {}
    for name, hint in _fields(kind).items():
        if _is_group(hint):
            found |= options_of(hint)
        elif Program not in members(hint):
            found[name] = hint
    return found


def field_named(base: Base, name: str) -> str:
    """The field's one name: `learning_rate` is learning-rate. Raises ConfigError where there is none of that name."""
    flat, paths = _flat(name), _paths(Program)
    if is_option(base, name) or (flat in paths and "." not in flat):
        return flat.replace("_", "-")
    if _unnumbered(flat) in paths:
        return flat
    known = [one if "." in one else one.replace("_", "-") for one in (*options_of(type(base)), *paths)]
    right = "a field is an option of jaxmlp.train, as learning-rate, or a path into the program, as optimizer.beta1"
    raise ConfigError(f"unknown field {name!r}; {nearest(name, known) or right}")


def hint_of(base: Base, name: str) -> Any:
    """The type of the field."""
    return options_of(type(base))[_flat(name)] if is_option(base, name) else _paths(Program)[_unnumbered(_flat(name))]


def _flat(name: str) -> str:
    return name.replace("-", "_")


def _unnumbered(path: str) -> str:
    """Without the numbers of layers."""
    return re.sub(r"\.\d+(?=\.)", "", path)


def _fields(kind: type) -> dict[str, Any]:
    """The type of every field of a dataclass."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}  # pyright: ignore[reportArgumentType]


@functools.cache
def _paths(hint: Any) -> Mapping[str, Any]:
    """The type of all that may lie below, by dotted paths, whatever the kind; of a list what each of it has."""
    found: dict[str, Any] = {}
    for kind in kinds_of(get_args(hint)[0] if get_origin(hint) is tuple else hint):
        for name, own in _fields(kind).items():
            found.setdefault(name, own)
            for path, below in _paths(own).items():
                found.setdefault(f"{name}.{path}", below)
    return found


def _set(part: Any, hint: Any, path: Sequence[str], word: str, name: str) -> Any:
    """`part` with what lies at the path made from the word."""
    if not path:
        return read(hint, word, part, name)
    if isinstance(part, tuple):
        return _set_member(part, get_args(hint)[0], path, word, name)
    kind, field = kinds_of(hint)[0] if part is None else type(part), _flat(path[0])
    own = _fields(kind) if dataclasses.is_dataclass(kind) else {}
    if field not in own:
        called = f"{getattr(kind, 'kind', None) or repr(part)} has"
        known = f"; it has {', '.join(own)}" if own else ""
        raise ConfigError(f"{name} = {word} is impossible: {called} no {field}{known}")
    value = _set(getattr(part, field, None), own[field], path[1:], word, name)
    return made(kind, {field: value}, name) if part is None else dataclasses.replace(part, **{field: value})


def _set_member(part: tuple[Any, ...], hint: Any, path: Sequence[str], word: str, name: str) -> tuple[Any, ...]:
    """The one with the number, or all of them."""
    if not path[0].isdecimal():
        return tuple(_set(one, hint, path, word, name) for one in part)
    at = int(path[0])
    require(name, word, at < len(part), f"of a layer below {len(part)}: they are counted from 0")
    return (*part[:at], _set(part[at], hint, path[1:], word, name), *part[at + 1 :])
