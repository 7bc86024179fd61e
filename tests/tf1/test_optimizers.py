"""tf1.optimizers against genuine TensorFlow 1.15.5's weights and slots, and what they promise a JAX user."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from family import VECTORS as FAMILY
from family import array as floats

from jaxmlp.tf1 import optimizers, schedules

RUNS = FAMILY["optimizers"]["runs"]
OURS = {
    "GradientDescent": optimizers.gradient_descent,
    "Momentum": optimizers.momentum,
    "Adam": optimizers.adam,
    "RMSProp": optimizers.rmsprop,
    "Adagrad": optimizers.adagrad,
    "Adadelta": optimizers.adadelta,
    "Ftrl": optimizers.ftrl,
    "ProximalGradientDescent": optimizers.proximal_gradient_descent,
    "ProximalAdagrad": optimizers.proximal_adagrad,
    "AdagradDA": optimizers.adagrad_da,
}
GROUPED = 2e-7  # what TensorFlow's approximate sqrt, in groups of 8, may do to a weight within 50 steps
KINDS = {
    **{name: lambda lr, f=f: f(lr) for name, f in OURS.items() if name != "Momentum"},
    "Momentum": lambda lr: optimizers.momentum(lr, 0.9),
    "Nesterov": lambda lr: optimizers.momentum(lr, 0.9, use_nesterov=True),
    "centered": lambda lr: optimizers.rmsprop(lr, centered=True),
    "Ftrl power": lambda lr: optimizers.ftrl(lr, learning_rate_power=-0.7),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def trained(optimizer, run, size):
    """Weights after each of 50 steps, and the last state."""
    step = jax.jit(optimizer.apply_gradients)
    grads = floats(FAMILY["optimizers"]["grads"][size]["hex"]).reshape(50, -1)
    params = jnp.asarray(floats(FAMILY["optimizers"]["initial"][size]["hex"]))
    state, weights = optimizer.init(params), []
    for grad in grads:
        params, state = step(jnp.asarray(grad), state, params)
        weights.append(np.asarray(params))
    return {n: weights[int(n) - 1] for n in run["var"][size]}, state


@pytest.mark.parametrize("key", RUNS)
def test_one_element_at_a_time_weights_slots_and_powers_are_tensorflows_bits(key):
    run = RUNS[key]
    weights, state = trained(OURS[run["optimizer"]](**run["args"]), run, "7")
    for step, got in weights.items():
        np.testing.assert_array_equal(got, floats(run["var"]["7"][step]))
    assert set(state.slots) == set(run["slots_at_0"])
    for name, slot in run["slots_at_50"].items():
        np.testing.assert_array_equal(state.slots[name], floats(slot["7"]))
    for got, want in zip(state.scalars.values(), run.get("beta_powers_at_50", []), strict=True):
        assert got == floats(want)[0]


@pytest.mark.parametrize("key", RUNS)
def test_groups_of_eight_are_tensorflows_weights_up_to_its_square_root(key):
    run = RUNS[key]
    exact = run["optimizer"] in ("GradientDescent", "Momentum", "ProximalGradientDescent") or key == "ftrl_pow"
    for step, got in trained(OURS[run["optimizer"]](**run["args"]), run, "19")[0].items():
        np.testing.assert_allclose(got, floats(run["var"]["19"][step]), rtol=0, atol=0 if exact else GROUPED)


@pytest.mark.parametrize("key", RUNS)
def test_slots_start_where_tensorflows_do(key):
    run = RUNS[key]
    state = OURS[run["optimizer"]](**run["args"]).init(jnp.zeros(3))
    assert {k: [float(np.unique(v).item())] for k, v in state.slots.items()} == run["slots_at_0"]


@every_kind
def test_apply_updates_is_apply_gradients_to_half_an_ulp_of_the_larger_weight(kind, rng):
    optimizer = KINDS[kind](float(rng.uniform(0.001, 0.1)))
    params, grads = (jnp.asarray(rng.normal(size=(40, 9)), jnp.float32) for _ in range(2))
    state = optimizer.init(params)
    want, _ = jax.jit(optimizer.apply_gradients)(grads, state, params)
    by_optax = jax.jit(lambda g, s, p: optax.apply_updates(p, optimizer.update(g, s, p)[0]))
    larger = np.maximum(np.abs(want), np.abs(params))
    assert (np.abs(by_optax(grads, state, params) - want) <= np.spacing(larger)).all()


@every_kind
@pytest.mark.parametrize("rate", ["number", "schedule"])
def test_other_numbers_compile_nothing_anew(kind, rate, rng):
    step = jax.jit(KINDS[kind](float("nan")).apply_gradients)
    params = jnp.ones(5)
    for lr in rng.uniform(0.01, 1, 3):
        given = float(lr) if rate == "number" else schedules.exponential_decay(float(lr), 10 * float(lr), 0.5)
        step(params, KINDS[kind](given).init(params), params)
    assert step._cache_size() == 1


@every_kind
def test_debug_nans_op_by_op_x64_and_vmap_over_rates_change_no_bit(kind, rng):
    params, grads = (jnp.asarray(rng.normal(size=9), jnp.float32) for _ in range(2))
    grads = grads.at[0].set(0)
    rates = jnp.asarray(rng.uniform(0.01, 0.1, 2), jnp.float32)

    def after(rate, grads, params):
        optimizer = KINDS[kind](rate)
        return optimizer.apply_gradients(grads, optimizer.init(params), params)[0]

    want = jax.jit(jax.vmap(after, (0, None, None)))(rates, grads, params)
    with jax.debug_nans(True):
        np.testing.assert_array_equal(after(rates[0], grads, params), want[0])
    with jax.enable_x64(True):
        np.testing.assert_array_equal(jax.jit(after)(rates[1], grads, params), want[1])


@every_kind
def test_a_donated_state_leaves_the_optimizer_whole(kind):
    optimizer = KINDS[kind](schedules.cosine_decay(0.1, 5))
    step = jax.jit(optimizer.apply_gradients, donate_argnums=(1, 2))
    for _ in range(2):
        params = jnp.ones(5)
        step(jnp.ones(5), optimizer.init(params), params)


def test_update_k_uses_the_schedules_rate_at_k(rng):
    schedule = schedules.piecewise_constant([0, 1], [1.0, 0.5, 0.25])
    optimizer = optimizers.gradient_descent(schedule)
    params = jnp.zeros(())
    state, seen = optimizer.init(params), []
    for _ in range(4):
        updates, state = optimizer.update(jnp.ones(()), state)
        seen.append(float(-updates))
    assert seen == [1.0, 0.5, 0.25, 0.25]


def test_ftrl_forgets_weights_without_a_gradient():
    optimizer = optimizers.ftrl(0.1)
    params = jnp.asarray([0.3, -2.0])
    updates, _ = optimizer.update(jnp.zeros(2), optimizer.init(params), params)
    np.testing.assert_array_equal(optax.apply_updates(params, updates), [0, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.gradient_descent("fast"), "learning_rate is 'fast'"),
        (lambda: optimizers.adam(beta1=1.5), "beta1 is 1.5; it must be a number from 0 to 1"),
        (lambda: optimizers.adam(epsilon=-1e-8), "epsilon is -1e-08"),
        (lambda: optimizers.momentum(0.1, 0.9, use_nesterov=1), "use_nesterov is 1; it must be True or False"),
        (lambda: optimizers.adagrad(0.1, 0.0), "initial_accumulator_value is 0.0; it must be a number above 0"),
        (lambda: optimizers.ftrl(0.1, learning_rate_power=0.5), "learning_rate_power is 0.5"),
        (lambda: optimizers.proximal_adagrad(0.1, l1_regularization_strength=-1), "l1_regularization_strength is -1"),
        (lambda: optimizers.ftrl(0.1).update(0.0, optimizers.ftrl(0.1).init(jnp.zeros(()))), "params is None"),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed(make, message):
    with pytest.raises(ValueError, match=message):
        make()
