"""WHAT is computed: a TensorFlow 1.x perceptron and its training, as data. `execution.py` says how.

The original's values are the defaults. Recordings, sweeps and checkpoints go by `Program.digest()`.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from jaxmlp.checks import is_whole, require, require_count, require_float32
from jaxmlp.errors import ConfigError

UNCOUNTED = ("steps", "report_every")  # how long a program is run and what it tells; not what a step of it computes


@dataclasses.dataclass(frozen=True)
class TruncatedNormal:
    """`tf.truncated_normal`: a normal distribution about 0, redrawn beyond two standard deviations."""

    stddev: float = 1.0

    def __post_init__(self):
        require_float32("stddev", self.stddev)


@dataclasses.dataclass(frozen=True)
class Dense:
    """A hidden layer, relu(x W + b). Its biases start as zeros."""

    units: int
    kernel: TruncatedNormal = TruncatedNormal()

    def __post_init__(self):
        require_count("units", self.units)


@dataclasses.dataclass(frozen=True)
class Output:
    """The last layer, x W + b: as many units as the data has classes. Its biases start as zeros."""

    kernel: TruncatedNormal = TruncatedNormal()


@dataclasses.dataclass(frozen=True)
class GradientDescent:
    """`tf.train.GradientDescentOptimizer`."""

    learning_rate: float = 1e-4

    def __post_init__(self):
        require_float32("learning_rate", self.learning_rate)


@dataclasses.dataclass(frozen=True)
class Program:
    """Layers, optimizer, length and seed of a training run: softmax cross-entropy, each update on the whole set.

    Raises ConfigError for an impossible value, naming the field, the value and what is allowed.
    """

    layers: tuple[Dense, ...] = (Dense(1024),)  # the hidden ones, from the pixels on; none is softmax regression
    output: Output = Output()
    optimizer: GradientDescent = GradientDescent()
    steps: int = 301  # updates
    report_every: int = 100  # steps from one report to the next, from step 0 on
    seed: int = 0  # as tf.set_random_seed(seed) at the top of the TensorFlow program

    def __post_init__(self):
        require_count("steps", self.steps)
        require_count("report_every", self.report_every)
        require("seed", self.seed, is_whole(self.seed), "a whole number")

    def reports(self, step: int) -> bool:
        """Whether the original prints its three lines at this step: every `report_every` steps from 0 on."""
        return step % self.report_every == 0

    def as_dict(self) -> dict[str, Any]:
        """Every field, for JSON or TOML; `from_dict` reads it back."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Program":
        """The program that `as_dict` wrote; a field that is left out has its default. Raises ConfigError."""
        return _built(cls, fields, "program")

    def digest(self) -> str:
        """SHA-256 of what a step computes: all but `steps` and `report_every`.

        Fields at their default do not count, so that a field added one day leaves the digest of today's programs alone.
        """
        fields = {name: value for name, value in _beyond_defaults(self).items() if name not in UNCOUNTED}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _beyond_defaults(part: Any) -> Any:
    """Nested dicts of what differs from the defaults; 1 and 1.0 are the same number."""
    if isinstance(part, tuple):
        return [_beyond_defaults(one) for one in part]
    if not dataclasses.is_dataclass(part):
        return part
    hints, defaults = get_type_hints(type(part)), {field.name: field.default for field in dataclasses.fields(part)}
    own = {name: getattr(part, name) for name, default in defaults.items() if getattr(part, name) != default}
    return {name: float(value) if hints[name] is float else _beyond_defaults(value) for name, value in own.items()}


def _built(type_: Any, value: Any, where: str) -> Any:
    """`value` as the type: a dataclass from a mapping, a tuple from a list; anything else checks itself."""
    if get_origin(type_) is tuple:
        require(where, value, isinstance(value, list | tuple), "a list")
        return tuple(_built(get_args(type_)[0], one, f"{where}[{i}]") for i, one in enumerate(value))
    if not dataclasses.is_dataclass(type_):
        return value
    require(where, value, isinstance(value, Mapping), "a table of fields")
    hints = get_type_hints(type_)
    for name in value:
        require(f"{where}.{name}", value[name], name in hints, f"left out: known fields are {', '.join(hints)}")
    try:
        return type_(**{name: _built(hints[name], one, f"{where}.{name}") for name, one in value.items()})  # pyright: ignore[reportCallIssue]
    except TypeError as error:  # a field without a default is missing
        raise ConfigError(f"{where}: {error}") from None
