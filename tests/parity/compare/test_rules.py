"""Every optimizer's rule holds genuine TensorFlow 1.15.5, ours, NumPy and a compiler's liberties within its bound."""

import inspect
import itertools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from formulas import FORMULAS, SETTINGS, VECTORS, first_slots, floats, history, numbers, scalars, single

from jaxmlp.tf1 import optimizers
from parity.compare.rounded import Rounded
from parity.compare.rules import rule_of
from parity.compare.rules.rule import KINDS
from parity.errors import CannotCompare

FAMILY = json.loads((Path(__file__).parents[2] / "tf1" / "tf115_family_vectors.json").read_text())["optimizers"]
POWERS = ("beta1_power", "beta2_power")
COUNT = 400
every_setting = pytest.mark.parametrize("key", SETTINGS)


def rule(key):
    return rule_of({"optimizer": SETTINGS[key]})


def ratios(update, weights, slots):
    """By tensor, where there is a bound: where float32 may divide by zero a NaN is honest, too."""
    pairs = {"weights": (update.weights, weights), **{name: (update.slots[name], slots[name]) for name in slots}}
    assert set(pairs) == {"weights", *update.slots}
    bounded = {name: np.isfinite(right.error) for name, (right, _) in pairs.items()}
    return {
        name: Rounded(right.value[bounded[name]], right.error[bounded[name]]).ratio(np.asarray(got)[bounded[name]])
        for name, (right, got) in pairs.items()
    }


def held(*told):
    """All within their bounds, and not because there is none."""
    found = ratios(*told)
    assert all(ratio <= 1 for ratio in found.values()), found
    assert np.isfinite(told[0].weights.error).mean() > 0.5


def wide(rng, low, high, count=COUNT):
    """Either sign, a tenth zeros."""
    return rng.choice([-1, 0, 1], count, p=[0.45, 0.1, 0.45]) * 10 ** rng.uniform(low, high, count)


