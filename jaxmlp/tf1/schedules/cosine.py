"""`tf.train.cosine_decay` and its kin (python/keras/optimizer_v2/learning_rate_schedule.py), with Grappler's bits."""

import math

import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1.arguments import Number, above, at_least, number
from jaxmlp.tf1.libm import cosf, logf, powf
from jaxmlp.tf1.rounding import over, times
from jaxmlp.tf1.schedules.schedule import Numbers, Schedule, count, reciprocal


def cosine_decay(learning_rate: Number, decay_steps: Number, alpha: Number = 0.0) -> Schedule:
    """learning_rate * ((1 - alpha) * (0.5 * (1 + cos(min(step, n) * (pi * (1 / n))))) + alpha), n = decay_steps.

    TensorFlow's bits. ValueError unless decay_steps is above 0.
    """
    numbers = _numbers(learning_rate, decay_steps=decay_steps, alpha=alpha)
    return Schedule({**numbers, "one_minus_alpha": number("alpha", 1 - alpha)}, _cosine)  # in Python's double


def linear_cosine_decay(
    learning_rate: Number, decay_steps: Number, num_periods: Number = 0.5, alpha: Number = 0.0, beta: Number = 0.001
) -> Schedule:
    """learning_rate * ((alpha + (n - m) / n) * (0.5 * (1 + cos(pi * 2 * num_periods * m / n))) + beta).

    n is decay_steps, m is min(step, n). A default session multiplies by 1 / n, and merges the constants before m.
    TensorFlow's bits. ValueError unless decay_steps is above 0.
    """
    numbers = _numbers(learning_rate, decay_steps=decay_steps, num_periods=num_periods, alpha=alpha, beta=beta)
    return Schedule(numbers, _linear_cosine)


def cosine_decay_restarts(
    learning_rate: Number, first_decay_steps: Number, t_mul: Number = 2.0, m_mul: Number = 1.0, alpha: Number = 0.0
) -> Schedule:
    """A cosine decay in periods, each t_mul times as long and starting m_mul times as high as the one before it.

    TensorFlow's bits. ValueError unless first_decay_steps is above 0 and t_mul is at least 1.
    """
    above("first_decay_steps", first_decay_steps, 0)
    numbers = _numbers(learning_rate, first_decay_steps=first_decay_steps, m_mul=m_mul, alpha=alpha)
    return Schedule({**numbers, "t_mul": at_least("t_mul", t_mul, 1)}, _restarts)


def _numbers(learning_rate: Number, **others: Number) -> Numbers:
    if "decay_steps" in others:
        above("decay_steps", others["decay_steps"], 0)
    return {name: number(name, value) for name, value in {"learning_rate": learning_rate, **others}.items()}


def _pi() -> Array:
    return jnp.asarray(math.pi, jnp.float32)


def _half_wave(angle: Array) -> Array:
    return times(jnp.asarray(0.5, jnp.float32), 1 + cosf(angle))


def _cosine(step: Array, n: Numbers) -> Array:
    angle = times(jnp.minimum(count(step), n["decay_steps"]), times(_pi(), reciprocal(n["decay_steps"])))
    return times(n["learning_rate"], times(n["one_minus_alpha"], _half_wave(angle)) + n["alpha"])


def _linear_cosine(step: Array, n: Numbers) -> Array:
    steps, inverse = n["decay_steps"], reciprocal(n["decay_steps"])
    done = jnp.minimum(count(step), steps)
    angle = times(done, times(times(2 * n["num_periods"], inverse), _pi()))
    linear, rate, wave = n["alpha"] + times(steps - done, inverse), n["learning_rate"], _half_wave(angle)
    plain = times(times(rate, wave), linear)  # Grappler drops beta = 0, and merges what is left
    return jnp.where(n["beta"] == 0, plain, times(rate, times(linear, wave) + n["beta"]))


def _restarts(step: Array, n: Numbers) -> Array:
    done, alpha = times(count(step), reciprocal(n["first_decay_steps"])), n["alpha"]
    restarts, within = _place(done, n["t_mul"])
    wave, half, start = 1 + cosf(times(_pi(), within)), jnp.asarray(0.5, jnp.float32), powf(n["m_mul"], restarts)
    plain = times(wave, times(n["learning_rate"], half, start))  # Grappler drops alpha = 0, and merges what is left
    raised = times(n["learning_rate"], times(times(half, start), times(wave, 1 - alpha)) + alpha)
    return jnp.where(alpha == 0, plain, raised)


def _place(done: Array, t_mul: Array) -> tuple[Array, Array]:
    """Of `done` first periods: how many restarts, and what part of the present period."""
    growing = jnp.where(t_mul == 1, 2, t_mul)  # no 0 / 0 in the branch that is not taken
    restarts = jnp.floor(times(logf(1 - times(done, 1 - growing)), reciprocal(logf(growing))))
    length = powf(growing, restarts)
    within = over(done - times(1 - length, reciprocal(1 - growing)), length)
    same = t_mul == 1
    return jnp.where(same, jnp.floor(done), restarts), jnp.where(same, done - jnp.floor(done), within)
