"""Other people's rules in place of TensorFlow's, by TensorFlow's: what a port is likely to use."""

from collections.abc import Mapping

from parity.compare.recorded.applied import adagrad_v2, keras_momentum
from parity.compare.rounded import Rounded, sqrt
from parity.compare.rules import Update, adaptive, descent
from parity.compare.rules.rule import Move
from parity.compare.rules.update import Numbers, Slots


def _adam(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> tuple[Rounded, Rounded]:
    return slots["m"] + (g - slots["m"]) * (1 - h["beta1"]), slots["v"] + (g * g - slots["v"]) * (1 - h["beta2"])


def optax_adam(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """v -= learning_rate * m_hat / (sqrt(v_hat) + epsilon): epsilon beside the corrected root."""
    m, squares = _adam(v, g, slots, h)
    root = sqrt(squares / (1 - h["beta2_power"])) + h["epsilon"]
    return Update(v - h["learning_rate"] * (m / (1 - h["beta1_power"])) / root, {"m": m, "v": squares})


def adam_epsilon_inside(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """… / sqrt(v_slot + epsilon)."""
    m, squares = _adam(v, g, slots, h)
    alpha = h["learning_rate"] * sqrt(1 - h["beta2_power"]) / (1 - h["beta1_power"])
    return Update(v - m * alpha / sqrt(squares + h["epsilon"]), {"m": m, "v": squares})


def adam_uncorrected(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """alpha = learning_rate."""
    m, squares = _adam(v, g, slots, h)
    return Update(v - m * h["learning_rate"] / (sqrt(squares) + h["epsilon"]), {"m": m, "v": squares})


def rmsprop_epsilon_outside(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """… / (sqrt(rms) + epsilon)."""
    rms, variance = _variance(g, slots, h)
    moved = slots["momentum"] * h["momentum"] + g * h["learning_rate"] / (sqrt(variance) + h["epsilon"])
    return Update(v - moved, {"rms": rms, "momentum": moved})


def rmsprop_rate_outside(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """momentum = momentum * mu + g / root; v -= learning_rate * momentum."""
    rms, variance = _variance(g, slots, h)
    moved = slots["momentum"] * h["momentum"] + g / sqrt(variance + h["epsilon"])
    return Update(v - moved * h["learning_rate"], {"rms": rms, "momentum": moved})


def _variance(g: Rounded, slots: Slots, h: Numbers) -> tuple[Rounded, Rounded]:
    rms = slots["rms"] + (g * g - slots["rms"]) * (1 - h["decay"])
    if not h["centered"]:
        return rms, rms
    mean = slots["mg"] + (g - slots["mg"]) * (1 - h["decay"])
    return rms, rms - mean * mean


def momentum_dampened(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """a = a * momentum + g * (1 - momentum)."""
    a = slots["momentum"] * h["momentum"] + g * (1 - h["momentum"])
    return Update(v - a * h["learning_rate"], {"momentum": a})


def momentum_rate_inside(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """a = a * momentum + g * learning_rate; v -= a."""
    a = slots["momentum"] * h["momentum"] + g * h["learning_rate"]
    return Update(v - a, {"momentum": a})


def plain_descent(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """v -= g * learning_rate."""
    return Update(v - g * h["learning_rate"], {})


def _adagrad_with(epsilon: float, inside: bool) -> Move:
    def move(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
        accumulator = slots["accumulator"] + g * g
        root = sqrt(accumulator + epsilon) if inside else sqrt(accumulator) + epsilon
        return Update(v - g * h["learning_rate"] / root, {"accumulator": accumulator})

    return move


BESIDE = (
    "epsilon stands beside the bias-corrected root, as optax and PyTorch have it;"
    " TensorFlow corrects the rate and adds epsilon to the uncorrected root"
)


def _adagrads() -> tuple[tuple[str, Move], ...]:
    what = "an epsilon of {:g} is added {} Adagrad's root; TensorFlow has none"
    return tuple(
        (what.format(epsilon, where), _adagrad_with(epsilon, inside))
        for inside, where in ((False, "outside"), (True, "inside"))
        for epsilon in (1e-7, 1e-8, 1e-10)
    )


OTHERS: Mapping[Move, tuple[tuple[str, Move], ...]] = {
    adaptive.adam: (
        (BESIDE, optax_adam),
        ("epsilon stands inside Adam's root; TensorFlow adds it outside", adam_epsilon_inside),
        ("Adam's bias correction is left out", adam_uncorrected),
        ("the update is plain gradient descent, and TensorFlow's is Adam", plain_descent),
    ),
    adaptive.rmsprop: (
        ("epsilon stands outside RMSProp's root; TensorFlow adds it inside", rmsprop_epsilon_outside),
        ("the learning rate is outside RMSProp's momentum; TensorFlow has it inside", rmsprop_rate_outside),
    ),
    descent.momentum: (
        ("the momentum is dampened: the gradient counts 1 - momentum; TensorFlow counts it whole", momentum_dampened),
        ("the learning rate is inside the accumulator; TensorFlow multiplies by it afterwards", momentum_rate_inside),
        ("the momentum is left out", plain_descent),
    ),
    keras_momentum: (("the momentum is left out", plain_descent),),
    adaptive.adagrad: _adagrads(),
    adagrad_v2: (("epsilon is left out of Adagrad's root", adaptive.adagrad),),
}
