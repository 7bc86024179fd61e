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
    return Schedule(numbers, _linear_cosine, _linear_cosine_in_training)


def cosine_decay_restarts(
    learning_rate: Number, first_decay_steps: Number, t_mul: Number = 2.0, m_mul: Number = 1.0, alpha: Number = 0.0
) -> Schedule:
    """A cosine decay in periods, each t_mul times as long and starting m_mul times as high as the one before it.

    TensorFlow's bits. ValueError unless first_decay_steps is above 0 and t_mul is at least 1.
    """
    above("first_decay_steps", first_decay_steps, 0)
    numbers = _numbers(learning_rate, first_decay_steps=first_decay_steps, m_mul=m_mul, alpha=alpha)
    return Schedule({**numbers, "t_mul": at_least("t_mul", t_mul, 1)}, _restarts, _restarts_in_training)


def _numbers(learning_rate: Number, **others: Number) -> Numbers:
    if "decay_steps" in others:
        above("decay_steps", others["decay_steps"], 0)
    return {name: number(name, value) for name, value in {"learning_rate": learning_rate, **others}.items()}


def _pi() -> Array:
    return jnp.asarray(math.pi, jnp.float32)


def _half() -> Array:
    return jnp.asarray(0.5, jnp.float32)


def _half_wave(angle: Array) -> Array:
    return times(_half(), 1 + cosf(angle))


def _cosine(step: Array, n: Numbers) -> Array:
    angle = times(jnp.minimum(count(step), n["decay_steps"]), times(_pi(), reciprocal(n["decay_steps"])))
    return times(n["learning_rate"], times(n["one_minus_alpha"], _half_wave(angle)) + n["alpha"])


def _linear_cosine(step: Array, n: Numbers) -> Array:
    steps, rate, beta, (done, inverse, angle) = n["decay_steps"], n["learning_rate"], n["beta"], _turned(step, n)
    wave, line = _half_wave(angle), n["alpha"] + times(steps - done, inverse)
    line = jnp.where(steps == 1, (n["alpha"] + steps) - done, line)  # without 1 / n between them constants are merged
    plain = times(times(rate, wave), line)  # Grappler drops beta = 0, and merges what is left
    return jnp.where(beta == 0, plain, times(rate, times(line, wave) + beta))


def _linear_cosine_in_training(step: Array, n: Numbers) -> Array:
    done, inverse, angle = _turned(step, n)
    angle = jnp.where(n["num_periods"] == 0.5, times(_pi(), times(done, inverse)), angle)
    line = n["alpha"] + times(n["decay_steps"] - done, inverse)
    return times(n["learning_rate"], times(line, _half_wave(angle)) + n["beta"])


def _turned(step: Array, n: Numbers) -> tuple[Array, Array, Array]:
    """Steps of the decay that are done, 1 / decay_steps, and the cosine's angle."""
    inverse = reciprocal(n["decay_steps"])
    done = jnp.minimum(count(step), n["decay_steps"])
    return done, inverse, times(done, times(times(2 * n["num_periods"], inverse), _pi()))


def _restarts(step: Array, n: Numbers) -> Array:
    wave, start = _restarted(step, n)
    plain = times(wave, times(n["learning_rate"], _half(), start))  # Grappler drops alpha = 0, and merges what is left
    return jnp.where(n["alpha"] == 0, plain, _restarts_in_training(step, n))


def _restarts_in_training(step: Array, n: Numbers) -> Array:
    wave, start = _restarted(step, n)
    return times(n["learning_rate"], times(times(_half(), start), times(wave, 1 - n["alpha"])) + n["alpha"])


def _restarted(step: Array, n: Numbers) -> tuple[Array, Array]:
    """1 + cos of where the present period stands, and what part of the rate that began with."""
    restarts, within = _place(times(count(step), reciprocal(n["first_decay_steps"])), n["t_mul"])
    return 1 + cosf(times(_pi(), within)), powf(n["m_mul"], restarts)


def _place(done: Array, t_mul: Array) -> tuple[Array, Array]:
    """Of `done` first periods: how many restarts, and what part of the present period."""
    growing = jnp.where(t_mul == 1, 2, t_mul)  # no 0 / 0 in the branch that is not taken
    restarts = jnp.floor(times(logf(1 - times(done, 1 - growing)), reciprocal(logf(growing))))
    length = powf(growing, restarts)
    within = over(done - times(1 - length, reciprocal(1 - growing)), length)
    same = t_mul == 1
    return jnp.where(same, jnp.floor(done), restarts), jnp.where(same, done - jnp.floor(done), within)
