"""The initial value of a variable: TensorFlow's own initializers, by the kind and the arguments of a program."""

from __future__ import annotations

import math
from typing import Any, Callable

import tensorflow.compat.v1 as tf

from .fields import without_kind
from .version import GENUINE

# Called with their arguments, these make a function of a shape.
MADE = {
    "glorot_uniform": tf.glorot_uniform_initializer,
    "glorot_normal": tf.glorot_normal_initializer,
    "he_normal": tf.initializers.he_normal,  # in 1.15 these four are tf.keras.initializers' very own
    "he_uniform": tf.initializers.he_uniform,
    "lecun_normal": tf.initializers.lecun_normal,
    "lecun_uniform": tf.initializers.lecun_uniform,
    "uniform_unit_scaling": tf.uniform_unit_scaling_initializer,
    "variance_scaling": tf.variance_scaling_initializer,
}
DRAWN = {
    "truncated_normal": tf.truncated_normal,
    "random_normal": tf.random_normal,
    "random_uniform": tf.random_uniform,
}
FILLED = {"zeros": tf.zeros, "ones": tf.ones}


def initial(initializer: dict[str, Any], shape: list[int], seed: int | None) -> tf.Tensor:
    """float32 of the shape. `seed`: the op seed, None for TensorFlow's own; what draws nothing needs none."""
    kind, arguments = initializer["kind"], without_kind(initializer)
    if kind in FILLED:
        return FILLED[kind](shape)
    if kind == "constant":
        return tf.constant(arguments["value"], tf.float32, shape)
    if kind in DRAWN:
        return DRAWN[kind](shape, seed=seed, **arguments)
    if kind == "xavier":
        return _xavier(seed=seed, **arguments)(shape)
    return MADE[kind](seed=seed, **arguments)(shape)


def _xavier(uniform: bool, seed: int | None) -> Callable[[list[int]], tf.Tensor]:
    """`tf.contrib.layers.xavier_initializer`; its very draw where there is no tf.contrib any more."""
    if GENUINE:
        from tensorflow.contrib.layers import xavier_initializer

        return xavier_initializer(uniform=uniform, seed=seed)

    def drawn(shape: list[int]) -> tf.Tensor:
        fan_avg = (float(shape[0]) + float(shape[1])) / 2.0
        if uniform:
            limit = math.sqrt(3.0 * 1.0 / fan_avg)
            return tf.random_uniform(shape, -limit, limit, seed=seed)
        return tf.truncated_normal(shape, 0.0, math.sqrt(1.3 * 1.0 / fan_avg), seed=seed)

    return drawn
