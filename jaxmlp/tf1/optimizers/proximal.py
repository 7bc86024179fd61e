"""`tf.train.ProximalGradientDescentOptimizer`, `ProximalAdagradOptimizer`, `AdagradDAOptimizer`.

Kernels: core/kernels/training_ops.cc. With l1 = 0 TensorFlow takes another branch, whose value is the same or not by a
rounding: here a selection, so l1 is data like all others.
"""

import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1.arguments import Number, above, at_least
from jaxmlp.tf1.optimizers.adagrad import reciprocal_root
from jaxmlp.tf1.optimizers.optimizer import Numbers, Optimizer, Rule, Slots, make, rate
from jaxmlp.tf1.rounding import over, root, times
from jaxmlp.tf1.schedules.schedule import Schedule

L1, L2 = "l1_regularization_strength", "l2_regularization_strength"


def proximal_gradient_descent(
    learning_rate: Number | Schedule,
    l1_regularization_strength: Number = 0.0,
    l2_regularization_strength: Number = 0.0,
) -> Optimizer:
    """p = v - g * learning_rate; v = sign(p) * max(|p| - learning_rate * l1, 0) / (1 + l2 * learning_rate).

    No slots. TensorFlow's bits, by `apply_gradients`. ValueError for a negative strength.
    """
    hyperparams = _hyperparams(learning_rate, l1_regularization_strength, l2_regularization_strength)
    return make(PROXIMAL_GRADIENT_DESCENT, hyperparams, {})


def proximal_adagrad(
    learning_rate: Number | Schedule,
    initial_accumulator_value: Number = 0.1,
    l1_regularization_strength: Number = 0.0,
    l2_regularization_strength: Number = 0.0,
) -> Optimizer:
    """accumulator += g * g; then as ProximalGradientDescent with learning_rate * rsqrt(accumulator) as the rate.

    Slot: accumulator. TensorFlow's bits, by `apply_gradients`, where it takes one element at a time; in groups of 8
    its rsqrt is up to 2 ulp off. ValueError for a negative strength or an initial value not above 0.
    """
    hyperparams = _hyperparams(learning_rate, l1_regularization_strength, l2_regularization_strength)
    start = above("initial_accumulator_value", initial_accumulator_value, 0)
    return make(PROXIMAL_ADAGRAD, hyperparams, {"accumulator": start})


def adagrad_da(
    learning_rate: Number | Schedule,
    initial_gradient_squared_accumulator_value: Number = 0.1,
    l1_regularization_strength: Number = 0.0,
    l2_regularization_strength: Number = 0.0,
) -> Optimizer:
    """G += g; S += g * g; v = -learning_rate * sign(G) * max(|G| - T * l1, 0) / (l2 * T * learning_rate + sqrt(S)).

    T is the number of this update, from 1; TensorFlow's global_step + 1. The initial weights are forgotten at step 1.
    Slots: gradient_accumulator, from 0; gradient_squared_accumulator. TensorFlow's bits, by `apply_gradients`, where it
    takes one element at a time or l1 > 0; else, in groups of 8, its sqrt is up to 4 ulp off.
    ValueError for a negative strength or an initial value not above 0.
    """
    hyperparams = _hyperparams(learning_rate, l1_regularization_strength, l2_regularization_strength)
    name = "initial_gradient_squared_accumulator_value"
    start = above(name, initial_gradient_squared_accumulator_value, 0)
    return make(ADAGRAD_DA, hyperparams, {"gradient_accumulator": 0.0, "gradient_squared_accumulator": start})


def _hyperparams(learning_rate: Number | Schedule, l1: Number, l2: Number) -> dict[str, Array | Schedule]:
    return {"learning_rate": rate(learning_rate), L1: at_least(L1, l1, 0), L2: at_least(L2, l2, 0)}


def _shrunk(p: Array, rates: Array, h: Numbers) -> Array:
    kept = times(jnp.sign(p), jnp.maximum(jnp.abs(p) - times(rates, h[L1]), 0))
    return over(jnp.where(h[L1] > 0, kept, p), 1 + times(h[L2], rates))


def _proximal_gradient_descent(v: Array, g: Array, _: Slots, h: Numbers) -> tuple[Array, Slots]:
    return _shrunk(v - times(g, h["learning_rate"]), h["learning_rate"], h), {}


def _proximal_adagrad(v: Array, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    accumulator = slots["accumulator"] + times(g, g)
    rates = times(h["learning_rate"], reciprocal_root(accumulator))
    return _shrunk(v - times(g, rates), rates, h), {"accumulator": accumulator}


def _adagrad_da(_: Array, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    total = slots["gradient_accumulator"] + g
    squares = slots["gradient_squared_accumulator"] + times(g, g)
    lr, step = h["learning_rate"], h["global_step"]
    kept = times(jnp.sign(total), jnp.maximum(jnp.abs(total) - times(step, h[L1]), 0))
    divisor = times(h[L2], times(step, lr)) + root(squares)
    weights = over(-times(lr, jnp.where(h[L1] > 0, kept, total)), divisor)
    return weights, {"gradient_accumulator": total, "gradient_squared_accumulator": squares}


PROXIMAL_GRADIENT_DESCENT = Rule(_proximal_gradient_descent, assigns=True)
PROXIMAL_ADAGRAD, ADAGRAD_DA = Rule(_proximal_adagrad, assigns=True), Rule(_adagrad_da, assigns=True)
