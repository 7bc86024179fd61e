"""`tf.train.AdagradOptimizer` and `AdadeltaOptimizer`. Kernels: core/kernels/training_ops.cc."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1.arguments import Number, above, at_least, between
from jaxmlp.tf1.optimizers.optimizer import Numbers, Optimizer, Rule, Slots, make, rate
from jaxmlp.tf1.rounding import over, root, times
from jaxmlp.tf1.schedules.schedule import Schedule


def adagrad(learning_rate: Number | Schedule, initial_accumulator_value: Number = 0.1) -> Optimizer:
    """accumulator += g * g; v -= g * learning_rate * rsqrt(accumulator). No epsilon.

    Slot: accumulator, from `initial_accumulator_value`. TensorFlow's bits where it takes one element at a time; in
    groups of 8 its rsqrt is up to 2 ulp off. ValueError unless the initial value is above 0, as in TensorFlow.
    """
    start = above("initial_accumulator_value", initial_accumulator_value, 0)
    return make(ADAGRAD, {"learning_rate": rate(learning_rate)}, {"accumulator": start})


def adadelta(learning_rate: Number | Schedule = 0.001, rho: Number = 0.95, epsilon: Number = 1e-8) -> Optimizer:
    """accum = accum * rho + g * g * (1 - rho); u = sqrt(accum_update + epsilon) * rsqrt(accum + epsilon) * g.

    v -= u * learning_rate; accum_update = accum_update * rho + u * u * (1 - rho), which the rate does not reach.
    Slots: accum and accum_update, from 0. TensorFlow's bits where it takes one element at a time; in groups of 8 its
    sqrt is up to 4 ulp off, its rsqrt 2. ValueError for a rho outside [0, 1] or an epsilon below 0.
    """
    numbers = {"rho": between("rho", rho, 0, 1), "epsilon": at_least("epsilon", epsilon, 0)}
    return make(ADADELTA, {"learning_rate": rate(learning_rate), **numbers}, {"accum": 0.0, "accum_update": 0.0})


def reciprocal_root(x: Array) -> Array:
    """1 / sqrt(x), rounded twice, as Eigen takes it of one element."""
    return over(jnp.ones_like(x), root(x))


def _adagrad(_: Any, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    accumulator = slots["accumulator"] + times(g, g)
    return times(g, h["learning_rate"], reciprocal_root(accumulator)), {"accumulator": accumulator}


def _average(old: Array, x: Array, h: Numbers) -> Array:
    return times(old, h["rho"]) + times(x, x, 1 - h["rho"])


def _adadelta(_: Any, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    accum = _average(slots["accum"], g, h)
    u = times(root(slots["accum_update"] + h["epsilon"]), reciprocal_root(accum + h["epsilon"]), g)
    moved = times(u, h["learning_rate"])
    return moved, {"accum": accum, "accum_update": _average(slots["accum_update"], u, h)}


ADAGRAD, ADADELTA = Rule(_adagrad), Rule(_adadelta)
