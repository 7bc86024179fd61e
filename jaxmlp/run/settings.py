"""One field of a program, set by a word: what `--grid learning-rate=1e-3` or `--grid optimizer.beta1=0.8` asks for.

A field is an option of `python -m jaxmlp.train`, by its name there, or a dotted path into `Program`. No numpy, no jax.
"""

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, get_args, get_origin, get_type_hints

from jaxmlp.checks import meant, nearest, require
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program
from jaxmlp.program.fields import kinds_of
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
    hints = get_type_hints(type(base))
    own = {_flat(name): (name, word) for name, word in settings.items() if is_option(base, name)}
    values = {field: read(hints[field], word, getattr(base, field), name) for field, (name, word) in own.items()}
    return dataclasses.replace(base, **values)


def is_option(base: Base, name: str) -> bool:
    """Whether the field is one of the options."""
    return _flat(name) in _fields(type(base))


def field_named(base: Base, name: str) -> str:
    """The field's one name: `learning_rate` is learning-rate. Raises ConfigError where there is none of that name."""
    flat, paths = _flat(name), _paths(Program)
    if is_option(base, name) or (flat in paths and "." not in flat):
        return flat.replace("_", "-")
    if _unnumbered(flat) in paths:
        return flat
    top = [one.replace("_", "-") for one in (*_fields(type(base)), *paths) if "." not in one]
    below = [path for path in paths if "." in path]
    raise ConfigError(f"unknown field {name!r}; {nearest(name, [*top, *below]) or meant('', dict.fromkeys(top))}")


def hint_of(base: Base, name: str) -> Any:
    """The type of the field."""
    return _fields(type(base))[_flat(name)] if is_option(base, name) else _paths(Program)[_unnumbered(_flat(name))]


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
        called, known = getattr(kind, "kind", None) or f"{part!r}", ", ".join(own) or "nothing"
        raise ConfigError(f"{name} = {word} is impossible: {called} has no {field}; it has {known}")
    value = _set(getattr(part, field, None), own[field], path[1:], word, name)
    return made(kind, {field: value}, name) if part is None else dataclasses.replace(part, **{field: value})


def _set_member(part: tuple[Any, ...], hint: Any, path: Sequence[str], word: str, name: str) -> tuple[Any, ...]:
    """The one with the number, or all of them."""
    if not path[0].isdecimal():
        return tuple(_set(one, hint, path, word, name) for one in part)
    at = int(path[0])
    require(name, word, at < len(part), f"of a layer below {len(part)}: they are counted from 0")
    return (*part[:at], _set(part[at], hint, path[1:], word, name), *part[at + 1 :])
