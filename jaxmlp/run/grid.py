"""The programs of a sweep: given settings, the product of fields' values, or draws from ranges. No numpy, no jax."""

import itertools
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jaxmlp.errors import ConfigError
from jaxmlp.program import Program
from jaxmlp.run.settings import Base, Settings, field_named, hint_of, program_of
from jaxmlp.run.words import numbers_of

Axes = Mapping[str, Sequence[str]]  # field -> words
LOGARITHMIC = 10  # a range that spans this factor, both ends above 0, is drawn from evenly in its logarithm
DIGITS = 4  # of a number drawn, so that its word is short and exact


class Point(NamedTuple):
    """One cell to be: what is set in it, and the program that this makes."""

    settings: Settings
    program: Program

    def told(self) -> str:
        """For example `layers 300, learning-rate 0.5, seed 1`."""
        return ", ".join(f"{name} {word}" for name, word in {**self.settings, "seed": self.program.seed}.items())


class Range(NamedTuple):
    """What a field is drawn from: evenly from low to high, or one of some words."""

    low: float
    high: float
    is_whole: bool
    words: tuple[str, ...] = ()

    @property
    def count(self) -> float:
        """How many different words it has."""
        return len(self.words) or (self.high - self.low + 1 if self.is_whole else math.inf)

    def draw(self, generator: random.Random) -> str:
        """A word."""
        u = generator.random()  # the one method whose numbers Python promises to keep
        if self.words:
            return self.words[int(u * len(self.words))]
        above = 1 if self.is_whole else 0
        if self.low > 0 and self.high / self.low >= LOGARITHMIC:
            drawn = self.low * ((self.high + above) / self.low) ** u
        else:
            drawn = self.low + (self.high + above - self.low) * u
        if self.is_whole:
            return str(min(int(self.high), math.floor(drawn)))
        return f"{min(self.high, max(self.low, float(f'{drawn:.{DIGITS}g}'))):g}"


def axes(base: Base, texts: Sequence[str], option: str = "--grid") -> dict[str, list[str]]:
    """The fields and words of texts like `learning-rate=1e-5,1e-4`. Raises ConfigError naming what is wrong."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        words = [word.strip() for word in rest.split(",")]
        if not (equals and name.strip() and all(words)):
            raise ConfigError(f"{option} {text!r} holds no values: learning-rate=1e-4,1e-3 is right")
        field = field_named(base, name.strip())
        if field in found:
            raise ConfigError(f"{option} names {field} twice: give all its values at once")
        if double := next((word for word in words if words.count(word) > 1), None):
            raise ConfigError(f"{option} {text!r} has {double} twice: leave one out")
        found[field] = words
    return found


def product(axes: Axes) -> list[dict[str, str]]:
    """Every combination, the last field's words changing first."""
    return [dict(zip(axes, words, strict=True)) for words in itertools.product(*axes.values())]


def points(base: Base, settings: Sequence[Settings], seeds: Sequence[int]) -> list[Point]:
    """Each of the settings with each of the seeds, or with the base's where there are none.

    Raises ConfigError where one is impossible, or two are the same.
    """
    if seeds and "seed" in settings[0]:
        raise ConfigError("--seeds and the field seed contradict each other: leave one out")
    found: dict[Program, Point] = {}
    for one, own in itertools.product(settings, [{"seed": str(seed)} for seed in seeds] or [{}]):
        point = Point(one, program_of(base, {**one, **own}))
        if point.program in found:
            raise ConfigError(f"these two are one program: {found[point.program].told()} and {point.told()}")
        found[point.program] = point
    return list(found.values())


def ranges(base: Base, texts: Sequence[str]) -> dict[str, Range]:
    """The ranges of texts like `learning-rate=1e-6:1e-1` or `layers=300,400`. Raises ConfigError."""
    return {name: _range(base, name, words) for name, words in axes(base, texts, "--range").items()}


def drawn(base: Base, ranges: Mapping[str, Range], count: int, search_seed: int) -> list[dict[str, str]]:
    """So many different settings from the ranges. Raises ConfigError where there are not as many."""
    most = math.prod(one.count for one in ranges.values())
    if count > most:
        raise ConfigError(f"random = {count} is impossible: it must be at most {most:g}, for no more are different")
    different: dict[Program, dict[str, str]] = {}
    draws = _draws(ranges, random.Random(search_seed))
    while len(different) < count:
        settings = next(draws)
        different.setdefault(program_of(base, settings), settings)
    return list(different.values())


def _draws(ranges: Mapping[str, Range], generator: random.Random) -> Iterator[dict[str, str]]:
    while True:
        yield {name: one.draw(generator) for name, one in ranges.items()}


def ends(option: str, text: str, kind: Any = float) -> tuple[float, float]:
    """The two numbers of `1e-7:1`. Raises ConfigError unless the first is the smaller."""
    try:
        low, high = (kind(end) for end in text.split(":"))
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise ConfigError(f"{option} {text!r} is impossible: it must be two {what}, as in 1:10") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(f"{option} {text!r} is impossible: its first number must be below its second")
    return low, high


def _range(base: Base, name: str, words: Sequence[str]) -> Range:
    kind = numbers_of(hint_of(base, name))
    if len(words) > 1 or not re.search(r"\d:", words[0]):
        return Range(0, 0, False, tuple(words))
    if kind is None:
        raise ConfigError(f"--range {name}={words[0]} is impossible: {name} is no number; list its values by commas")
    return Range(*ends(f"--range {name}", words[0], kind), is_whole=kind is int)
