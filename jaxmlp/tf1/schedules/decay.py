"""`tf.train.exponential_decay` and its kin (python/keras/optimizer_v2/learning_rate_schedule.py), Grappler's bits."""

import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1.arguments import Number, above, flag, number
from jaxmlp.tf1.libm import expf, powf
from jaxmlp.tf1.rounding import over, times
from jaxmlp.tf1.schedules.schedule import Numbers, Schedule, count, reciprocal


def exponential_decay(
    learning_rate: Number, decay_steps: Number, decay_rate: Number, staircase: bool = False
) -> Schedule:
    """learning_rate * decay_rate ** p, p = step * (1 / decay_steps), its floor if `staircase`. TensorFlow's bits.

    ValueError unless decay_steps is above 0.
    """
    return Schedule(_decay(learning_rate, decay_steps, decay_rate, staircase), _exponential)


def natural_exp_decay(
    learning_rate: Number, decay_steps: Number, decay_rate: Number, staircase: bool = False
) -> Schedule:
    """learning_rate * exp(-decay_rate) ** p, p as in `exponential_decay`. TensorFlow's bits.

    ValueError unless decay_steps is above 0.
    """
    return Schedule(_decay(learning_rate, decay_steps, decay_rate, staircase), _natural_exp)


def inverse_time_decay(
    learning_rate: Number, decay_steps: Number, decay_rate: Number, staircase: bool = False
) -> Schedule:
    """learning_rate / (1 + decay_rate * p), p as in `exponential_decay`. TensorFlow's bits.

    Without `staircase`, decay_rate * p is step * (decay_rate * (1 / decay_steps)): constants are merged.
    ValueError unless decay_steps is above 0.
    """
    return Schedule(_decay(learning_rate, decay_steps, decay_rate, staircase), _inverse_time)


def polynomial_decay(
    learning_rate: Number,
    decay_steps: Number,
    end_learning_rate: Number = 0.0001,
    power: Number = 1.0,
    cycle: bool = False,
) -> Schedule:
    """(learning_rate - end) * (1 - p) ** power + end, p = min(step, n) * (1 / n), n = decay_steps. TensorFlow's bits.

    `cycle`: n becomes n * ceil(step * (1 / n)). As in TensorFlow, a rounding may take a step at the end of a cycle into
    the next one: with n = 1000 step 3000. ValueError unless decay_steps is above 0.
    """
    numbers = {
        "learning_rate": number("learning_rate", learning_rate),
        "decay_steps": above("decay_steps", decay_steps, 0),
        "end_learning_rate": number("end_learning_rate", end_learning_rate),
        "power": number("power", power),
        "cycle": jnp.asarray(flag("cycle", cycle)),
    }
    return Schedule(numbers, _polynomial)


def _decay(learning_rate: Number, decay_steps: Number, decay_rate: Number, staircase: bool) -> Numbers:
    return {
        "learning_rate": number("learning_rate", learning_rate),
        "decay_steps": above("decay_steps", decay_steps, 0),
        "decay_rate": number("decay_rate", decay_rate),
        "staircase": jnp.asarray(flag("staircase", staircase)),
    }


def _periods(step: Array, n: Numbers) -> Array:
    p = times(count(step), reciprocal(n["decay_steps"]))
    return jnp.where(n["staircase"], jnp.floor(p), p)


def _exponential(step: Array, n: Numbers) -> Array:
    return times(n["learning_rate"], powf(n["decay_rate"], _periods(step, n)))


def _natural_exp(step: Array, n: Numbers) -> Array:
    return times(n["learning_rate"], powf(expf(-n["decay_rate"]), _periods(step, n)))


def _inverse_time(step: Array, n: Numbers) -> Array:
    merged = times(count(step), times(n["decay_rate"], reciprocal(n["decay_steps"])))
    growth = jnp.where(n["staircase"], times(n["decay_rate"], _periods(step, n)), merged)
    return over(n["learning_rate"], 1 + growth)


def _polynomial(step: Array, n: Numbers) -> Array:
    steps, inverse = n["decay_steps"], reciprocal(n["decay_steps"])
    cycles = jnp.maximum(jnp.ceil(times(count(step), inverse)), 1)
    of_cycle = over(count(step), times(steps, cycles))
    # n * (1 / n) is at most 1 in float32. Where the numbers are constants of a vectorized function XLA makes an FMA of
    # product and difference all the same, which is then below 0, and its power NaN.
    straight = jnp.maximum(1 - times(jnp.minimum(count(step), steps), inverse), 0)
    end = n["end_learning_rate"]
    height, rest = n["learning_rate"] - end, jnp.where(n["cycle"], 1 - of_cycle, straight)
    cubic = times(rest, rest, height, rest)  # Grappler's, of a power of 3; of no other do the bits differ
    return jnp.where(n["power"] == 3, cubic, times(height, powf(rest, n["power"]))) + end
