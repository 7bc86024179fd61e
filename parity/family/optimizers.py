"""Optimizers of a drawn program, and how far each moves the weights at a rate of 1."""

from collections.abc import Callable

import numpy as np

from jaxmlp.program import (
    Adadelta,
    Adagrad,
    AdagradDA,
    Adam,
    Ftrl,
    GradientDescent,
    Momentum,
    Optimizer,
    ProximalAdagrad,
    ProximalGradientDescent,
    RMSProp,
)
from jaxmlp.program.optimizers import Rate
from parity.family.decks import between, some

Rng = np.random.Generator
Draw = Callable[[Rng, Rate], Optimizer]


def _adam(rng: Rng, rate: Rate) -> Optimizer:
    return Adam(rate, some(rng, 0.9, 0.5, 0.0), some(rng, 0.999, 0.99, 0.9), some(rng, 1e-8, 1e-4, 0.1))


def _rmsprop(centered: bool) -> Draw:
    def draw(rng: Rng, rate: Rate) -> Optimizer:
        return RMSProp(rate, some(rng, 0.9, 0.99, 0.5), some(rng, 0.0, 0.9), some(rng, 1e-10, 1e-6, 0.01), centered)

    return draw


def _ftrl(rng: Rng, rate: Rate) -> Optimizer:
    power, start = some(rng, -0.5, -0.5, -0.3, 0.0), some(rng, 0.1, 1.0)
    return Ftrl(rate, power, start, some(rng, 0.0, 1e-3), some(rng, 0.0, 0.01), some(rng, 0.0, 0.01))


def _l1_l2(rng: Rng) -> tuple[float, float]:
    return some(rng, 0.0, 1e-3), some(rng, 0.0, 0.01)


OPTIMIZERS: tuple[Draw, ...] = (
    lambda rng, rate: GradientDescent(rate),
    lambda rng, rate: Momentum(rate, between(rng, 0.3, 0.99)),
    lambda rng, rate: Momentum(rate, between(rng, 0.3, 0.99), use_nesterov=True),
    _adam,
    _rmsprop(centered=False),
    _rmsprop(centered=True),
    lambda rng, rate: Adagrad(rate, between(rng, 0.01, 1.0)),
    lambda rng, rate: Adadelta(rate, some(rng, 0.95, 0.5), some(rng, 1e-8, 1e-4)),
    _ftrl,
    lambda rng, rate: ProximalGradientDescent(rate, *_l1_l2(rng)),
    lambda rng, rate: ProximalAdagrad(rate, between(rng, 0.01, 1.0), *_l1_l2(rng)),
    lambda rng, rate: AdagradDA(rate, between(rng, 0.01, 1.0), *_l1_l2(rng)),
)


def reach(optimizer: Optimizer, grad: np.ndarray) -> np.ndarray:
    """About how far its first steps move the weights of a gradient at a rate of 1, or how large it makes them anew."""
    damped = grad / np.sqrt(0.1 + np.square(grad))
    if isinstance(optimizer, Adam):
        return np.sign(grad)
    if isinstance(optimizer, Adadelta):
        return 1e-3 * grad / np.sqrt(1e-6 + np.square(grad))
    plain = isinstance(optimizer, GradientDescent | Momentum | ProximalGradientDescent)
    return grad if plain else damped


def forgets(optimizer: Optimizer) -> bool:
    """Whether it makes the weights anew out of gradients, rather than move them."""
    return isinstance(optimizer, Ftrl | AdagradDA)
