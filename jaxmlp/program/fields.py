"""Dataclasses as plain data and back: nested tables, in which `kind` says which of several a table is."""

import dataclasses
import functools
import types
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Union, cast, get_args, get_origin, get_type_hints

from jaxmlp.checks import meant, require
from jaxmlp.errors import ConfigError


def as_data(part: Any) -> Any:
    """Every field by its name, lists for tuples; what has a kind says it."""
    if isinstance(part, tuple):
        return [as_data(one) for one in part]
    if not dataclasses.is_dataclass(part):
        return part
    fields = {field.name: as_data(getattr(part, field.name)) for field in dataclasses.fields(part)}
    return {"kind": part.kind, **fields} if hasattr(part, "kind") else fields  # pyright: ignore[reportAttributeAccessIssue]


def beyond_defaults(part: Any, default: type | None = None) -> Any:
    """Nested dicts of what differs from the defaults; 1 and 1.0 are one number. `default`: the kind unless said."""
    if isinstance(part, tuple):
        return [beyond_defaults(one) for one in part]
    if not dataclasses.is_dataclass(part):
        return part
    hints = _hints(type(part))
    own: dict[str, Any] = {} if default in (None, type(part)) else {"kind": part.kind}  # pyright: ignore[reportAttributeAccessIssue]
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if value != field.default:
            kinds = kinds_of(hints[field.name])
            is_number = isinstance(value, int) and not isinstance(value, bool) and float in members(hints[field.name])
            own[field.name] = float(value) if is_number else beyond_defaults(value, kinds[0] if kinds else None)
    return own


def differences(one: Any, other: Any, where: str = "") -> dict[str, tuple[Any, Any]]:
    """The paths, as optimizer.beta1 or layers.0.units, at which plain data differs, and both values."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        one, other = (dict(enumerate(part)) for part in (one, other))
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return {} if one == other else {where: (one, other)}
    found: dict[str, tuple[Any, Any]] = {}
    for name in [*one, *(name for name in other if name not in one)]:
        found |= differences(one.get(name), other.get(name), f"{where}.{name}" if where else str(name))
    return found


def built(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type: a dataclass from a mapping, a tuple from a list; anything else checks itself.

    Raises ConfigError naming the field, what is wrong and what is right.
    """
    kinds = kinds_of(hint)
    if kinds and (isinstance(value, Mapping) or _only_kinds(hint)) and not (value is None and _optional(hint)):
        require(where, value, isinstance(value, Mapping), "a table of fields")
        return _built_kind(kinds, cast("Mapping[str, Any]", value), where)
    if get_origin(hint) is tuple:
        require(where, value, isinstance(value, list | tuple), "a list")
        return tuple(built(get_args(hint)[0], one, f"{where}[{i}]") for i, one in enumerate(cast("list[Any]", value)))
    return value


def require_types(part: Any) -> None:
    """Raises ConfigError naming the first field of the dataclass that is not the part, truth value or name it must be.

    Numbers are the dataclass's own to check, for it knows their range too.
    """
    for name, hint in _hints(type(part)).items():
        if get_origin(hint) is ClassVar:
            continue
        value, kinds = getattr(part, name), kinds_of(hint)
        if hint is bool:
            require(name, value, isinstance(value, bool), "True or False")
        elif get_origin(hint) is Literal:
            require(name, value, value in get_args(hint), f"one of {', '.join(map(str, get_args(hint)))}")
        elif kinds and _only_kinds(hint):
            known = ", ".join(f"{one.__name__}(…)" for one in kinds)
            right = isinstance(value, kinds) or (value is None and _optional(hint))
            require(name, value, right, f"one of {known}" if len(kinds) > 1 else known)
        elif get_origin(hint) is tuple:
            require(name, value, isinstance(value, tuple), "a tuple")
            for kind in kinds_of(get_args(hint)[0]):
                require(name, value, all(isinstance(one, kind) for one in value), f"a tuple of {kind.__name__}(…)")


@functools.cache
def kinds_of(hint: Any) -> tuple[type, ...]:
    """The dataclasses that a field may be, the one that it is without `kind` first."""
    return tuple(one for one in members(hint) if dataclasses.is_dataclass(one) and isinstance(one, type))


def members(hint: Any) -> tuple[Any, ...]:
    """The types of a union, or the one that it is."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _optional(hint: Any) -> bool:
    return type(None) in members(hint)


def _only_kinds(hint: Any) -> bool:
    return all(one is type(None) or one in kinds_of(hint) for one in members(hint))


def _built_kind(kinds: tuple[type, ...], value: Mapping[str, Any], where: str) -> Any:
    chosen = _chosen(kinds, value, where)
    hints = {field.name: _hints(chosen)[field.name] for field in dataclasses.fields(chosen)}
    own = {key: one for key, one in value.items() if key != "kind" or not hasattr(chosen, "kind")}
    for key, one in own.items():
        require(f"{where}.{key}", one, key in hints, f"left out: known fields are {', '.join(hints) or 'none'}")
    fields = {key: built(hints[key], one, f"{where}.{key}") for key, one in own.items()}
    needed = [field.name for field in dataclasses.fields(chosen) if field.default is dataclasses.MISSING]
    if missing := [key for key in needed if key not in fields]:
        raise ConfigError(f"{where}: it needs {', '.join(map(repr, missing))}")
    try:
        return chosen(**fields)
    except ConfigError as error:  # it begins with the field's name
        raise ConfigError(f"{where}.{error}") from None


def _chosen(kinds: tuple[type, ...], value: Mapping[str, Any], where: str) -> Any:
    """The one that the table's `kind` names; where they have none, the only one."""
    by_kind: dict[str, Any] = {one.kind: one for one in kinds if hasattr(one, "kind")}  # pyright: ignore[reportAttributeAccessIssue]
    if not by_kind:
        return kinds[0]
    name = value.get("kind", next(iter(by_kind)))
    if not isinstance(name, str) or name not in by_kind:
        raise ConfigError(f"{where}: unknown kind {name!r}; {meant(str(name), by_kind)}")
    return by_kind[name]


@functools.cache  # a command checks some hundred parts before it answers
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
