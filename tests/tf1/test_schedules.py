"""tf1.schedules against genuine TensorFlow 1.15.5's default session, and the textbooks' against float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import VECTORS as FAMILY
from family import array as floats

from jaxmlp.tf1 import libm, optimizers, schedules

VECTORS = FAMILY["schedules"]
at = jax.jit(lambda schedule, step: schedule(step))
rows = jax.jit(lambda schedule, steps: jax.vmap(schedule)(steps))


@pytest.mark.parametrize("key", VECTORS["runs"])
def test_rates_are_the_default_sessions_bits_and_never_nan(key):
    run = VECTORS["runs"][key]
    if key == "piecewise_constant":
        schedule = schedules.piecewise_constant(run["boundaries"], run["values"])
    else:
        schedule = getattr(schedules, run["function"])(VECTORS["learning_rate"], **run["args"])
    with jax.debug_nans(True):
        got = [at(schedule, step) for step in VECTORS["steps"]]
    np.testing.assert_array_equal(got, floats(run["default_session"]))


def test_a_cubic_decay_and_merged_constants_are_tensorflows_too():
    cubic = schedules.polynomial_decay(0.1650300303916611, 65, 0.0001, 3.0, cycle=True)
    np.testing.assert_array_equal(at(cubic, 51), np.float32(0.0017479486))
    inverse = schedules.inverse_time_decay(0.2787166929365621, 5, 1.9023021088446552)
    np.testing.assert_array_equal(at(inverse, 6), np.float32(0.08490309))
    linear = schedules.linear_cosine_decay(0.458817322965944, 534, 0.5, 0.38595931001698836, 0.0)
    np.testing.assert_array_equal(at(linear, 533), np.float32(1.537912e-06))
    plain = schedules.cosine_decay(0.19610635836108992, 111, 0.7127484426825401)
    np.testing.assert_array_equal(at(plain, 1), np.float32(0.1960951))


# TensorFlow 1.15.5's, by `session.run(rate)` and by how far a variable moved whose gradient is -1.
TRAINED = [
    ("linear_cosine_decay", (0.00852, 5, 0.5, 0.03, 0.2), 3, 0.0029697425197809935, 0.00296974228695035),
    ("linear_cosine_decay", (0.3, 1000, 0.5, 0.0, 0.001), 628, 0.03426134213805199, 0.034261349588632584),
    ("linear_cosine_decay", (0.1, 1, 1.0, 0.03, 0.001), 2, 0.0030999972950667143, 0.003100000089034438),
    ("cosine_decay_restarts", (0.00415, 5, 1.0, 0.9, 0.0), 8, 0.001290410291403532, 0.0012904104078188539),
    ("cosine_decay_restarts", (0.17603, 7, 1.5, 0.9, 0.0), 8, 0.15490774810314178, 0.15490776300430298),
    ("cosine_decay_restarts", (0.84227, 11, 2.0, 0.9, 0.0), 28, 0.09257613867521286, 0.09257613122463226),
]


@pytest.mark.parametrize(("name", "numbers", "step", "alone", "in_training"), TRAINED)
def test_a_rate_that_moves_weights_has_the_bits_of_a_graph_that_assigns(name, numbers, step, alone, in_training):
    schedule = getattr(schedules, name)(*numbers)
    assert np.float32(alone) == at(schedule, step) != np.float32(in_training)
    assert np.float32(in_training) == jax.jit(lambda schedule, step: schedule.in_training(step))(schedule, step)
    descent = optimizers.gradient_descent(schedule)
    state = descent.init(jnp.float32(0.0))._replace(step=jnp.int32(step))
    assert np.float32(in_training) == descent.update(jnp.float32(-1.0), state, jnp.float32(0.0))[0]


@pytest.mark.parametrize("name", ["exponential_decay", "polynomial_decay", "triangular", "cosine_decay_restarts"])
def test_other_numbers_compile_nothing_anew_and_vmap_agrees(name, rng):
    made = [getattr(schedules, name)(float(rng.uniform(0.1, 1)), 50.0, 1.5) for _ in range(3)]
    before = at._cache_size()
    steps = rng.integers(0, 200, 8)
    for schedule in made:
        want = [at(schedule, np.int32(step)) for step in steps.astype(np.int32)]
        np.testing.assert_array_equal(rows(schedule, steps.astype(np.int32)), want)
    assert at._cache_size() - before == 1


def test_cyclical_and_step_rates_are_the_textbooks(rng):
    low, high, size, gamma = rng.uniform(0, 0.1), rng.uniform(0.2, 1), int(rng.integers(2, 500)), rng.uniform(0.99, 1)
    steps = rng.integers(0, 6 * size, 40)
    cycle = np.floor(1 + steps / (2 * size))
    height = (high - low) * np.maximum(0, 1 - np.abs(steps / size - 2 * cycle + 1))
    wanted = [
        (schedules.triangular(low, high, size), low + height),
        (schedules.triangular2(low, high, size), low + height / 2 ** (cycle - 1)),
        (schedules.exp_range(low, high, size, gamma), low + height * np.float32(gamma).astype(float) ** steps),
        (schedules.step_decay(high, size, gamma), high * gamma ** (steps // size)),
    ]
    for schedule, want in wanted:
        np.testing.assert_allclose([at(schedule, np.int32(s)) for s in steps], want, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.exponential_decay(0.1, 0, 0.5), "decay_steps is 0; it must be a number above 0"),
        (lambda: schedules.polynomial_decay(0.1, 5, cycle="yes"), "cycle is 'yes'"),
        (lambda: schedules.piecewise_constant([5, 2], [1, 2, 3]), "ascending integers"),
        (lambda: schedules.piecewise_constant([0.5], [1, 2]), "ascending integers"),
        (lambda: schedules.piecewise_constant([5], [1]), "values are 1; they must be 2"),
        (lambda: schedules.cosine_decay_restarts(0.1, 5, t_mul=0.5), "t_mul is 0.5"),
        (lambda: schedules.step_decay(0.1, 2.5, 0.5), "decay_steps is 2.5"),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_libm_is_within_one_ulp_of_the_true_value_and_keeps_cs_special_values(rng):
    x, y = rng.uniform(0.01, 5, 5000).astype(np.float32), rng.uniform(-18, 18, 5000).astype(np.float32)
    # 0.01 to the power of 18 or -18 is a normal float32 still, to that of 20 no longer.
    for got, want in [
        (jax.jit(libm.powf)(x, y), x.astype(float) ** y),
        (jax.jit(libm.expf)(jnp.asarray(y)), np.exp(y.astype(float))),
        (jax.jit(libm.logf)(jnp.asarray(x)), np.log(x.astype(float))),
        (jax.jit(libm.cosf)(jnp.asarray(y)), np.cos(y.astype(float))),
    ]:
        assert (np.abs(got - want) <= np.spacing(np.abs(want).astype(np.float32))).all()
    special = libm.powf(jnp.asarray([0, 0, 1, -2, -2.0]), jnp.asarray([0, 2, jnp.nan, 3, 0.5]))
    np.testing.assert_array_equal(special, [1, 0, 1, -8, np.nan])


def test_a_polynomial_whose_numbers_are_constants_ends_at_its_end_in_a_vectorized_function_too(rng):
    for steps in (3, 500, 730, int(rng.integers(2, 2000))):
        schedule = schedules.polynomial_decay(0.01, steps, 0.001, float(rng.uniform(0.5, 0.9)))
        rates = jax.jit(jax.vmap(schedule))(jnp.arange(steps, steps + 5))
        assert np.isfinite(rates).all(), steps
        np.testing.assert_allclose(rates, 0.001, rtol=1e-2)
