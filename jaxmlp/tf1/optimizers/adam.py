"""`tf.train.AdamOptimizer`. Kernel: ApplyAdam in core/kernels/training_ops.cc."""

from typing import Any

from jax import Array

from jaxmlp.tf1.arguments import Number, at_least, between
from jaxmlp.tf1.optimizers.optimizer import Numbers, Optimizer, Rule, Slots, make, rate
from jaxmlp.tf1.rounding import over, root, times
from jaxmlp.tf1.schedules.schedule import Schedule


def adam(
    learning_rate: Number | Schedule = 0.001, beta1: Number = 0.9, beta2: Number = 0.999, epsilon: Number = 1e-8
) -> Optimizer:
    """alpha = learning_rate * sqrt(1 - beta2_power) / (1 - beta1_power); v -= m * alpha / (sqrt(v_slot) + epsilon).

    m += (g - m) * (1 - beta1); v_slot += (g * g - v_slot) * (1 - beta2). Here epsilon is not divided by the bias
    correction: optax's, with the same numbers, is another rule, and 31.6 times smaller an epsilon at the first step.
    Slots: m and v, from 0. Scalars: beta1_power and beta2_power, from beta1 and beta2, multiplied after each step.
    TensorFlow's bits where it takes one element at a time; in groups of 8 its sqrt is up to 4 ulp off.
    ValueError for a beta outside [0, 1] or an epsilon below 0.
    """
    betas = {"beta1": between("beta1", beta1, 0, 1), "beta2": between("beta2", beta2, 0, 1)}
    hyperparams = {"learning_rate": rate(learning_rate), **betas, "epsilon": at_least("epsilon", epsilon, 0)}
    powers = {"beta1_power": betas["beta1"], "beta2_power": betas["beta2"]}
    return make(ADAM, hyperparams, {"m": 0.0, "v": 0.0}, powers)


def _adam(_: Any, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    alpha = over(times(h["learning_rate"], root(1 - h["beta2_power"])), 1 - h["beta1_power"])
    m = slots["m"] + times(g - slots["m"], 1 - h["beta1"])
    v = slots["v"] + times(times(g, g) - slots["v"], 1 - h["beta2"])
    return over(times(m, alpha), root(v) + h["epsilon"]), {"m": m, "v": v}


def _next_powers(h: Numbers) -> Numbers:
    return {f"{beta}_power": times(h[f"{beta}_power"], h[beta]) for beta in ("beta1", "beta2")}


ADAM = Rule(_adam, next_scalars=_next_powers)
