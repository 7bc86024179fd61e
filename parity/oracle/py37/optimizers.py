"""The optimizer of a program: `tf.train`'s, by its kind; its gradients, clipped; and what it remembers, by name."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import tensorflow.compat.v1 as tf

from .fields import without_kind
from .schedules import of_step

OPTIMIZERS = {
    "gradient_descent": tf.train.GradientDescentOptimizer,
    "momentum": tf.train.MomentumOptimizer,
    "adam": tf.train.AdamOptimizer,
    "rmsprop": tf.train.RMSPropOptimizer,
    "adagrad": tf.train.AdagradOptimizer,
    "adadelta": tf.train.AdadeltaOptimizer,
    "ftrl": tf.train.FtrlOptimizer,
    "proximal_gradient_descent": tf.train.ProximalGradientDescentOptimizer,
    "proximal_adagrad": tf.train.ProximalAdagradOptimizer,
    "adagrad_da": tf.train.AdagradDAOptimizer,
}
SCALARS = ("beta1_power", "beta2_power")

Made = namedtuple("Made", "optimizer rate global_step")  # rate: a number or a tensor; global_step: None if none counts


def make(optimizer: dict[str, Any]) -> Made:
    """The optimizer, with a global step where its rate or its rule depends on one."""
    kind, arguments = optimizer["kind"], without_kind(optimizer)
    rate = arguments.pop("learning_rate")
    counts = isinstance(rate, dict) or kind == "adagrad_da"
    global_step = tf.train.get_or_create_global_step() if counts else None
    if isinstance(rate, dict):
        rate = of_step(rate, global_step)
    if kind == "adagrad_da":
        arguments["global_step"] = global_step
    return Made(OPTIMIZERS[kind](rate, **arguments), rate, global_step)


def clipped(grads: list[tf.Tensor], clipping: dict[str, Any] | None) -> list[tf.Tensor]:
    """What arrives at the optimizer."""
    if clipping is None:
        return grads
    if clipping["kind"] == "global_norm":
        return tf.clip_by_global_norm(grads, clipping["clip_norm"])[0]
    if clipping["kind"] == "norm":
        return [tf.clip_by_norm(grad, clipping["clip_norm"]) for grad in grads]
    least, most = clipping["clip_value_min"], clipping["clip_value_max"]
    return [tf.clip_by_value(grad, least, most) for grad in grads]


def state(made: Made, named: list[tuple[str, tf.Variable]]) -> dict[str, tf.Variable]:
    """What changes from step to step: weights, slots, scalars and the global step, by "role/name"."""
    variables = {f"weights/{name}": variable for name, variable in named}
    for slot in made.optimizer.get_slot_names():
        variables.update((f"slots/{slot}/{name}", made.optimizer.get_slot(one, slot)) for name, one in named)
    own = {variable.op.name: variable for variable in made.optimizer.variables()}
    variables.update((f"scalars/{name}", own[name]) for name in SCALARS if name in own)
    if made.global_step is not None:
        variables["step/step"] = made.global_step
    return variables
