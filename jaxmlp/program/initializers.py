"""How a layer's weights or biases start: the arguments of TensorFlow's initializers. `tf1.initializers` draws them."""

import dataclasses
from typing import ClassVar, Literal

from jaxmlp.checks import require, require_float32, require_number
from jaxmlp.program.fields import require_types


@dataclasses.dataclass(frozen=True)
class TruncatedNormal:
    """`tf.truncated_normal`: a normal distribution about the mean, redrawn beyond two standard deviations."""

    kind: ClassVar = "truncated_normal"
    stddev: float = 1.0
    mean: float = 0.0

    def __post_init__(self):
        require_float32("stddev", self.stddev)
        require_number("mean", self.mean)


@dataclasses.dataclass(frozen=True)
class RandomNormal:
    """`tf.random_normal`."""

    kind: ClassVar = "random_normal"
    stddev: float = 1.0
    mean: float = 0.0

    def __post_init__(self):
        require_float32("stddev", self.stddev)
        require_number("mean", self.mean)


@dataclasses.dataclass(frozen=True)
class RandomUniform:
    """`tf.random_uniform` over [minval, maxval)."""

    kind: ClassVar = "random_uniform"
    minval: float = 0.0
    maxval: float = 1.0

    def __post_init__(self):
        require_number("minval", self.minval)
        require_number("maxval", self.maxval)
        require("maxval", self.maxval, self.maxval > self.minval, f"above minval, {self.minval:g}")


@dataclasses.dataclass(frozen=True)
class Zeros:
    """`tf.zeros`."""

    kind: ClassVar = "zeros"


@dataclasses.dataclass(frozen=True)
class Ones:
    """`tf.ones`."""

    kind: ClassVar = "ones"


@dataclasses.dataclass(frozen=True)
class Constant:
    """`tf.constant(value, shape=…)`: one number everywhere."""

    kind: ClassVar = "constant"
    value: float = 0.0

    def __post_init__(self):
        require_number("value", self.value)


@dataclasses.dataclass(frozen=True)
class GlorotUniform:
    """`tf.glorot_uniform_initializer`: what `tf.get_variable` and `tf.layers.dense` take unless told otherwise."""

    kind: ClassVar = "glorot_uniform"


@dataclasses.dataclass(frozen=True)
class GlorotNormal:
    """`tf.glorot_normal_initializer`."""

    kind: ClassVar = "glorot_normal"


@dataclasses.dataclass(frozen=True)
class HeNormal:
    """`tf.keras.initializers.he_normal`."""

    kind: ClassVar = "he_normal"


@dataclasses.dataclass(frozen=True)
class HeUniform:
    """`tf.keras.initializers.he_uniform`."""

    kind: ClassVar = "he_uniform"


@dataclasses.dataclass(frozen=True)
class LecunNormal:
    """`tf.keras.initializers.lecun_normal`."""

    kind: ClassVar = "lecun_normal"


@dataclasses.dataclass(frozen=True)
class LecunUniform:
    """`tf.keras.initializers.lecun_uniform`."""

    kind: ClassVar = "lecun_uniform"


@dataclasses.dataclass(frozen=True)
class UniformUnitScaling:
    """`tf.uniform_unit_scaling_initializer`."""

    kind: ClassVar = "uniform_unit_scaling"
    factor: float = 1.0

    def __post_init__(self):
        require_float32("factor", self.factor)


@dataclasses.dataclass(frozen=True)
class VarianceScaling:
    """`tf.variance_scaling_initializer`."""

    kind: ClassVar = "variance_scaling"
    scale: float = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"

    def __post_init__(self):
        require_float32("scale", self.scale)
        require_types(self)


@dataclasses.dataclass(frozen=True)
class Xavier:
    """`tf.contrib.layers.xavier_initializer`."""

    kind: ClassVar = "xavier"
    uniform: bool = True

    def __post_init__(self):
        require_types(self)


Initializer = (
    TruncatedNormal
    | RandomNormal
    | RandomUniform
    | GlorotUniform
    | GlorotNormal
    | HeNormal
    | HeUniform
    | LecunNormal
    | LecunUniform
    | UniformUnitScaling
    | VarianceScaling
    | Xavier
    | Constant
    | Zeros
    | Ones
)
Bias = Zeros | Constant | Ones | TruncatedNormal | RandomNormal | RandomUniform
