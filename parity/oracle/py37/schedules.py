"""Learning rates that change: `tf.train`'s as ops on the global step; the textbooks', which it lacks, fed as numbers.

Those are computed here in float32, every operation rounded once.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import tensorflow.compat.v1 as tf

from .fields import without_kind

F = np.float32
OPS = {
    "exponential_decay": tf.train.exponential_decay,
    "natural_exp_decay": tf.train.natural_exp_decay,
    "inverse_time_decay": tf.train.inverse_time_decay,
    "polynomial_decay": tf.train.polynomial_decay,
    "cosine_decay": tf.train.cosine_decay,
    "linear_cosine_decay": tf.train.linear_cosine_decay,
    "cosine_decay_restarts": tf.train.cosine_decay_restarts,
}


def of_step(schedule: dict[str, Any], global_step: tf.Variable) -> tf.Tensor:
    """The rate at the global step: float32, a placeholder for one of the `TEXTBOOK`."""
    kind, arguments = schedule["kind"], without_kind(schedule)
    if kind in TEXTBOOK:
        return tf.placeholder(tf.float32, [])
    if kind == "piecewise_constant":
        return tf.train.piecewise_constant(global_step, arguments["boundaries"], arguments["values"])
    return OPS[kind](arguments.pop("learning_rate"), global_step, **arguments)


def _step_decay(n: dict[str, Any], step: int) -> np.float32:
    return F(n["learning_rate"]) * _power(n["decay_rate"], step // n["decay_steps"])


def _triangular(n: dict[str, Any], step: int) -> np.float32:
    return F(n["learning_rate"]) + _height(n, step)


def _triangular2(n: dict[str, Any], step: int) -> np.float32:
    return F(n["learning_rate"]) + _height(n, step) * _power(0.5, _cycle(n, step) - F(1))


def _exp_range(n: dict[str, Any], step: int) -> np.float32:
    return F(n["learning_rate"]) + _height(n, step) * _power(n["gamma"], step)


def _cycle(n: dict[str, Any], step: int) -> np.float32:
    """From 1."""
    return np.floor(F(1) + F(step) / (F(2) * F(n["step_size"])))


def _height(n: dict[str, Any], step: int) -> np.float32:
    x = np.abs(F(step) / F(n["step_size"]) - (F(2) * _cycle(n, step) - F(1)))
    return (F(n["max_learning_rate"]) - F(n["learning_rate"])) * np.maximum(F(1) - x, F(0))


def _power(base: float, exponent: Any) -> np.float32:
    """Rounded once, from a double."""
    return F(np.float64(F(base)) ** np.float64(F(exponent)))


TEXTBOOK: dict[str, Callable[[dict[str, Any], int], np.float32]] = {
    "step_decay": _step_decay,
    "triangular": _triangular,
    "triangular2": _triangular2,
    "exp_range": _exp_range,
}
