"""Learning rates that change from step to step: the arguments of the functions of `tf1.schedules`, by their names."""

import dataclasses
from typing import ClassVar

from jaxmlp.checks import is_whole, require, require_count, require_float32, require_number
from jaxmlp.program.fields import require_types


@dataclasses.dataclass(frozen=True)
class ExponentialDecay:
    """`tf.train.exponential_decay`: learning_rate * decay_rate ** (step / decay_steps)."""

    kind: ClassVar = "exponential_decay"
    learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __post_init__(self):
        _require_decay(self)


@dataclasses.dataclass(frozen=True)
class NaturalExpDecay:
    """`tf.train.natural_exp_decay`: learning_rate * exp(-decay_rate * step / decay_steps)."""

    kind: ClassVar = "natural_exp_decay"
    learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __post_init__(self):
        _require_decay(self)


@dataclasses.dataclass(frozen=True)
class InverseTimeDecay:
    """`tf.train.inverse_time_decay`: learning_rate / (1 + decay_rate * step / decay_steps)."""

    kind: ClassVar = "inverse_time_decay"
    learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __post_init__(self):
        _require_decay(self)


@dataclasses.dataclass(frozen=True)
class PolynomialDecay:
    """`tf.train.polynomial_decay`: from learning_rate to end_learning_rate in decay_steps; over and over if `cycle`."""

    kind: ClassVar = "polynomial_decay"
    learning_rate: float
    decay_steps: int
    end_learning_rate: float = 1e-4
    power: float = 1.0
    cycle: bool = False

    def __post_init__(self):
        _require_start(self)
        require_float32("end_learning_rate", self.end_learning_rate)
        require_float32("power", self.power)


@dataclasses.dataclass(frozen=True)
class PiecewiseConstant:
    """`tf.train.piecewise_constant`: values[i] as long as step <= boundaries[i], then the last."""

    kind: ClassVar = "piecewise_constant"
    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self):
        require_types(self)
        steps = self.boundaries
        ascending = len(steps) > 0 and all(map(is_whole, steps)) and list(steps) == sorted(set(steps))
        require("boundaries", list(steps), ascending, "one or more ascending whole numbers")
        require("values", list(self.values), len(self.values) == len(steps) + 1, f"{len(steps) + 1} rates")
        for value in self.values:
            require_float32("values", value)

    @property
    def learning_rate(self) -> float:
        """The first."""
        return self.values[0]


@dataclasses.dataclass(frozen=True)
class CosineDecay:
    """`tf.train.cosine_decay`: down to alpha * learning_rate in decay_steps."""

    kind: ClassVar = "cosine_decay"
    learning_rate: float
    decay_steps: int
    alpha: float = 0.0

    def __post_init__(self):
        _require_start(self)
        require_number("alpha", self.alpha)


@dataclasses.dataclass(frozen=True)
class LinearCosineDecay:
    """`tf.train.linear_cosine_decay`."""

    kind: ClassVar = "linear_cosine_decay"
    learning_rate: float
    decay_steps: int
    num_periods: float = 0.5
    alpha: float = 0.0
    beta: float = 0.001

    def __post_init__(self):
        _require_start(self)
        for name in ("num_periods", "alpha", "beta"):
            require_number(name, getattr(self, name))


@dataclasses.dataclass(frozen=True)
class CosineDecayRestarts:
    """`tf.train.cosine_decay_restarts`: periods, each t_mul times as long and starting m_mul times as high."""

    kind: ClassVar = "cosine_decay_restarts"
    learning_rate: float
    first_decay_steps: int
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0

    def __post_init__(self):
        require_float32("learning_rate", self.learning_rate)
        require_count("first_decay_steps", self.first_decay_steps)
        require_number("t_mul", self.t_mul)
        require("t_mul", self.t_mul, self.t_mul >= 1, "1 or above")
        require_float32("m_mul", self.m_mul)
        require_number("alpha", self.alpha)


@dataclasses.dataclass(frozen=True)
class StepDecay:
    """learning_rate * decay_rate ** (step // decay_steps): the textbooks', not a function of TensorFlow's."""

    kind: ClassVar = "step_decay"
    learning_rate: float
    decay_steps: int
    decay_rate: float

    def __post_init__(self):
        _require_decay(self)


@dataclasses.dataclass(frozen=True)
class Triangular:
    """L. N. Smith's cyclical rate: up to max_learning_rate in step_size steps, and down again in as many."""

    kind: ClassVar = "triangular"
    learning_rate: float
    max_learning_rate: float
    step_size: int

    def __post_init__(self):
        _require_cycle(self)


@dataclasses.dataclass(frozen=True)
class Triangular2:
    """As `Triangular`, each cycle half as high as the one before it."""

    kind: ClassVar = "triangular2"
    learning_rate: float
    max_learning_rate: float
    step_size: int

    def __post_init__(self):
        _require_cycle(self)


@dataclasses.dataclass(frozen=True)
class ExpRange:
    """As `Triangular`, the height times gamma ** step."""

    kind: ClassVar = "exp_range"
    learning_rate: float
    max_learning_rate: float
    step_size: int
    gamma: float

    def __post_init__(self):
        _require_cycle(self)
        require_float32("gamma", self.gamma)


Schedule = (
    ExponentialDecay
    | NaturalExpDecay
    | InverseTimeDecay
    | PolynomialDecay
    | PiecewiseConstant
    | CosineDecay
    | LinearCosineDecay
    | CosineDecayRestarts
    | StepDecay
    | Triangular
    | Triangular2
    | ExpRange
)


def _require_start(schedule: PolynomialDecay | CosineDecay | LinearCosineDecay) -> None:
    require_types(schedule)
    require_float32("learning_rate", schedule.learning_rate)
    require_count("decay_steps", schedule.decay_steps)


def _require_decay(schedule: ExponentialDecay | NaturalExpDecay | InverseTimeDecay | StepDecay) -> None:
    require_types(schedule)
    require_float32("learning_rate", schedule.learning_rate)
    require_count("decay_steps", schedule.decay_steps)
    require_float32("decay_rate", schedule.decay_rate)


def _require_cycle(schedule: Triangular | Triangular2 | ExpRange) -> None:
    low = schedule.learning_rate
    require_float32("learning_rate", low)
    require_float32("max_learning_rate", schedule.max_learning_rate)
    require("max_learning_rate", schedule.max_learning_rate, schedule.max_learning_rate > low, f"above {low:g}")
    require_count("step_size", schedule.step_size)
