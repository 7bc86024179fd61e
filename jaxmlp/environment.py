"""What a command takes from its surroundings: variables that begin with JAXMLP_, and the home that `~` stands for."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxmlp.checks import meant
from jaxmlp.errors import ConfigError

VARIABLES = ("JAXMLP_DATA_DIR", "JAXMLP_TEST_SEED", "JAXMLP_TRACEBACK")  # the second is of our tests


def unknown_variables() -> Iterator[str]:
    """A line for each variable that looks like one of ours and is none."""
    for name in sorted(os.environ):
        if name.startswith("JAXMLP_") and name not in VARIABLES:
            yield f"${name} means nothing here; {meant(name, VARIABLES)}"


def at_home(options: Any) -> Any:
    """A dataclass with `~` in its paths replaced, those of nested dataclasses, too. Raises ConfigError."""
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            changed[field.name] = at_home(value)
        elif isinstance(value, Path):
            changed[field.name] = home(field.name, value)
    return dataclasses.replace(options, **changed)


def home(name: str, path: Path) -> Path:
    """The path with `~` and `~user` replaced. Raises ConfigError, by `name`, where there is no such home."""
    if "\0" in str(path):
        raise ConfigError(f"{name} = {str(path)!r} is impossible: no path has a NUL character")
    try:
        return path.expanduser()
    except RuntimeError:
        raise ConfigError(f"{name} = {path}: no home folder is known for {path.parts[0]}") from None
