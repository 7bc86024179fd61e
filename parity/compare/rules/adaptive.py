"""Adam, RMSProp, Adagrad and Adadelta: rates of each weight's own. Kernels: core/kernels/training_ops.cc."""

from parity.compare.rounded import Rounded, sqrt
from parity.compare.rules.update import Numbers, Slots, Update


def adam(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """alpha = learning_rate * sqrt(1 - beta2_power) / (1 - beta1_power); v -= m * alpha / (sqrt(v_slot) + epsilon).

    m += (g - m) * (1 - beta1); v_slot += (g * g - v_slot) * (1 - beta2). No bias correction of epsilon.
    """
    alpha = h["learning_rate"] * sqrt(1 - h["beta2_power"]) / (1 - h["beta1_power"])
    m = slots["m"] + (g - slots["m"]) * (1 - h["beta1"])
    v_slot = slots["v"] + (g * g - slots["v"]) * (1 - h["beta2"])
    return Update(v - m * alpha / (sqrt(v_slot) + h["epsilon"]), {"m": m, "v": v_slot})


def rmsprop(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """rms += (g * g - rms) * (1 - decay); momentum = momentum * mu + g * learning_rate / sqrt(rms + epsilon).

    v -= momentum. Centered: mg += (g - mg) * (1 - decay), and the root is that of rms - mg * mg + epsilon.
    """
    rms = slots["rms"] + (g * g - slots["rms"]) * (1 - h["decay"])
    means = {"mg": slots["mg"] + (g - slots["mg"]) * (1 - h["decay"])} if h["centered"] else {}
    variance = rms - means["mg"] * means["mg"] if means else rms
    moved = slots["momentum"] * h["momentum"] + g * h["learning_rate"] / sqrt(variance + h["epsilon"])
    return Update(v - moved, {"rms": rms, "momentum": moved, **means})


def adagrad(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """accumulator += g * g; v -= g * learning_rate * rsqrt(accumulator). No epsilon."""
    accumulator = slots["accumulator"] + g * g
    return Update(v - g * h["learning_rate"] * (1 / sqrt(accumulator)), {"accumulator": accumulator})


def adadelta(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """accum = accum * rho + g * g * (1 - rho); u = sqrt(accum_update + epsilon) * rsqrt(accum + epsilon) * g.

    v -= u * learning_rate; accum_update = accum_update * rho + u * u * (1 - rho), which the rate does not reach.
    """
    kept, new = h["rho"], 1 - h["rho"]
    accum = slots["accum"] * kept + g * g * new
    u = sqrt(slots["accum_update"] + h["epsilon"]) * (1 / sqrt(accum + h["epsilon"])) * g
    accum_update = slots["accum_update"] * kept + u * u * new
    return Update(v - u * h["learning_rate"], {"accum": accum, "accum_update": accum_update})
