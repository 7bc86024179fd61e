"""`tf.train.RMSPropOptimizer`. Kernels: ApplyRMSProp, ApplyCenteredRMSProp in core/kernels/training_ops.cc."""

from typing import Any

from jax import Array

from jaxmlp.tf1.arguments import Number, at_least, between, flag, number
from jaxmlp.tf1.optimizers.optimizer import Numbers, Optimizer, Rule, Slots, make, rate
from jaxmlp.tf1.rounding import over, root, times
from jaxmlp.tf1.schedules.schedule import Schedule


def rmsprop(
    learning_rate: Number | Schedule,
    decay: Number = 0.9,
    momentum: Number = 0.0,
    epsilon: Number = 1e-10,
    centered: bool = False,
) -> Optimizer:
    """rms += (g * g - rms) * (1 - decay); momentum = momentum * mu + g * learning_rate / sqrt(rms + epsilon).

    v -= momentum. Centered: mg += (g - mg) * (1 - decay), and the root is that of rms - mg * mg + epsilon.
    Slots: rms, from 1 (optax's is from 0); momentum, from 0; centered also mg, from 0. TensorFlow's bits where it
    takes one element at a time; in groups of 8 its sqrt is up to 4 ulp off.
    ValueError for a decay outside [0, 1] or an epsilon below 0.
    """
    hyperparams = {
        "learning_rate": rate(learning_rate),
        "decay": between("decay", decay, 0, 1),
        "momentum": number("momentum", momentum),
        "epsilon": at_least("epsilon", epsilon, 0),
    }
    if flag("centered", centered):
        return make(CENTERED, hyperparams, {"rms": 1.0, "mg": 0.0, "momentum": 0.0})
    return make(RMSPROP, hyperparams, {"rms": 1.0, "momentum": 0.0})


def _moved(g: Array, slots: Slots, h: Numbers, variance: Array) -> Array:
    step = over(times(g, h["learning_rate"]), root(variance + h["epsilon"]))
    return times(slots["momentum"], h["momentum"]) + step


def _mean_square(g: Array, slots: Slots, h: Numbers) -> Array:
    return slots["rms"] + times(times(g, g) - slots["rms"], 1 - h["decay"])


def _rmsprop(_: Any, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    rms = _mean_square(g, slots, h)
    moved = _moved(g, slots, h, rms)
    return moved, {"rms": rms, "momentum": moved}


def _centered(_: Any, g: Array, slots: Slots, h: Numbers) -> tuple[Array, Slots]:
    rms = _mean_square(g, slots, h)
    mg = slots["mg"] + times(g - slots["mg"], 1 - h["decay"])
    moved = _moved(g, slots, h, rms - times(mg, mg))
    return moved, {"rms": rms, "mg": mg, "momentum": moved}


RMSPROP, CENTERED = Rule(_rmsprop), Rule(_centered)
