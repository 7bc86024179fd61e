"""Two runs held against each other: what was asked for, every line of their metrics, their models. No numpy, no jax."""

import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

from jaxmlp.errors import ConfigError, DataError
from jaxmlp.program.fields import differences
from jaxmlp.run.status import CONFIG, METRICS, MODEL

_NAMES = ("program", "execution", "data", "device", "versions")  # of config.json


class Comparison(NamedTuple):
    """What was found."""

    lines: list[str]  # to be read
    same: bool  # whether all steps that both did, and what both kept in the end, are the same to the bit


def compare(one: Path, other: Path) -> Comparison:
    """Raises ConfigError for what is no run's folder, DataError for a file that is damaged."""
    asked = differences(_config(one), _config(other))
    said = [f"{name}: {a} and {b}" for name, (a, b) in asked.items()] or ["asked for: the same"]
    steps, parted = _metrics(one, other)
    said.append(f"steps: {steps[0]:,} and {steps[1]:,}")
    said.append(f"metrics: {'the same at every step' if parted is None else parted} that both did")
    files = {name: _same(one / name, other / name) for name in (MODEL, "test_predictions.npy")}
    said += [f"{name}: {_WORDS[same]}" for name, same in files.items()]
    return Comparison(said, parted is None and steps[0] == steps[1] and False not in files.values())


_WORDS = {True: "the same bytes", False: "different", None: "not in both"}


def _config(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / CONFIG).read_bytes())
        return {name: told[name] for name in _NAMES}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise ConfigError(f"{folder} is no run's folder: it has no config.json of one") from None


def _metrics(one: Path, other: Path) -> tuple[tuple[int, int], str | None]:
    """Whole lines of each, and the first that differ."""
    both = [_lines(folder / METRICS) for folder in (one, other)]
    steps = (len(both[0]), len(both[1]))
    for step, (a, b) in enumerate(itertools.islice(zip(*both, strict=False), max(0, min(steps)))):
        if a != b:
            return steps, f"different from step {step} on: {a.decode().strip()} and {b.decode().strip()},"
    return steps, None


def _lines(file: Path) -> list[bytes]:
    try:
        return [line for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from None


def _same(one: Path, other: Path) -> bool | None:
    """None where it is not in both."""
    if not (one.exists() and other.exists()):
        return None
    return one.read_bytes() == other.read_bytes()
