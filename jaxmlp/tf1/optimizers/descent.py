"""`tf.train.GradientDescentOptimizer` and `MomentumOptimizer`. Kernels: core/kernels/training_ops.cc."""

from typing import Any

from jax import Array

from jaxmlp.tf1.arguments import Number, flag, number
from jaxmlp.tf1.optimizers.optimizer import Numbers, Optimizer, Rule, Slots, make, rate
from jaxmlp.tf1.rounding import times
from jaxmlp.tf1.schedules.schedule import Schedule


def gradient_descent(learning_rate: Number | Schedule) -> Optimizer:
    """v -= g * learning_rate. No slots. TensorFlow's bits."""
    return make(GRADIENT_DESCENT, {"learning_rate": rate(learning_rate)}, {})


def momentum(learning_rate: Number | Schedule, momentum: Number, use_nesterov: bool = False) -> Optimizer:
    """a = a * momentum + g; v -= a * learning_rate. Nesterov: v -= g * learning_rate + a * momentum * learning_rate.

    Slot: momentum, from 0. TensorFlow's bits. ValueError for a momentum that is no number.
    """
    rule = NESTEROV if flag("use_nesterov", use_nesterov) else MOMENTUM
    hyperparams = {"learning_rate": rate(learning_rate), "momentum": number("momentum", momentum)}
    return make(rule, hyperparams, {"momentum": 0.0})


def _gradient_descent(_: Any, g: Array, __: Slots, h: Numbers) -> tuple[Array, Slots]:
    return times(g, h["learning_rate"]), {}


def _momentum(_: Any, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    a = times(slots["momentum"], h["momentum"]) + g
    return times(a, h["learning_rate"]), {"momentum": a}


def _nesterov(_: Any, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    a = times(slots["momentum"], h["momentum"]) + g
    return times(g, h["learning_rate"]) + times(a, h["momentum"], h["learning_rate"]), {"momentum": a}


GRADIENT_DESCENT, MOMENTUM, NESTEROV = Rule(_gradient_descent), Rule(_momentum), Rule(_nesterov)
