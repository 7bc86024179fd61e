"""Layers of a drawn program: kernels so wide that what they send on is of size 1, biases, activations, dropout."""

from collections.abc import Callable

import numpy as np

from jaxmlp.program import (
    Bias,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    UniformUnitScaling,
    VarianceScaling,
    Xavier,
    Zeros,
)
from parity.family.decks import between, rounded, some

Rng = np.random.Generator
Draw = Callable[[Rng, float], Initializer]  # the length of what the layer is fed -> a kernel

UNITS = (*(1, 7, 8, 16, 30, 64, 100, 128, 130, 200, 300) * 2, 1000, 1024)
DEPTHS = (0, 1, 1, 1, 1, 2, 2, 2, 3, 4)


def _width(rng: Rng, length: float) -> float:
    return between(rng, 0.5 / length, 2 / length)


def _truncated(rng: Rng, length: float) -> Initializer:
    width = _width(rng, length)
    return TruncatedNormal(width, some(rng, 0.0, 0.0, rounded(width / 10)))


def _uniform(rng: Rng, length: float) -> Initializer:
    width = 1.7 * _width(rng, length)
    return RandomUniform(rounded(-width * some(rng, 1.0, 0.8)), rounded(width))


def _variance_scaling(rng: Rng, length: float) -> Initializer:
    return VarianceScaling(
        some(rng, 1.0, 2.0, 0.5),
        some(rng, "fan_in", "fan_out", "fan_avg"),
        some(rng, "truncated_normal", "untruncated_normal", "uniform"),
    )


FITTED: tuple[Draw, ...] = (  # to any input
    _truncated,
    lambda rng, length: RandomNormal(_width(rng, length)),
    _uniform,
)
KERNELS: tuple[Draw, ...] = (  # and those for inputs whose values are of size 1
    *FITTED,
    *(lambda rng, length, one=one: one() for one in (GlorotUniform, GlorotNormal, HeNormal, HeUniform)),
    *(lambda rng, length, one=one: one() for one in (LecunNormal, LecunUniform)),
    lambda rng, length: UniformUnitScaling(some(rng, 1.0, 0.7, 1.4)),
    _variance_scaling,
    lambda rng, length: Xavier(True),
    lambda rng, length: Xavier(False),
)
PLAIN: tuple[Draw, ...] = (  # of the last layer alone: behind these all units of a hidden one are the same
    lambda rng, length: Zeros(),
    lambda rng, length: Ones(),
    lambda rng, length: Constant(between(rng, 0.1 / length, 1 / length)),
)
BIASES: tuple[Callable[[Rng], Bias | None], ...] = (
    lambda rng: Zeros(),
    lambda rng: None,
    lambda rng: Constant(between(rng, 0.05, 0.5)),
    lambda rng: Ones(),
    lambda rng: TruncatedNormal(between(rng, 0.05, 0.5)),
    lambda rng: RandomNormal(between(rng, 0.05, 0.5)),
    lambda rng: RandomUniform(-0.2, between(rng, 0.1, 0.5)),
)
