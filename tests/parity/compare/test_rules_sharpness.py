"""What ports of each optimizer get wrong is over the rule's bound by ten times or more, on ordinary numbers."""

import numpy as np
import pytest
from formulas import FORMULAS, L1, L2, SETTINGS, SHRINKAGE, history, numbers, scalars

from parity.compare.rules import rule_of

KILLED = 10  # times over the bound, at least
# Updates before the one that is looked at: here rms must have forgotten that it starts from 1.
STEPS = {"rmsprop_m": 400, "rmsprop_cm": 400}
FEW = 5  # of all others


def told(formula, **changes):
    """The formula with other numbers: each a function of the right ones."""
    return lambda v, g, s, h: formula(v, g, s, {**h, **{name: change(h) for name, change in changes.items()}}, np)


def remembered(formula, **changes):
    """The formula with other slots: each a function of the right one."""
    return lambda v, g, s, h: formula(v, g, {**s, **{name: change(s[name]) for name, change in changes.items()}}, h, np)


def moved(formula, step):
    """The formula's slots, and weights moved by `step` of weights, gradient, old slots, new slots and numbers."""

    def wrong(v, g, s, h):
        new = formula(v, g, s, h, np)[1]
        return v - step(v, g, s, new, h), new

    return wrong


def corrected(h):
    return h["learning_rate"] * np.sqrt(1 - h["beta2_power"]) / (1 - h["beta1_power"])


def doubled_rate_in_memory(v, g, s, h):
    """Adadelta whose accum_update sees the learning rate."""
    new, slots = ADADELTA(v, g, s, h, np)
    u = v - new
    return new, {**slots, "accum_update": s["accum_update"] * h["rho"] + u * u * (1 - h["rho"])}


def accumulated_first(v, g, s, h):
    """Adadelta that moves by what accum_update is after this step."""
    _, slots = ADADELTA(v, g, s, h, np)
    u = np.sqrt(slots["accum_update"] + h["epsilon"]) / np.sqrt(slots["accum"] + h["epsilon"]) * g
    return v - u * h["learning_rate"], slots


def kept_where_nothing_came(v, g, s, h):
    """Ftrl as an increment: a weight without a gradient stays."""
    new, slots = FTRL(v, np.where(np.arange(len(v)) % 5 == 0, 0 * g, g), s, h, np)
    return new, slots


def shrunk_accumulator(v, g, s, h):
    """Ftrl whose accumulator sees the shrinkage, too."""
    return FTRL(v, g + 2 * h[SHRINKAGE] * v, s, {**h, SHRINKAGE: 0 * h[SHRINKAGE]}, np)


GD, MOMENTUM, ADAM, RMSPROP = (FORMULAS[kind] for kind in ("gradient_descent", "momentum", "adam", "rmsprop"))
ADAGRAD, ADADELTA, FTRL = (FORMULAS[kind] for kind in ("adagrad", "adadelta", "ftrl"))
PROXIMAL, PROXIMAL_ADAGRAD, DA = (
    FORMULAS[kind] for kind in ("proximal_gradient_descent", "proximal_adagrad", "adagrad_da")
)

