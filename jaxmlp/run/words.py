"""Words as values: what `1e-3`, `adam`, `300+100` or `none` means for a field of a certain type. No numpy, no jax."""

import dataclasses
import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

from jaxmlp.errors import ConfigError
from jaxmlp.program.fields import members

NONE = "none"  # how a field that may be left out, or a list without members, is written


def read(hint: Any, word: str, old: Any, name: str) -> Any:
    """What the word means for a field of this type that held `old`. Raises ConfigError naming the field."""
    kinds = sorted(members(hint), key=_first)
    for kind in kinds:
        found = _as(kind, word, old, name)
        if found:
            return found[0]
    allowed = dict.fromkeys(told for kind in kinds for told in _allowed(kind))
    raise ConfigError(f"{name} = {word!r} is impossible: it must be {' or '.join(allowed)}")


def _first(kind: Any) -> int:
    """`none` is a list without members before it is nothing at all, and that before it is any other word."""
    return 0 if get_origin(kind) in (tuple, Literal) else 1 if kind is type(None) else 2


def _as(kind: Any, word: str, old: Any, name: str) -> tuple[Any, ...]:
    """The word as one of the types that a field may have; nothing where it is none."""
    if kind is type(None):
        return (None,) if word == NONE else ()
    if get_origin(kind) is tuple:
        return _as_list(get_args(kind), word, old, name)
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
        return _as_kind(kind, word, old, name)
    return (word,) if kind is str else ()


def _as_list(kinds: tuple[Any, ...], word: str, old: Any, name: str) -> tuple[Any, ...]:
    """Its members with + between them; one more than there were is like the last of those."""
    words = [] if word == NONE else re.split(r"(?<!\d[eE])\+", word)
    if kinds[-1] is not Ellipsis and len(words) != len(kinds):
        return ()
    olds = [old[min(i, len(old) - 1)] if old else None for i in range(len(words))]
    return (tuple(read(kinds[0], one, was, name) for one, was in zip(words, olds, strict=True)),)


def _as_kind(kind: Any, word: str, old: Any, name: str) -> tuple[Any, ...]:
    """A dataclass by its kind's name, or by its first field where it has none: a layer by its units."""
    if hasattr(kind, "kind"):
        if word != kind.kind:
            return ()
        needed = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
        kept = {field: getattr(old, field) for field in needed if hasattr(old, field)}
        return (old,) if isinstance(old, kind) else (made(kind, kept, name),)
    first = dataclasses.fields(kind)[0].name
    value = read(get_type_hints(kind)[first], word, None, name)
    return (dataclasses.replace(old, **{first: value}) if isinstance(old, kind) else made(kind, {first: value}, name),)


def made(kind: Any, fields: dict[str, Any], name: str) -> Any:
    """The dataclass with these fields. Raises ConfigError where it needs others, too, or one is impossible."""
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
    if get_origin(kind) is tuple:
        each, count = " or ".join(_allowed(get_args(kind)[0])), len(get_args(kind))
        return [f"{each}, or more with + between", NONE] if Ellipsis in get_args(kind) else [f"{count} times {each}"]
    if dataclasses.is_dataclass(kind):
        return [kind.kind] if hasattr(kind, "kind") else ["a number"]  # pyright: ignore[reportAttributeAccessIssue]
    return [{int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "a word")]


def numbers_of(hint: Any) -> type | None:
    """int or float, what the words for a field of this type are read as first; None for names."""
    parts = [one for one in members(hint) if one is not type(None)]
    if get_origin(parts[0]) is tuple:
        return numbers_of(get_args(parts[0])[0])
    if float in parts or int in parts:
        return float if float in parts else int
    kind: Any = parts[0]
    if not dataclasses.is_dataclass(kind) or hasattr(kind, "kind"):
        return None
    return numbers_of(get_type_hints(kind)[dataclasses.fields(kind)[0].name])
