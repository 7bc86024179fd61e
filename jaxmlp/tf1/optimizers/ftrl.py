"""`tf.train.FtrlOptimizer`. Kernels: ApplyFtrl, ApplyFtrlV2 in core/kernels/training_ops.cc."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1 import libm
from jaxmlp.tf1.arguments import Number, at_least, between
from jaxmlp.tf1.optimizers.optimizer import Numbers, Optimizer, Rule, Slots, make, rate
from jaxmlp.tf1.rounding import over, root, times
from jaxmlp.tf1.schedules.schedule import Schedule

Power = Callable[[Array, Numbers], Array]


def ftrl(
    learning_rate: Number | Schedule,
    learning_rate_power: float = -0.5,
    initial_accumulator_value: Number = 0.1,
    l1_regularization_strength: Number = 0.0,
    l2_regularization_strength: Number = 0.0,
    l2_shrinkage_regularization_strength: Number = 0.0,
) -> Optimizer:
    """n = accum + g * g; linear += g' - (P(n) - P(accum)) / learning_rate * v, P(x) = x ** -learning_rate_power.

    v = (l1 * sign(linear) - linear) / (P(n) / learning_rate + 2 * l2) where |linear| > l1, else 0; accum = n.
    g' = g + 2 * shrinkage * v. The weights are made anew: one whose gradient is exactly 0 at step 1 becomes 0.
    Slots: accum, from `initial_accumulator_value`; linear, from 0. TensorFlow's bits where it takes one element at a
    time; in groups of 8 the sqrt in `linear` is up to 4 ulp off. For a power but -0.5 P is glibc's powf (float32).
    ValueError for a negative strength or initial value, or a power above 0, as in TensorFlow.
    """
    hyperparams = {
        "learning_rate": rate(learning_rate),
        "learning_rate_power": between("learning_rate_power", learning_rate_power, -jnp.inf, 0),
        "l1_regularization_strength": at_least("l1_regularization_strength", l1_regularization_strength, 0),
        "l2_regularization_strength": at_least("l2_regularization_strength", l2_regularization_strength, 0),
        "l2_shrinkage_regularization_strength": at_least(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 0
        ),
    }
    start = at_least("initial_accumulator_value", initial_accumulator_value, 0)
    rule = FTRL if learning_rate_power == -0.5 else FTRL_POWER
    return make(rule, hyperparams, {"accum": start, "linear": 0.0})


def _root(x: Array, _: Numbers) -> Array:
    return root(x)


def _power(x: Array, h: Numbers) -> Array:
    exponent = jnp.broadcast_to(-h["learning_rate_power"], x.shape)
    return libm.powf(x.astype(jnp.float32), exponent.astype(jnp.float32)).astype(x.dtype)


def _ftrl(power: Power) -> Callable[[Array, Array, Slots, Numbers], tuple[Array, Slots]]:
    def move(v: Array, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
        l1, n = h["l1_regularization_strength"], slots["accum"] + times(g, g)
        shrunk = g + times(2 * h["l2_shrinkage_regularization_strength"], v)
        of_n, rise = power(n, h), power(n, h) - power(slots["accum"], h)
        linear = slots["linear"] + (shrunk - times(over(rise, h["learning_rate"]), v))
        active = jnp.abs(linear) > l1
        curvature = over(of_n, h["learning_rate"]) + 2 * h["l2_regularization_strength"]
        weights = over(times(l1, jnp.sign(linear)) - linear, jnp.where(active, curvature, 1))
        return jnp.where(active, weights, 0), {"accum": n, "linear": linear}

    return move


FTRL, FTRL_POWER = Rule(_ftrl(_root), assigns=True), Rule(_ftrl(_power), assigns=True)