def anything(key, rng):
    """Weights, gradient and slots over many decades: zeros, denormals, tiny second moments, a centered cancellation."""
    names = list(first_slots(SETTINGS[key]))
    g = wide(rng, -8, 2)
    g[:4] = 1e-40, -1e-40, 1e-25, 0
    signed = {name: wide(rng, -6, 2) for name in ("momentum", "m", "mg", "linear", "gradient_accumulator")}
    squares = {name: np.abs(wide(rng, -30, 2)) for name in ("v", "accum", "accum_update")}
    positive = {name: 10 ** rng.uniform(-9, 2, COUNT) for name in ("rms", "accumulator")}
    slots = {**signed, **squares, **positive, "gradient_squared_accumulator": positive["accumulator"]}
    if "mg" in names:  # of a gradient that has been nearly the same for long
        slots["mg"][::2] = g[::2] * (1 + rng.uniform(-1e-3, 1e-3, COUNT // 2))
        slots["rms"] = np.square(slots["mg"]) * (1 + 10 ** rng.uniform(-8, 0, COUNT)) + 1e-12
    if "linear" in names:
        slots["accum"] += 1e-6
    return single(wide(rng, -5, 2)), single(g), single({name: slots[name] for name in names})


def states(key, rng):
    """Ordinary ones, early and late, and all kinds of others."""
    yield scalars(SETTINGS[key], 4), history(SETTINGS[key], rng, 3, COUNT)
    for step in (1, 7, int(10 ** rng.uniform(1, 6))):
        yield scalars(SETTINGS[key], step), anything(key, rng)


@every_setting
def test_genuine_tensorflow_holds_step_by_step(key):
    run, one = VECTORS["runs"][key]["states"], rule(key)
    for step, grads in VECTORS["grads"].items():
        before, after = ({n: floats(x) for n, x in run[str(int(step) + more)].items()} for more in (0, 1))
        powers = {name: before.pop(name)[0] for name in POWERS if name in before}
        update = one(before.pop("weights"), floats(grads), before, {**powers, "global_step": int(step) + 1})
        held(update, after["weights"], {name: after[name] for name in before})
        for name, right in one.scalars_after(powers).items():
            assert right.ratio(after[name]) <= 1


@pytest.mark.parametrize("key", FAMILY["runs"])
@pytest.mark.parametrize("size", ["7", "19"])
def test_genuine_tensorflows_first_step_holds_on_the_familys_vectors(key, size):
    v, g = (floats(FAMILY[what][size]["hex"])[: int(size)] for what in ("initial", "grads"))
    slots = {name: np.full_like(v, start[0]) for name, start in FAMILY["runs"][key]["slots_at_0"].items()}
    update = rule(key)(v, g, slots, scalars(SETTINGS[key], 1))
    assert update.weights.ratio(floats(FAMILY["runs"][key]["var"][size]["1"])) <= 1


@pytest.mark.parametrize("key", FAMILY["runs"])
def test_the_familys_fifty_steps_hold_where_ours_are_tensorflows_bits(key):
    grads, var = floats(FAMILY["grads"]["7"]["hex"]).reshape(50, 7), FAMILY["runs"][key]["var"]["7"]
    params, optimizer = jnp.asarray(floats(FAMILY["initial"]["7"]["hex"])), ours(key)
    state, step = optimizer.init(params), jax.jit(optimizer.apply_gradients)
    for number, grad in enumerate(grads, 1):
        told = {**{name: float(power) for name, power in state.scalars.items()}, "global_step": number}
        update = rule(key)(np.asarray(params), grad, {n: np.asarray(s) for n, s in state.slots.items()}, told)
        params, state = step(jnp.asarray(grad), state, params)
        held(update, np.asarray(params), state.slots)
        np.testing.assert_array_equal(params, floats(var.get(str(number), "")) if str(number) in var else params)


def ours(key):
    hyperparams = dict(SETTINGS[key])
    return getattr(optimizers, hyperparams.pop("kind"))(**hyperparams)


@every_setting
@pytest.mark.parametrize("compiled", [True, False])
def test_our_optimizer_holds_at_any_magnitude(key, compiled, rng):
    optimizer = ours(key)
    step = jax.jit(optimizer.apply_gradients) if compiled else optimizer.apply_gradients
    for told, (v, g, slots) in itertools.islice(states(key, rng), 4 if compiled else 2):
        state = optimizer.init(jnp.asarray(v))
        powers = {name: jnp.asarray(told[name]) for name in state.scalars}
        state = state._replace(step=jnp.int32(told["global_step"] - 1), slots=jax.tree.map(jnp.asarray, slots))
        after, new = step(jnp.asarray(g), state._replace(scalars=powers), jnp.asarray(v))
        held(rule(key)(v, g, slots, told), after, new.slots)
        for name, right in rule(key).scalars_after(told).items():
            assert right.ratio(np.asarray(new.scalars[name])) <= 1


@every_setting
def test_numpy_in_float32_and_a_compiler_that_fuses_and_reorders_hold(key, rng):
    formula, hyperparams = FORMULAS[SETTINGS[key]["kind"]], numbers(SETTINGS[key])
    compiled = jax.jit(lambda v, g, s, told: formula(v, g, s, {**hyperparams, **told}, jnp))
    for told, (v, g, slots) in states(key, rng):
        update, told = rule(key)(v, g, slots, told), {name: np.float32(x) for name, x in told.items()}
        with np.errstate(all="ignore"):
            held(update, *formula(v, g, slots, {**hyperparams, **told}, np))
        held(update, *compiled(*jax.tree.map(jnp.asarray, (v, g, slots, told))))


def test_gradient_descent_allows_one_ulp_of_the_largest_number_and_not_two(rng):
    weights, grads = (rng.normal(size=500).astype(np.float32) for _ in range(2))
    one, rate = rule_of({"optimizer": {"learning_rate": 0.1}}), np.float32(0.1)
    right = one(weights, grads).weights
    fused = (weights.astype(np.float64) - float(rate) * grads.astype(np.float64)).astype(np.float32)
    for new in (fused, weights - rate * grads):
        assert right.ratio(new) <= 1
    np.testing.assert_array_equal(right.value, fused)
    largest = np.max([np.abs(weights), np.abs(rate * grads), np.abs(fused)], axis=0)
    np.testing.assert_array_equal(right.error, np.spacing(largest))
    assert right.ratio(fused.astype(np.float64) + 2 * np.spacing(largest)) == 2
    exactly = one(np.array([0.1], np.float32), np.ones(1, np.float32)).weights
    assert exactly.value == 0  # the rate is a float32 as TensorFlow's is


def test_gradient_descent_allows_a_denormal_product_to_be_flushed():
    one = rule_of({"optimizer": {"learning_rate": 0.1}})
    right = one(np.zeros(2, np.float32), np.array([3e-38, 0], np.float32)).weights
    assert right.ratio(np.zeros(2, np.float32)) <= 1
    assert right.ratio(np.array([-3e-39, 3e-45], np.float32)) > 1


def test_the_rate_of_the_step_goes_before_the_programs(rng):
    v, g = np.ones(3, np.float32), np.ones(3, np.float32)
    one = rule_of({"optimizer": {"kind": "gradient_descent", "learning_rate": {"kind": "exponential_decay"}}})
    np.testing.assert_allclose(one(v, g, scalars={"learning_rate": np.float32(0.25)}).weights.value, 0.75)
    with pytest.raises(CannotCompare, match=r"rate/rate is needed"):
        one(v, g)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({"kind": "adm"}, "optimizer.kind is 'adm'; rules are known for gradient_descent, momentum, adam"),
        ({"kind": "adam", "beta": 0.9}, "optimizer.beta is 0.9; adam has only learning_rate, beta1, beta2, epsilon"),
        ({"kind": "momentum", "learning_rate": 0.1}, "optimizer.momentum is left out; momentum has no default of it"),
        ({}, "optimizer.learning_rate is left out"),
    ],
)
def test_an_optimizer_without_a_rule_is_refused_by_name(optimizer, message):
    with pytest.raises(CannotCompare, match=message):
        rule_of({"optimizer": optimizer})


def test_a_slot_that_is_not_told_is_named():
    one = rule_of({"optimizer": {"kind": "adam"}})
    with pytest.raises(CannotCompare, match="adam cannot be followed without m before the step"):
        one(np.ones(2, np.float32), np.ones(2, np.float32), {}, scalars(SETTINGS["adam"], 1))


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_those_of_tensorflows_functions(kind):
    parameters = inspect.signature(getattr(optimizers, kind)).parameters
    given = {name: None if one.default is one.empty else one.default for name, one in parameters.items()}
    assert KINDS[kind][1] == given
