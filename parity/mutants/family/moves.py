"""What a wrong optimizer makes of a tensor: of the right `move`, as `tf1.optimizers.Rule` has it, another."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1.optimizers.proximal import PROXIMAL_GRADIENT_DESCENT
from jaxmlp.tf1.optimizers.rmsprop import RMSPROP

Numbers = dict[str, Array]
Move = Callable[[Any, Array, Numbers, Numbers], tuple[Array, Numbers]]  # weights, gradient, slots, numbers

SHRINKAGE = "l2_shrinkage_regularization_strength"


def dampened(right: Move) -> Move:
    """The gradient counts by what the momentum leaves of 1."""
    return lambda v, g, slots, h: right(v, g * (1 - h["momentum"]), slots, h)


def late_momentum(right: Move) -> Move:
    """By the momentum before this gradient."""
    return lambda v, g, slots, h: (slots["momentum"] * h["learning_rate"], right(v, g, slots, h)[1])


def nesterov_of_old(right: Move) -> Move:
    """Looks ahead by the momentum before this gradient."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        return (g + slots["momentum"] * h["momentum"]) * h["learning_rate"], right(v, g, slots, h)[1]

    return move


def adam_inside(right: Move) -> Move:
    """sqrt(v + epsilon) for sqrt(v) + epsilon."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        new = right(v, g, slots, h)[1]
        alpha = h["learning_rate"] * jnp.sqrt(1 - h["beta2_power"]) / (1 - h["beta1_power"])
        return new["m"] * alpha / jnp.sqrt(new["v"] + h["epsilon"]), new

    return move


def betas_swapped(h: Numbers) -> Numbers:
    """Each in the other's place."""
    return {"beta1": h["beta2"], "beta2": h["beta1"]}


def rmsprop_outside(right: Move) -> Move:
    """sqrt(rms) + epsilon for sqrt(rms + epsilon)."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        new = right(v, g, slots, h)[1]
        moved = slots["momentum"] * h["momentum"] + g * h["learning_rate"] / (jnp.sqrt(new["rms"]) + h["epsilon"])
        return moved, {**new, "momentum": moved}

    return move


def rate_twice(right: Move) -> Move:
    """The momentum holds the rate already."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        moved, new = right(v, g, slots, h)
        return moved * h["learning_rate"], new

    return move


def decay_turned(h: Numbers) -> Numbers:
    """1 - decay for decay."""
    return {"decay": 1 - h["decay"]}


def not_centered(right: Move) -> Move:
    """The variance is not taken for the mean square."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        moved, new = RMSPROP.move(v, g, slots, h)
        return moved, {**right(v, g, slots, h)[1], **new}

    return move


def late_adagrad(right: Move) -> Move:
    """By the accumulator before this gradient."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        return g * h["learning_rate"] / jnp.sqrt(slots["accumulator"]), right(v, g, slots, h)[1]

    return move


def rootless(right: Move) -> Move:
    """By the accumulator, not its root."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        new = right(v, g, slots, h)[1]
        return g * h["learning_rate"] / new["accumulator"], new

    return move


def rate_within(right: Move) -> Move:
    """What is remembered of the updates is what the weights moved by."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        moved, new = right(v, g, slots, h)
        accum = slots["accum_update"] * h["rho"] + moved * moved * (1 - h["rho"])
        return moved, {**new, "accum_update": accum}

    return move


def shrunk_first(right: Move) -> Move:
    """The shrunk gradient is squared, too."""
    return lambda v, g, slots, h: right(v, g + 2 * h[SHRINKAGE] * v, slots, {**h, SHRINKAGE: 0 * h[SHRINKAGE]})


def plain_proximal(right: Move) -> Move:
    """By the rate alone."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        return PROXIMAL_GRADIENT_DESCENT.move(v, g, slots, h)[0], right(v, g, slots, h)[1]

    return move


def kept(right: Move) -> Move:
    """Adds to the weights what is made in their place."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        weights, new = right(v, g, slots, h)
        return v + weights, new

    return move
