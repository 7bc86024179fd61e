"""One of several dataclasses, of an optimizer say, as flat options: its kind's name, and every field of any kind."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_type_hints

from jaxmlp.errors import ConfigError
from jaxmlp.program_options.option import option

NONE = "none"  # the kind of what is not there


def typed(name: str) -> str:
    """How an option's name is typed."""
    return f"--{name.replace('_', '-')}"


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which of `kinds`; the options of their fields are read off the dataclasses, names and defaults."""

    name: str  # of the option that names the kind
    kinds: tuple[Any, ...]
    prefix: str = ""  # of the options of the fields
    apart: tuple[str, ...] = ()  # fields that have an option of their own
    may_be_none: bool = False

    def options(self, help: str) -> list[tuple[str, Any]]:
        """(name, type) of each option: the kind, then every field of any kind."""
        names = tuple(kind.kind for kind in self.kinds) + ((NONE,) if self.may_be_none else ())
        kind = option(Literal[names], f"{help}: {', '.join(names)}")
        return [(self.name, kind), *((self.prefix + name, self._type(name)) for name in self._fields())]

    def asked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The fields among the options that were given, without the prefix."""
        return {name: given[self.prefix + name] for name in self._fields() if self.prefix + name in given}

    def chosen(self, now: Any, given: Mapping[str, Any], **apart: Any) -> Any:
        """`now`, one of the kinds or None, with the options `given` in its place.

        Of the same kind it keeps what is not given; of another it has that kind's defaults. Raises ConfigError, by the
        options' names, for a field that the kind has not, or that it needs.
        """
        name = given.get(self.name, getattr(now, "kind", NONE))
        kind = next((one for one in self.kinds if one.kind == name), None)
        known = [field.name for field in dataclasses.fields(kind)] if kind else []
        for field in self.asked(given):
            if field not in known:
                owners = ", ".join(one.kind for one in self._owners(field))
                raise ConfigError(f"{typed(self.prefix + field)} is of {owners}; the {self.name} is {name}")
        if kind is None:
            return None
        kept = {field: getattr(now, field) for field in known} if type(now) is kind else {}
        return self._made(kind, kept | apart | self.asked(given))

    def _made(self, kind: Any, fields: dict[str, Any]) -> Any:
        needed = [one.name for one in dataclasses.fields(kind) if one.default is dataclasses.MISSING]
        missing = [self._typed(name) for name in needed if name not in fields]
        if missing:
            raise ConfigError(f"the {self.name} {kind.kind} needs {', '.join(missing)}")
        try:
            return kind(**fields)
        except ConfigError as error:  # it begins with the field's name
            raise ConfigError(f"{self.prefix}{error}") from None

    def _typed(self, field: str) -> str:
        return typed(field if field in self.apart else self.prefix + field)

    def _fields(self) -> list[str]:
        """Every field of any kind, once."""
        fields = (field.name for kind in self.kinds for field in dataclasses.fields(kind))
        return [name for name in dict.fromkeys(fields) if name not in self.apart]

    def _owners(self, field: str) -> list[Any]:
        return [kind for kind in self.kinds if any(one.name == field for one in dataclasses.fields(kind))]

    def _type(self, field: str) -> Any:
        owners = self._owners(field)
        hint = get_type_hints(owners[0])[field]
        return option(float if hint == float | None else hint, f"of {_with_defaults(field, owners)}")


def _with_defaults(field: str, owners: Iterable[Any]) -> str:
    """For example `momentum (0.9), rmsprop (0.0)`: those of one default together, none where there is none."""
    by_default: dict[Any, list[str]] = {}
    for kind in owners:
        [default] = [one.default for one in dataclasses.fields(kind) if one.name == field]
        by_default.setdefault(default, []).append(kind.kind)
    return ", ".join(f"{', '.join(kinds)}{_default(default)}" for default, kinds in by_default.items())


def _default(default: Any) -> str:
    if default is dataclasses.MISSING or default is None or default is False:
        return ""
    return f" ({default:g})" if isinstance(default, float) else f" ({str(default).lower()})"
