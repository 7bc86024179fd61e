"""The command line that runs one point of a sweep by itself. No numpy, no jax."""

import dataclasses
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from jaxmlp.errors import ConfigError
from jaxmlp.program import Program
from jaxmlp.run.grid import Point
from jaxmlp.run.settings import Settings, is_option, options_of, program_of, with_options


class Options(Protocol):
    """Options that make a program, and can be typed again."""

    def program(self) -> Program: ...

    def given(self) -> Mapping[str, Any]:
        """Those that were given, by name."""
        ...


def command(base: Options, others: Sequence[Any], point: Point, save: Callable[[Program], Path]) -> str:
    """`python -m jaxmlp.train …`; `others` are the rest of its options, as data and device.

    Where no options say all of the program, `save` writes it to a file, and that is named.
    """
    own = _options(base, point)
    if own is None or any(isinstance(value, Program) for value in own.given().values()):
        return " ".join(
            ["python -m jaxmlp.train", "--program", shlex.quote(str(save(point.program))), *_others(others)]
        )
    words = [word for name, value in own.given().items() for word in _typed(name, value)]
    return " ".join(["python -m jaxmlp.train", *words, *_others(others)])


def _options(base: Options, point: Point) -> Any:
    """The options that make the point's program; None where there are none that do."""
    settings = {**point.settings, "seed": str(point.program.seed)}
    if point.program.seed == base.program().seed:
        del settings["seed"]
    made: Any = with_options(base, settings)
    for name, word in settings.items():
        if made is not None and not is_option(base, name):
            made = _with(made, program_of(made, {name: word}), word)
    return made if made is not None and made.program() == point.program else None


def _with(options: Options, wanted: Program, word: str) -> Any:
    """The options with that one set to the word which makes the program, for a path has no option by its name."""
    if options.program() == wanted:
        return options
    tried = (_tried(options, {name: word}, wanted) for name in options_of(type(options)))
    return next((made for made in tried if made is not None), None)


def _tried(options: Options, settings: Settings, wanted: Program) -> Any:
    try:
        made = with_options(options, settings)
        return made if made.program() == wanted else None
    except ConfigError:
        return None


def _others(parts: Iterable[Any]) -> list[str]:
    """The options that are not at their defaults, as they are typed."""
    words: list[str] = []
    for part in parts:
        for field in dataclasses.fields(part):
            value, default = getattr(part, field.name), getattr(type(part)(), field.name)
            words += _typed(field.name, value) if value != default else []
    return words


def _typed(name: str, value: Any) -> list[str]:
    words = list(value) if isinstance(value, tuple) else [] if value is True else [value]
    typed = ["false" if word is False else shlex.quote(str(word)) for word in words]
    return [f"--{name.replace('_', '-')}", *typed]
