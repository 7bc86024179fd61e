"""The cyclical learning rates of L. N. Smith (arXiv:1506.01186), in float32; TensorFlow 1.x has none of its own."""

import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1.arguments import Number, above, number
from jaxmlp.tf1.libm import powf
from jaxmlp.tf1.rounding import over, times
from jaxmlp.tf1.schedules.schedule import Numbers, Schedule, count


def triangular(learning_rate: Number, max_learning_rate: Number, step_size: Number) -> Schedule:
    """From `learning_rate` up to `max_learning_rate` in `step_size` steps, down again in as many, and so on.

    cycle = floor(1 + step / (2 * step_size)); x = |step / step_size - 2 * cycle + 1|;
    rate = learning_rate + (max_learning_rate - learning_rate) * max(0, 1 - x). ValueError unless step_size is above 0.
    """
    return Schedule(_numbers(learning_rate, max_learning_rate, step_size), _triangular)


def triangular2(learning_rate: Number, max_learning_rate: Number, step_size: Number) -> Schedule:
    """As `triangular`, each cycle half as high as the one before it: times 1 / 2 ** (cycle - 1)."""
    return Schedule(_numbers(learning_rate, max_learning_rate, step_size), _triangular2)


def exp_range(learning_rate: Number, max_learning_rate: Number, step_size: Number, gamma: Number) -> Schedule:
    """As `triangular`, the height shrinking at every step: times gamma ** step."""
    numbers = {**_numbers(learning_rate, max_learning_rate, step_size), "gamma": number("gamma", gamma)}
    return Schedule(numbers, _exp_range)


def _numbers(learning_rate: Number, max_learning_rate: Number, step_size: Number) -> Numbers:
    return {
        "learning_rate": number("learning_rate", learning_rate),
        "max_learning_rate": number("max_learning_rate", max_learning_rate),
        "step_size": above("step_size", step_size, 0),
    }


def _cycle(step: Array, n: Numbers) -> Array:
    """From 1."""
    return jnp.floor(1 + over(count(step), 2 * n["step_size"]))


def _height(step: Array, n: Numbers) -> Array:
    x = jnp.abs(over(count(step), n["step_size"]) - (2 * _cycle(step, n) - 1))
    return times(n["max_learning_rate"] - n["learning_rate"], jnp.maximum(1 - x, 0))


def _triangular(step: Array, n: Numbers) -> Array:
    return n["learning_rate"] + _height(step, n)


def _triangular2(step: Array, n: Numbers) -> Array:
    scale = powf(jnp.asarray(0.5, jnp.float32), _cycle(step, n) - 1)
    return n["learning_rate"] + times(_height(step, n), scale)


def _exp_range(step: Array, n: Numbers) -> Array:
    return n["learning_rate"] + times(_height(step, n), powf(n["gamma"], count(step)))
