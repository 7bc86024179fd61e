"""Learning rates of a drawn program: numbers and schedules, which change within its few steps."""

from collections.abc import Callable

import numpy as np

from jaxmlp.program import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    ExpRange,
    InverseTimeDecay,
    LinearCosineDecay,
    NaturalExpDecay,
    PiecewiseConstant,
    PolynomialDecay,
    StepDecay,
    Triangular,
    Triangular2,
)
from jaxmlp.program.optimizers import Rate
from parity.family.decks import between, rounded, some

Draw = Callable[[np.random.Generator, float], Rate]  # from the rate at first


def _decay(kind: type[ExponentialDecay | NaturalExpDecay | InverseTimeDecay]) -> Draw:
    return lambda rng, rate: kind(rate, some(rng, 1, 2, 3, 7, 10), between(rng, 0.1, 0.99), some(rng, True, False))


def _polynomial(rng: np.random.Generator, rate: float) -> Rate:
    steps, power = some(rng, 1, 2, 3, 10), some(rng, 0.5, 1.0, 2.0, 3.0)
    return PolynomialDecay(rate, steps, rounded(rate / 10), power, some(rng, True, False))


def _piecewise(rng: np.random.Generator, rate: float) -> Rate:
    boundaries = some(rng, (0,), (1,), (0, 1))
    return PiecewiseConstant(boundaries, (rate, *(rounded(rate * between(rng, 0.1, 2.0)) for _ in boundaries)))


def _restarts(rng: np.random.Generator, rate: float) -> Rate:
    return CosineDecayRestarts(
        rate, some(rng, 1, 2, 5), some(rng, 1.0, 1.5, 2.0), some(rng, 0.5, 1.0), some(rng, 0.0, 0.1)
    )


def _linear_cosine(rng: np.random.Generator, rate: float) -> Rate:
    return LinearCosineDecay(rate, some(rng, 2, 3, 7), some(rng, 0.5, 1.5), some(rng, 0.0, 0.1), some(rng, 0.001, 0.01))


def _cyclical(kind: type[Triangular | Triangular2]) -> Draw:
    return lambda rng, rate: kind(rounded(rate / 5), rate, some(rng, 1, 2, 3))


SCHEDULES: tuple[Draw, ...] = (
    _decay(ExponentialDecay),
    _decay(NaturalExpDecay),
    _decay(InverseTimeDecay),
    _polynomial,
    _piecewise,
    lambda rng, rate: CosineDecay(rate, some(rng, 2, 3, 7), some(rng, 0.0, 0.2)),
    _linear_cosine,
    _restarts,
    lambda rng, rate: StepDecay(rate, some(rng, 1, 2), between(rng, 0.1, 0.9)),
    _cyclical(Triangular),
    _cyclical(Triangular2),
    lambda rng, rate: ExpRange(rounded(rate / 5), rate, some(rng, 1, 2, 3), between(rng, 0.5, 0.999)),
)
RATES: tuple[Draw, ...] = (*SCHEDULES, *[lambda rng, rate: rate] * len(SCHEDULES))
