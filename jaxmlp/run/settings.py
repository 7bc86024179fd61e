"""One field of a program, set by a word: what `--grid learning-rate=1e-3` or `--grid optimizer.beta1=0.8` asks for.

A field is an option of `python -m jaxmlp.train`, by its name there, or a dotted path into `Program`. No numpy, no jax.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, get_args, get_origin, get_type_hints

from jaxmlp.checks import meant, nearest, require
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program
from jaxmlp.program.fields import kinds_of, members

NONE = "none"  # how a field that may be left out, or a list without members, is written
Settings = Mapping[str, str]  # field -> word


class Base(Protocol):
    """Options that make a program: a frozen dataclass."""

    def program(self) -> Program: ...


def program_of(base: Base, settings: Settings) -> Program:
    """The program of the options with these fields set. Raises ConfigError naming a field that is none."""
    program = with_options(base, settings).program()
    for name, word in settings.items():
        if not is_option(base, name):
            program = _set(program, Program, name.split("."), word, name)
    return program


def with_options(base: Any, settings: Settings) -> Any:
    """The options with those of the fields set that are options themselves. Raises ConfigError."""
    hints = get_type_hints(type(base))
    own = {_flat(name): (name, word) for name, word in settings.items() if is_option(base, name)}
    values = {field: _value(hints[field], word, getattr(base, field), name) for field, (name, word) in own.items()}
    return dataclasses.replace(base, **values)


def is_option(base: Base, name: str) -> bool:
    """Whether the field is one of the options."""
    return _flat(name) in {field.name for field in dataclasses.fields(base)}  # pyright: ignore[reportArgumentType]


def field_named(base: Base, name: str) -> str:
    """The field's one name: `learning_rate` is learning-rate. Raises ConfigError where there is none of that name."""
    known = {one.replace("-", "_"): one for one in names(base)}
    found = known.get(_flat(name)) or known.get(re.sub(r"\.\d+(?=\.|$)", "", _flat(name)))
    if found is None:
        hint = nearest(name, list(known.values())) or meant("", [one for one in known.values() if "." not in one])
        raise ConfigError(f"unknown field {name!r}; {hint}")
    return found if _flat(name) in known else _flat(name)


def names(base: Base) -> list[str]:
    """Every field's name; of a list of layers without their numbers, which stands for all of them."""
    own = [field.name.replace("_", "-") for field in dataclasses.fields(base)]  # pyright: ignore[reportArgumentType]
    paths = (path if "." in path else path.replace("_", "-") for path in _paths(Program, base.program()))
    return list(dict.fromkeys([*own, *paths]))


def hint_of(base: Base, name: str) -> Any:
    """The type of the field."""
    if is_option(base, name):
        return get_type_hints(type(base))[_flat(name)]
    part, hint = base.program(), Program
    for step in name.split("."):
        if isinstance(part, tuple):
            hint, part = get_args(hint)[0], part[0] if part else None
        if not step.isdecimal():
            kind = _kind(part, hint)
            hint, part = get_type_hints(kind)[_flat(step)], getattr(part, _flat(step), None)
    return hint


def numbers_of(hint: Any) -> type | None:
    """int or float, what the words for a field of this type are read as first; None for names."""
    parts = members(get_args(hint)[0] if get_origin(hint) is tuple else hint)
    if float in parts:
        return float
    first = [kind for kind in kinds_of(parts[0]) if not hasattr(kind, "kind")]
    return int if int in parts else _first_number(first[0]) if first else None


def _first_number(kind: type) -> type | None:
    return numbers_of(get_type_hints(kind)[dataclasses.fields(kind)[0].name])  # pyright: ignore[reportArgumentType]


def _flat(name: str) -> str:
    return name.replace("-", "_")


def _paths(hint: Any, part: Any) -> Iterator[str]:
    """The dotted paths to what lies below, and to what is above it."""
    if isinstance(part, tuple):
        hint, part = get_args(hint)[0], part[0] if part else None
    kind = _kind(part, hint)
    for field in dataclasses.fields(kind) if kind else ():  # pyright: ignore[reportArgumentType]
        yield field.name
        below = get_type_hints(kind)[field.name]
        yield from (f"{field.name}.{path}" for path in _paths(below, getattr(part, field.name, None)))