# By setting, see formulas.SETTINGS, and by mistake.
WRONG = {
    "sgd": {
        "another sign": told(GD, learning_rate=lambda h: -h["learning_rate"]),
        "weight decay 1e-4": moved(GD, lambda v, g, s, new, h: h["learning_rate"] * (g + 1e-4 * v)),
    },
    "momentum": {
        "momentum .99 for .9": told(MOMENTUM, momentum=lambda h: 0.99),
        "Nesterov": told(MOMENTUM, use_nesterov=lambda h: True),
        "dampened": told(MOMENTUM, learning_rate=lambda h: h["learning_rate"] * (1 - h["momentum"])),
        "the old accumulator": moved(MOMENTUM, lambda v, g, s, new, h: s["momentum"] * h["learning_rate"]),
        "the rate within the accumulator": remembered(MOMENTUM, momentum=lambda a: a * 0.05),
    },
    "nesterov": {
        "not Nesterov": told(MOMENTUM, use_nesterov=lambda h: False),
        "Nesterov's order: the old accumulator": moved(
            MOMENTUM, lambda v, g, s, new, h: (g + s["momentum"] * h["momentum"]) * h["learning_rate"]
        ),
        "Nesterov's order: momentum twice": moved(
            MOMENTUM, lambda v, g, s, new, h: (g + new["momentum"] * h["momentum"] ** 2) * h["learning_rate"]
        ),
    },
    "adam": {
        "no bias correction": told(ADAM, beta1_power=lambda h: 0, beta2_power=lambda h: 0),
        "no bias correction of v": told(ADAM, beta2_power=lambda h: 0),
        "epsilon scaled by the bias correction, as in optax": told(
            ADAM, epsilon=lambda h: h["epsilon"] * np.sqrt(1 - h["beta2_power"])
        ),
        "epsilon inside the root": moved(
            ADAM, lambda v, g, s, new, h: corrected(h) * new["m"] / np.sqrt(new["v"] + h["epsilon"])
        ),
        "beta powers of the step after": told(
            ADAM,
            beta1_power=lambda h: h["beta1_power"] * h["beta1"],
            beta2_power=lambda h: h["beta2_power"] * h["beta2"],
        ),
        "beta powers of the step before": told(
            ADAM,
            beta1_power=lambda h: h["beta1_power"] / h["beta1"],
            beta2_power=lambda h: h["beta2_power"] / h["beta2"],
        ),
        "beta2 .99 for .999": told(ADAM, beta2=lambda h: 0.99),
        "1 - beta2 in float64": told(ADAM, beta2=lambda h: 0.999),
        "the old m": moved(ADAM, lambda v, g, s, new, h: corrected(h) * s["m"] / (np.sqrt(new["v"]) + h["epsilon"])),
        "the old v": moved(ADAM, lambda v, g, s, new, h: corrected(h) * new["m"] / (np.sqrt(s["v"]) + h["epsilon"])),
        "decoupled weight decay 1e-2": moved(
            ADAM,
            lambda v, g, s, new, h: (
                corrected(h) * new["m"] / (np.sqrt(new["v"]) + h["epsilon"]) + 1e-2 * h["learning_rate"] * v
            ),
        ),
    },
    "adam_b": {"epsilon 1e-8 for 1e-4": told(ADAM, epsilon=lambda h: 1e-8)},
    "rmsprop": {
        "rms from 0": remembered(RMSPROP, rms=lambda rms: np.maximum(rms - 0.9**FEW, 0)),
        "decay .99 for .9": told(RMSPROP, decay=lambda h: 0.99),
        "the old rms": moved(
            RMSPROP, lambda v, g, s, new, h: g * h["learning_rate"] / np.sqrt(s["rms"] + h["epsilon"])
        ),
    },
    "rmsprop_m": {
        "epsilon outside the root": moved(
            RMSPROP,
            lambda v, g, s, new, h: (
                s["momentum"] * h["momentum"] + g * h["learning_rate"] / (np.sqrt(new["rms"]) + h["epsilon"])
            ),
        ),
        "momentum without the rate": remembered(RMSPROP, momentum=lambda a: a / 0.001),
        "decay .9 for .95": told(RMSPROP, decay=lambda h: 0.9),
    },
    "rmsprop_cm": {
        "not centered": moved(
            RMSPROP,
            lambda v, g, s, new, h: (
                s["momentum"] * h["momentum"] + g * h["learning_rate"] / np.sqrt(new["rms"] + h["epsilon"])
            ),
        ),
        "the old mean": moved(
            RMSPROP,
            lambda v, g, s, new, h: (
                s["momentum"] * h["momentum"]
                + g * h["learning_rate"] / np.sqrt(new["rms"] - s["mg"] ** 2 + h["epsilon"])
            ),
        ),
    },
    "adagrad": {
        "accumulator from 0": remembered(ADAGRAD, accumulator=lambda a: a - 0.1),
        "accumulator from 1": remembered(ADAGRAD, accumulator=lambda a: a + 0.9),
        "the old accumulator": moved(
            ADAGRAD, lambda v, g, s, new, h: g * h["learning_rate"] / np.sqrt(s["accumulator"])
        ),
    },
    "adagrad_tiny": {
        "an epsilon of 1e-7, as in optax": moved(
            ADAGRAD, lambda v, g, s, new, h: g * h["learning_rate"] / np.sqrt(new["accumulator"] + 1e-7)
        ),
    },
    "adadelta": {
        "rho .9 for .95": told(ADADELTA, rho=lambda h: 0.9),
        "epsilon 1e-6 for 1e-8": told(ADADELTA, epsilon=lambda h: 1e-6),
        "the rate within accum_update": doubled_rate_in_memory,
        "no rate": told(ADADELTA, learning_rate=lambda h: 1.0),
    },
    "adadelta_1": {"accum_update first": accumulated_first, "rho .95 for .9": told(ADADELTA, rho=lambda h: 0.95)},
    "ftrl": {
        "accumulator from 0": remembered(FTRL, accum=lambda a: a - 0.1),
        "the old accumulator's root left out": remembered(FTRL, accum=lambda a: 0 * a),
        "weights kept without a gradient": kept_where_nothing_came,
    },
    "ftrl_l1l2": {
        "l2 for 2 * l2": told(FTRL, **{L2: lambda h: h[L2] / 2}),
        "no l2": told(FTRL, **{L2: lambda h: 0}),
        "l1 of the other sign": told(FTRL, **{L1: lambda h: -h[L1]}),
        "no l1": told(FTRL, **{L1: lambda h: 0}),
    },
    "ftrl_pow": {"the usual power": told(FTRL, learning_rate_power=lambda h: -0.5)},
    "ftrl_shr": {
        "shrinkage for 2 * shrinkage": told(FTRL, **{SHRINKAGE: lambda h: h[SHRINKAGE] / 2}),
        "shrinkage within the accumulator": shrunk_accumulator,
        "shrinkage taken for l2": told(FTRL, **{SHRINKAGE: lambda h: 0, L2: lambda h: h[SHRINKAGE]}),
    },
    "proxgd_l1l2": {
        "l1 without the rate": told(PROXIMAL, **{L1: lambda h: h[L1] / h["learning_rate"]}),
        "l1 of the other sign": told(PROXIMAL, **{L1: lambda h: -h[L1]}),
        "2 * l2 for l2": told(PROXIMAL, **{L2: lambda h: 2 * h[L2]}),
        "no l2": told(PROXIMAL, **{L2: lambda h: 0}),
    },
    "proxada_l1l2": {
        "no rate of each weight's own in the threshold": lambda v, g, s, h: (
            PROXIMAL(v - g * (h["learning_rate"] / np.sqrt(s["accumulator"] + g * g)), 0 * g, s, h, np)[0],
            {"accumulator": s["accumulator"] + g * g},
        ),
        "accumulator from 0": remembered(PROXIMAL_ADAGRAD, accumulator=lambda a: a - 0.1),
        "no l2": told(PROXIMAL_ADAGRAD, **{L2: lambda h: 0}),
        "l1 of the other sign": told(PROXIMAL_ADAGRAD, **{L1: lambda h: -h[L1]}),
    },
    "adagradda_l1l2": {
        "global_step before this update": told(DA, global_step=lambda h: h["global_step"] - 1),
        "l1 of the other sign": told(DA, **{L1: lambda h: -h[L1]}),
        "l1 not times the step": told(DA, **{L1: lambda h: h[L1] / h["global_step"]}),
        "no l2": told(DA, **{L2: lambda h: 0}),
        "squares from 0": remembered(DA, gradient_squared_accumulator=lambda a: a - 0.1),
    },
}
LATE = ("sgd", "nesterov", "adam", "rmsprop_m", "rmsprop_cm", "adagrad", "adadelta_1", "ftrl", "ftrl_l1l2", "ftrl_pow")
LATE += ("proxgd_l1l2", "proxada_l1l2", "adagradda_l1l2")


