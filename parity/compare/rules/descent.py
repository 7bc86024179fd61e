"""GradientDescent and Momentum. Kernels: ApplyGradientDescent, ApplyMomentum in core/kernels/training_ops.cc."""

import numpy as np

from parity.compare.limits import TINY
from parity.compare.rounded import Rounded
from parity.compare.rules.update import Numbers, Slots, Update


def gradient_descent(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """v -= g * learning_rate, to one unit in the last place of the largest number that is rounded on the way.

    Whether or not a compiler fuses product and difference, each is rounded once or not at all: half a unit each.
    """
    moved = g * h["learning_rate"]
    right = (v - moved).value.astype(np.float32).astype(np.float64)
    largest = np.max([np.abs(v.value), np.abs(moved.value), np.abs(right)], axis=0).astype(np.float32)
    flushed = np.where((largest > 0) & (largest < TINY), TINY, 0.0)
    rate = h["learning_rate"]
    carried = v.error + g.error * np.abs(rate.value) + rate.error * np.abs(g.value)
    return Update(Rounded(right, np.spacing(largest).astype(np.float64) + flushed + carried), {})


def momentum(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """a = a * momentum + g; v -= a * learning_rate. Nesterov: v -= g * learning_rate + a * momentum * learning_rate."""
    a = slots["momentum"] * h["momentum"] + g
    rate = h["learning_rate"]
    moved = g * rate + a * h["momentum"] * rate if h["use_nesterov"] else a * rate
    return Update(v - moved, {"momentum": a})
