"""The command line that runs one point of a sweep by itself. No numpy, no jax."""

import dataclasses
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jaxmlp.errors import ConfigError
from jaxmlp.program import Program
from jaxmlp.run.grid import Point
from jaxmlp.run.settings import Base, Settings, is_option, program_of, with_options

TRAIN, SWEEP = "python -m jaxmlp.train", "python -m jaxmlp.sweep"


def command(base: Base, others: Sequence[Any], point: Point, folder: Path) -> str:
    """`python -m jaxmlp.train …`; `others` are the rest of its options, as data and device.

    Where it has no option for a field, `python -m jaxmlp.sweep` with one value for each, which runs the same program
    and keeps it in the folder.
    """
    own = options_of(base, point)
    if own is not None:
        return " ".join([TRAIN, *_words([own, *others])])
    fields = [f"--grid {shlex.quote(f'{name}={word}')}" for name, word in point.settings.items()]
    seed = [] if "seed" in point.settings else [f"--seeds {point.program.seed}"]
    return " ".join([SWEEP, *fields, *seed, *_words([base, *others]), "--out", shlex.quote(str(folder))])


def options_of(base: Base, point: Point) -> Any:
    """The options that make the point's program; None where there are none that do."""
    settings = {**point.settings, "seed": str(point.program.seed)}
    made, wanted = with_options(base, settings), program_of(base, settings)
    for name, word in settings.items():
        if made is not None and not is_option(base, name):
            made = _with(made, program_of(made, {name: word}), word)
    return made if made is not None and made.program() == wanted else None


def _with(options: Base, wanted: Program, word: str) -> Any:
    """The options with that one set to the word which makes the program, for a path has no option by its name."""
    if options.program() == wanted:
        return options
    own = [field.name for field in dataclasses.fields(options)]  # pyright: ignore[reportArgumentType]
    return next((made for name in own if (made := _tried(options, {name: word}, wanted)) is not None), None)


def _tried(options: Base, settings: Settings, wanted: Program) -> Any:
    try:
        made = with_options(options, settings)
        return made if made.program() == wanted else None
    except ConfigError:
        return None


def _words(parts: Iterable[Any]) -> list[str]:
    """The options that are not at their defaults, as they are typed."""
    words: list[str] = []
    for part in parts:
        for field in dataclasses.fields(part):
            value, default = getattr(part, field.name), getattr(type(part)(), field.name)
            if value != default:
                words += _typed(field.name.replace("_", "-"), value)
    return [shlex.quote(word) for word in words]


def _typed(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", *(map(str, value) if isinstance(value, tuple) else [str(value)])]