def worst(key, wrong, rng):
    """How many times over its bound the tensor is that is most so."""
    setting, steps = SETTINGS[key], STEPS.get(key, FEW)
    v, g, slots = history(setting, rng, steps, 3000)
    step = scalars(setting, steps + 1)
    update = rule_of({"optimizer": setting})(v, g, slots, step)
    right = {"weights": update.weights, **update.slots}
    h = {**numbers(setting, np.float64), **{name: np.float64(number) for name, number in step.items()}}
    wide = (v.astype(np.float64), g.astype(np.float64), {name: s.astype(np.float64) for name, s in slots.items()})
    for formula, holds in ((lambda *told: FORMULAS[setting["kind"]](*told, np), True), (wrong, False)):
        weights, new = formula(*wide, h)
        ratio = max(one.ratio(np.asarray({"weights": weights, **new}[name])) for name, one in right.items())
        if holds:
            assert ratio <= 1  # float64 itself
    return ratio


@pytest.mark.parametrize(("key", "mistake"), [(key, mistake) for key in WRONG for mistake in WRONG[key]])
def test_a_mistake_is_ten_times_over_the_bound(key, mistake, rng):
    assert worst(key, WRONG[key][mistake], rng) >= KILLED


@pytest.mark.parametrize("key", LATE)
def test_a_rate_that_falls_one_step_late_is_ten_times_over_the_bound(key, rng):
    """By 0.96 in 100 steps: 0.04 % of the rate."""
    late = told(FORMULAS[SETTINGS[key]["kind"]], learning_rate=lambda h: h["learning_rate"] * 0.96**-0.01)
    assert worst(key, late, rng) >= KILLED
