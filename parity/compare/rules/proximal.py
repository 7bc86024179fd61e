"""Rules that make the weights anew: Ftrl, both Proximal ones, AdagradDA. Kernels: core/kernels/training_ops.cc."""

from parity.compare.rounded import Rounded, power, soft_threshold, sqrt
from parity.compare.rules.update import Numbers, Slots, Update

L1, L2, SHRINKAGE = (f"{kind}_regularization_strength" for kind in ("l1", "l2", "l2_shrinkage"))


def ftrl(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """n = accum + g * g; linear += g' - (P(n) - P(accum)) / learning_rate * v, P(x) = x ** -learning_rate_power.

    v = (l1 * sign(linear) - linear) / (P(n) / learning_rate + 2 * l2) where |linear| > l1, else 0; accum = n.
    g' = g + 2 * l2_shrinkage * v. Accum is never negative.
    """
    rate, n = h["learning_rate"], slots["accum"] + g * g
    of_n, of_accum = _powers(n, slots["accum"], float(h["learning_rate_power"].value))
    shrunk = g + 2 * h[SHRINKAGE] * v
    linear = slots["linear"] + (shrunk - (of_n - of_accum) / rate * v)
    weights = -soft_threshold(linear, h[L1]) / (of_n / rate + 2 * h[L2])
    return Update(weights, {"accum": n, "linear": linear})


def _powers(n: Rounded, accum: Rounded, learning_rate_power: float) -> tuple[Rounded, Rounded]:
    if learning_rate_power == -0.5:
        return sqrt(n), sqrt(accum)
    return power(n, -learning_rate_power), power(accum, -learning_rate_power)


def proximal_gradient_descent(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """p = v - g * learning_rate; v = sign(p) * max(|p| - learning_rate * l1, 0) / (1 + l2 * learning_rate)."""
    rate = h["learning_rate"]
    return Update(_shrunk(v - g * rate, rate, h), {})


def proximal_adagrad(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """accumulator += g * g; then as above with learning_rate * rsqrt(accumulator) as the rate."""
    accumulator = slots["accumulator"] + g * g
    rate = h["learning_rate"] * (1 / sqrt(accumulator))
    return Update(_shrunk(v - g * rate, rate, h), {"accumulator": accumulator})


def _shrunk(p: Rounded, rate: Rounded, h: Numbers) -> Rounded:
    return _thresholded(p, rate * h[L1], h) / (1 + h[L2] * rate)


def adagrad_da(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """G += g; S += g * g; v = -learning_rate * sign(G) * max(|G| - T * l1, 0) / (l2 * T * learning_rate + sqrt(S)).

    G is gradient_accumulator, S gradient_squared_accumulator, T global_step.
    """
    total, squares = slots["gradient_accumulator"] + g, slots["gradient_squared_accumulator"] + g * g
    rate, step = h["learning_rate"], h["global_step"]
    kept = _thresholded(total, step * h[L1], h)
    weights = -(rate * kept) / (h[L2] * (step * rate) + sqrt(squares))
    return Update(weights, {"gradient_accumulator": total, "gradient_squared_accumulator": squares})


def _thresholded(x: Rounded, threshold: Rounded, h: Numbers) -> Rounded:
    return soft_threshold(x, threshold) if h[L1].value > 0 else x
