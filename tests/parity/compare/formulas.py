"""TensorFlow's update formulas as a reader of its kernels would write them, in any precision and array library.

Each takes weights, gradient, slots, numbers and the library, and gives new weights and slots. Beside them, the settings
and states that rules are tried on.
"""

import json
from pathlib import Path

import numpy as np

VECTORS = json.loads((Path(__file__).parent / "tf115_update_vectors.json").read_text())
SETTINGS = {key: run["optimizer"] for key, run in VECTORS["runs"].items()}
L1, L2, SHRINKAGE = (f"{kind}_regularization_strength" for kind in ("l1", "l2", "l2_shrinkage"))
DEFAULTS = {
    "adam": {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "rmsprop": {"decay": 0.9, "momentum": 0.0, "epsilon": 1e-10, "centered": False},
    "adadelta": {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-8},
    "momentum": {"use_nesterov": False},
    "ftrl": {"learning_rate_power": -0.5, L1: 0.0, L2: 0.0, SHRINKAGE: 0.0},
}
PROXIMAL = {L1: 0.0, L2: 0.0}


def floats(text):
    """Big-endian float32 in hex."""
    return np.frombuffer(bytes.fromhex(text), ">f4").astype(np.float32)


def numbers(setting, dtype=np.float32):
    """A setting's hyperparameters with TensorFlow's defaults, cast to float32 and then to `dtype`."""
    told = {**DEFAULTS.get(setting["kind"], PROXIMAL), **setting}
    del told["kind"]
    return {k: v if isinstance(v, bool) else dtype(np.float32(v)) for k, v in told.items()}


def gradient_descent(v, g, s, h, xp):
    return v - g * h["learning_rate"], {}


def momentum(v, g, s, h, xp):
    a = s["momentum"] * h["momentum"] + g
    lr = h["learning_rate"]
    return v - (g * lr + a * h["momentum"] * lr if h["use_nesterov"] else a * lr), {"momentum": a}


def adam(v, g, s, h, xp):
    alpha = h["learning_rate"] * xp.sqrt(1 - h["beta2_power"]) / (1 - h["beta1_power"])
    m = s["m"] + (g - s["m"]) * (1 - h["beta1"])
    w = s["v"] + (g * g - s["v"]) * (1 - h["beta2"])
    return v - (m * alpha) / (xp.sqrt(w) + h["epsilon"]), {"m": m, "v": w}


def rmsprop(v, g, s, h, xp):
    rms = s["rms"] + (g * g - s["rms"]) * (1 - h["decay"])
    slots, variance = {"rms": rms}, rms
    if h["centered"]:
        slots["mg"] = s["mg"] + (g - s["mg"]) * (1 - h["decay"])
        variance = rms - slots["mg"] * slots["mg"]
    moved = s["momentum"] * h["momentum"] + (g * h["learning_rate"]) / xp.sqrt(variance + h["epsilon"])
    return v - moved, {**slots, "momentum": moved}


def adagrad(v, g, s, h, xp):
    a = s["accumulator"] + g * g
    return v - g * h["learning_rate"] * (1 / xp.sqrt(a)), {"accumulator": a}


def adadelta(v, g, s, h, xp):
    rho = h["rho"]
    a = s["accum"] * rho + g * g * (1 - rho)
    u = xp.sqrt(s["accum_update"] + h["epsilon"]) * (1 / xp.sqrt(a + h["epsilon"])) * g
    return v - u * h["learning_rate"], {"accum": a, "accum_update": s["accum_update"] * rho + u * u * (1 - rho)}


def ftrl(v, g, s, h, xp):
    def p(x):
        return xp.sqrt(x) if h["learning_rate_power"] == -0.5 else x ** -h["learning_rate_power"]

    lr, n = h["learning_rate"], s["accum"] + g * g
    z = s["linear"] + (g + 2 * h[SHRINKAGE] * v - (p(n) - p(s["accum"])) / lr * v)
    new = (h[L1] * xp.sign(z) - z) / (p(n) / lr + 2 * h[L2])
    return xp.where(xp.abs(z) > h[L1], new, 0 * z), {"accum": n, "linear": z}


def thresholded(p, t, h, xp):
    return xp.sign(p) * xp.maximum(xp.abs(p) - t, 0 * p) if h[L1] != 0 else p


def proximal_gradient_descent(v, g, s, h, xp):
    lr = h["learning_rate"]
    return thresholded(v - g * lr, lr * h[L1], h, xp) / (1 + h[L2] * lr), {}


def proximal_adagrad(v, g, s, h, xp):
    a = s["accumulator"] + g * g
    lr = h["learning_rate"] * (1 / xp.sqrt(a))
    return thresholded(v - g * lr, lr * h[L1], h, xp) / (1 + h[L2] * lr), {"accumulator": a}


def adagrad_da(v, g, s, h, xp):
    total, squares = s["gradient_accumulator"] + g, s["gradient_squared_accumulator"] + g * g
    lr, t = h["learning_rate"], h["global_step"]
    kept = thresholded(total, t * h[L1], h, xp)
    new = lr * -1 * kept / (h[L2] * (t * lr) + xp.sqrt(squares))
    return new, {"gradient_accumulator": total, "gradient_squared_accumulator": squares}


FORMULAS = {
    one.__name__: one
    for one in (
        *(gradient_descent, momentum, adam, rmsprop, adagrad, adadelta),
        *(ftrl, proximal_gradient_descent, proximal_adagrad, adagrad_da),
    )
}


def scalars(setting, step):
    """What a rule is told of update number `step`, the first being 1."""
    betas = numbers(setting, np.float64)
    powers = {f"{b}_power": np.float32(betas[b] ** min(step, 10**5)) for b in ("beta1", "beta2") if b in betas}
    return {**powers, "global_step": step}


def history(setting, rng, steps, count):
    """Weights, slots and the next gradient after so many ordinary steps from TensorFlow's initial slots, float32."""
    h, v = numbers(setting, np.float64), rng.normal(size=count) * 0.1
    slots = {name: np.full(count, float(floats(start)[0])) for name, start in first_slots(setting).items()}
    for step in range(1, steps + 1):
        told = {k: np.float64(x) for k, x in scalars(setting, step).items()}
        v, slots = FORMULAS[setting["kind"]](v, ordinary(rng, count), slots, {**h, **told}, np)
    return tuple(single(x) for x in (v, ordinary(rng, count), slots))


def first_slots(setting):
    """TensorFlow's slots before the first update, in hex."""
    start = next(run["states"]["0"] for run in VECTORS["runs"].values() if run["optimizer"] == setting)
    return {name: text for name, text in start.items() if name not in ("weights", "beta1_power", "beta2_power")}


def ordinary(rng, count):
    """Gradients as of a mean loss: four decades."""
    return rng.choice([-1, 1], count) * 10 ** rng.uniform(-5, -1, count)


def single(x):
    """float32, of an array or of each of a dict."""
    return {k: single(v) for k, v in x.items()} if isinstance(x, dict) else np.asarray(x, np.float32)
