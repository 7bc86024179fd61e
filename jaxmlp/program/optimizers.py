"""TensorFlow's optimizers as data: the arguments of the functions of `tf1.optimizers`, by their names and defaults."""

import dataclasses
from typing import ClassVar, get_args

from jaxmlp.checks import require, require_float32, require_number
from jaxmlp.program.fields import require_types
from jaxmlp.program.schedules import Schedule

Rate = float | Schedule


@dataclasses.dataclass(frozen=True)
class GradientDescent:
    """`tf.train.GradientDescentOptimizer`."""

    kind: ClassVar = "gradient_descent"
    learning_rate: Rate = 1e-4

    def __post_init__(self):
        _require_rate(self)


@dataclasses.dataclass(frozen=True)
class Momentum:
    """`tf.train.MomentumOptimizer`."""

    kind: ClassVar = "momentum"
    learning_rate: Rate
    momentum: float = 0.9
    use_nesterov: bool = False

    def __post_init__(self):
        _require_rate(self)
        require_number("momentum", self.momentum)


@dataclasses.dataclass(frozen=True)
class Adam:
    """`tf.train.AdamOptimizer`."""

    kind: ClassVar = "adam"
    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self):
        _require_rate(self)
        _require_fraction("beta1", self.beta1)
        _require_fraction("beta2", self.beta2)
        _require_from_zero("epsilon", self.epsilon)


@dataclasses.dataclass(frozen=True)
class RMSProp:
    """`tf.train.RMSPropOptimizer`."""

    kind: ClassVar = "rmsprop"
    learning_rate: Rate
    decay: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-10
    centered: bool = False

    def __post_init__(self):
        _require_rate(self)
        _require_fraction("decay", self.decay)
        require_number("momentum", self.momentum)
        _require_from_zero("epsilon", self.epsilon)


@dataclasses.dataclass(frozen=True)
class Adagrad:
    """`tf.train.AdagradOptimizer`."""

    kind: ClassVar = "adagrad"
    learning_rate: Rate
    initial_accumulator_value: float = 0.1

    def __post_init__(self):
        _require_rate(self)
        require_float32("initial_accumulator_value", self.initial_accumulator_value)


@dataclasses.dataclass(frozen=True)
class Adadelta:
    """`tf.train.AdadeltaOptimizer`."""

    kind: ClassVar = "adadelta"
    learning_rate: Rate = 0.001
    rho: float = 0.95
    epsilon: float = 1e-8

    def __post_init__(self):
        _require_rate(self)
        _require_fraction("rho", self.rho)
        _require_from_zero("epsilon", self.epsilon)


@dataclasses.dataclass(frozen=True)
class Ftrl:
    """`tf.train.FtrlOptimizer`."""

    kind: ClassVar = "ftrl"
    learning_rate: Rate
    learning_rate_power: float = -0.5
    initial_accumulator_value: float = 0.1
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0
    l2_shrinkage_regularization_strength: float = 0.0

    def __post_init__(self):
        _require_rate(self)
        require_number("learning_rate_power", self.learning_rate_power)
        require("learning_rate_power", self.learning_rate_power, self.learning_rate_power <= 0, "0 or below")
        _require_from_zero("initial_accumulator_value", self.initial_accumulator_value)
        _require_strengths(self)
        _require_from_zero("l2_shrinkage_regularization_strength", self.l2_shrinkage_regularization_strength)


@dataclasses.dataclass(frozen=True)
class ProximalGradientDescent:
    """`tf.train.ProximalGradientDescentOptimizer`."""

    kind: ClassVar = "proximal_gradient_descent"
    learning_rate: Rate
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0

    def __post_init__(self):
        _require_rate(self)
        _require_strengths(self)


@dataclasses.dataclass(frozen=True)
class ProximalAdagrad:
    """`tf.train.ProximalAdagradOptimizer`."""

    kind: ClassVar = "proximal_adagrad"
    learning_rate: Rate
    initial_accumulator_value: float = 0.1
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0

    def __post_init__(self):
        _require_rate(self)
        require_float32("initial_accumulator_value", self.initial_accumulator_value)
        _require_strengths(self)


@dataclasses.dataclass(frozen=True)
class AdagradDA:
    """`tf.train.AdagradDAOptimizer`. Its first update forgets the initial weights."""

    kind: ClassVar = "adagrad_da"
    learning_rate: Rate
    initial_gradient_squared_accumulator_value: float = 0.1
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0

    def __post_init__(self):
        _require_rate(self)
        start = self.initial_gradient_squared_accumulator_value
        require_float32("initial_gradient_squared_accumulator_value", start)
        _require_strengths(self)


Optimizer = (
    GradientDescent
    | Momentum
    | Adam
    | RMSProp
    | Adagrad
    | Adadelta
    | Ftrl
    | ProximalGradientDescent
    | ProximalAdagrad
    | AdagradDA
)


def _require_rate(optimizer: "Optimizer") -> None:
    require_types(optimizer)
    if not isinstance(optimizer.learning_rate, get_args(Schedule)):
        require_float32("learning_rate", optimizer.learning_rate)


def _require_fraction(name: str, value: float) -> None:
    require_number(name, value)
    require(name, value, 0 <= value <= 1, "a number from 0 to 1")


def _require_from_zero(name: str, value: float) -> None:
    require_number(name, value)
    require(name, value, value >= 0, "0 or above")


def _require_strengths(optimizer: Ftrl | ProximalGradientDescent | ProximalAdagrad | AdagradDA) -> None:
    _require_from_zero("l1_regularization_strength", optimizer.l1_regularization_strength)
    _require_from_zero("l2_regularization_strength", optimizer.l2_regularization_strength)
