"""The programs that can be timed, by name: `--program` offers them, and `workload` writes what the peers need of them.

No numpy and no jax: `--help` does not wait for them.
"""

import functools
from typing import Literal, get_args

from jaxmlp import presets
from jaxmlp.errors import ConfigError
from jaxmlp.program import Adam, Batching, Dense, GlorotUniform, Output, Program

Name = Literal["original", "adam128", "fully-connected-feed", "adam-256-256"]
ORIGINAL = "original"
PRESETS = tuple(name for name in get_args(Name) if name in presets.NAMES and name != ORIGINAL)  # their widths are fixed
HIDDEN = 1024  # units of the others' only hidden layer, unless another number is asked for


@functools.cache
def load(name: str, hidden: int | None) -> Program:
    """The program of that name. Raises ConfigError as `hidden_units` does."""
    units = hidden_units(name, hidden)
    if units is None:
        return presets.load(name)
    if name == ORIGINAL:
        return Program((Dense(units),))
    layer, output = Dense(units, kernel=GlorotUniform()), Output(kernel=GlorotUniform())
    return Program((layer,), output=output, optimizer=Adam(), scale=255, batching=Batching(128))


def hidden_units(name: str, asked: int | None) -> int | None:
    """Units of the only hidden layer: as many as were asked for, or 1024. None where a preset has its own.

    Raises ConfigError where any were asked for of a preset.
    """
    if name not in PRESETS:
        return HIDDEN if asked is None else asked
    if asked is not None:
        raise ConfigError(f"hidden = {asked} is impossible: {name} has layers of its own; leave --hidden out")
    return None