def _kind(part: Any, hint: Any) -> Any:
    """The dataclass that a field holds, or, where it holds nothing, would hold; None for a number or a word."""
    if dataclasses.is_dataclass(part):
        return type(part)
    kinds = kinds_of(get_args(hint)[0] if get_origin(hint) is tuple else hint)
    return kinds[0] if kinds and part is None else None


def _set(part: Any, hint: Any, path: Sequence[str], word: str, name: str) -> Any:
    """`part` with what lies at the path made from the word."""
    if not path:
        return _value(hint, word, part, name)
    if isinstance(part, tuple):
        return _set_member(part, get_args(hint)[0], path, word, name)
    kind, field = _kind(part, hint), _flat(path[0])
    hints = get_type_hints(kind) if kind else {}
    if field not in hints:
        known = [one.name for one in dataclasses.fields(kind)] if kind else []
        raise ConfigError(f"unknown field {name!r}: here {path[0]} is none; known: {', '.join(known) or NONE}")
    value = _set(getattr(part, field, None), hints[field], path[1:], word, name)
    return _made(kind, {field: value}, name) if part is None else dataclasses.replace(part, **{field: value})


def _set_member(part: tuple[Any, ...], hint: Any, path: Sequence[str], word: str, name: str) -> tuple[Any, ...]:
    """The one with the number, or all of them."""
    if not path[0].isdecimal():
        return tuple(_set(one, hint, path, word, name) for one in part)
    at = int(path[0])
    require(name, word, at < len(part), f"of one of {len(part)}, counted from 0")
    return (*part[:at], _set(part[at], hint, path[1:], word, name), *part[at + 1 :])


def _value(hint: Any, word: str, old: Any, name: str) -> Any:
    """What the word means for a field of this type that held `old`. Raises ConfigError naming the field."""
    if get_origin(hint) is tuple:
        words = [] if word == NONE else re.split(r"(?<!\d[eE])\+", word)
        olds = [old[min(i, len(old) - 1)] if old else None for i in range(len(words))]
        return tuple(_value(get_args(hint)[0], one, was, name) for one, was in zip(words, olds, strict=True))
    for kind in members(hint):
        read = _read(kind, word, old, name)
        if read:
            return read[0]
    allowed = dict.fromkeys(told for kind in members(hint) for told in _allowed(kind))
    raise ConfigError(f"{name} = {word!r} is impossible: it must be {' or '.join(allowed)}")


def _read(kind: Any, word: str, old: Any, name: str) -> tuple[Any, ...]:
    """The word as one of the types that a field may have; nothing where it is none."""
    if kind is type(None):
        return (None,) if word == NONE else ()
    if get_origin(kind) is Literal:
        return (word,) if word in get_args(kind) else ()
    if kind is bool:
        return ({"true": True, "false": False}[word],) if word in ("true", "false") else ()
    if kind in (int, float):
        try:
            return (kind(word),)
        except ValueError:
            return ()
    if dataclasses.is_dataclass(kind):
        return _read_kind(kind, word, old, name)
    return (word,) if kind is str else ()


def _read_kind(kind: Any, word: str, old: Any, name: str) -> tuple[Any, ...]:
    """A dataclass by its kind's name, or by its first field where it has none: a layer by its units."""
    if hasattr(kind, "kind"):
        if word != kind.kind:
            return ()
        needed = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
        kept = {field: getattr(old, field) for field in needed if hasattr(old, field)}
        return (old,) if isinstance(old, kind) else (_made(kind, kept, name),)
    first = dataclasses.fields(kind)[0].name
    value = _value(get_type_hints(kind)[first], word, None, name)
    return (dataclasses.replace(old, **{first: value}) if isinstance(old, kind) else _made(kind, {first: value}, name),)


def _made(kind: Any, fields: dict[str, Any], name: str) -> Any:
    try:
        return kind(**fields)
    except TypeError:  # a field without a default is missing
        needed = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
        missing = ", ".join(field for field in needed if field not in fields)
        raise ConfigError(f"{name}: {getattr(kind, 'kind', kind.__name__)} needs {missing} as well") from None


def _allowed(kind: Any) -> list[str]:
    if kind is type(None):
        return [NONE]
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if dataclasses.is_dataclass(kind):
        return [kind.kind] if hasattr(kind, "kind") else ["a number"]  # pyright: ignore[reportAttributeAccessIssue]
    return [{int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "a word")]
