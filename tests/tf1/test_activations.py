"""Activations against TensorFlow 1.15.5's own numbers, and what they do where JAX's do something else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import VECTORS, array, assert_within

from jaxmlp.tf1 import activations as tf1
from jaxmlp.tf1.softmax import log_softmax, softmax

KEPT = VECTORS["activations"]
ELEMENTWISE = {
    "relu": tf1.relu,
    "relu6": tf1.relu6,
    "elu": tf1.elu,
    "selu": tf1.selu,
    "tanh": tf1.tanh,
    "sigmoid": tf1.sigmoid,
    "softplus": tf1.softplus,
    "softsign": tf1.softsign,
    "leaky_relu(0.2)": tf1.leaky_relu,
    "maximum(0.2*x, x)": tf1.leaky_maximum,
}
every_one = pytest.mark.parametrize("function", ELEMENTWISE.values(), ids=list(ELEMENTWISE))


def _weighted(function, x, grad):
    value, back = jax.vjp(function, x)
    return value, back(grad)[0]


@pytest.mark.parametrize("jitted", [True, False])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_values_and_gradients_are_tensorflows_to_the_bit_jitted_or_not(name, jitted):
    both = jax.jit(_weighted, static_argnums=0) if jitted else _weighted
    value, gradient = both(ELEMENTWISE[name], array(KEPT["x"]), array(KEPT["grad_ys"]))
    np.testing.assert_array_equal(value, array(KEPT["runs"][name]["value"]))
    np.testing.assert_array_equal(gradient, array(KEPT["runs"][name]["gradient"]))


@every_one
def test_gradients_are_slopes_in_float64(function, rng):
    x = rng.uniform(0.1, 5, 40) * rng.choice([-1, 1], 40)
    with jax.enable_x64(True):
        slope = (function(jnp.asarray(x + 1e-6)) - function(jnp.asarray(x - 1e-6))) / 2e-6
        gradient = jax.vmap(jax.grad(function))(jnp.asarray(x))
        assert gradient.dtype == jnp.float64
        assert_within(1e-7, gradient, slope)


@every_one
def test_forward_mode_agrees_and_a_second_gradient_exists(function, rng):
    x, t = rng.standard_normal((2, 33)).astype(np.float32)
    np.testing.assert_array_equal(jax.jvp(function, (x,), (t,))[1], _weighted(function, x, t)[1])
    assert np.isfinite(jax.vmap(jax.grad(jax.grad(function)))(x)).all()


@every_one
def test_no_nan_on_the_way_where_the_answer_is_none(function):
    x = np.array([0, -0.0, 9, -9, 18, -18, 88.3, 89, -89, -104, 500, -500, 3e38, -3e38], np.float32)
    with jax.debug_nans(True):
        assert np.isfinite(jax.vmap(jax.grad(function))(x)).all()


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (tf1.relu, 0),
        (tf1.relu6, 0),
        (tf1.elu, 1),
        (tf1.selu, 1.0507010),
        (lambda x: tf1.leaky_relu(x, 0.3), 0.3),
        (lambda x: tf1.leaky_maximum(x, 0.3), 0.3),
        (lambda x: tf1.relu6(x + 6), 0),
    ],
)
def test_the_gradient_at_a_kink_is_tensorflows(function, slope):
    assert jax.grad(function)(0.0) == np.float32(slope)


def test_saturated_units_have_no_gradient_and_tiny_ones_lose_their_value():
    assert tf1.sigmoid(np.float32(-18)) == 0 < jax.nn.sigmoid(-18.0)
    assert jax.grad(tf1.sigmoid)(-20.0) == 0 == jax.grad(tf1.tanh)(9.0)
    assert tf1.tanh(np.float32(9)) == 1 > tf1.tanh(np.float32(8.02))
    assert jax.jit(tf1.elu)(np.float32(-1e-8)) == 0 > jax.nn.elu(-1e-8)
    x = np.float32(-13.93)
    assert jax.jit(tf1.softplus)(x) == pytest.approx(float(jax.nn.softplus(x)) * (1 - 0.065), rel=2e-3)
    assert tf1.softplus(np.float32(13.95)) == np.float32(13.95)


def test_a_softsign_of_large_numbers_has_a_small_gradient():
    assert jax.grad(tf1.softsign)(1e10) == np.float32(1e-20)
    assert jax.grad(tf1.softsign)(np.inf) == 0


def test_a_dead_unit_turns_an_infinite_gradient_into_nan_under_jit_too():
    _, gradient = jax.jit(_weighted, static_argnums=0)(tf1.relu, jnp.array([-1.0, 1]), jnp.array([np.inf, np.inf]))
    np.testing.assert_array_equal(gradient, [np.nan, np.inf])


@every_one
def test_nan_stays_nan(function):
    assert np.isnan(jax.jit(function)(jnp.full(9, np.nan))).all()


def test_crelu_is_both_sides_along_the_axis(rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    both = np.maximum(np.stack([x, -x]), 0)
    np.testing.assert_array_equal(tf1.crelu(x), np.concatenate(both, 1))
    np.testing.assert_array_equal(tf1.crelu(x, axis=0), np.concatenate(both, 0))


@pytest.mark.parametrize("axis", [0, -1])
def test_softmax_and_its_gradient_are_those_of_float64(axis, rng):
    """A gradient's limit is of the terms that it adds up: they may cancel, their roundings do not."""
    x, grad = rng.standard_normal((2, 12, 10)).astype(np.float32) * 5
    powers, wide = np.exp(x.astype(np.float64)), grad.astype(np.float64)
    p = powers / powers.sum(axis, keepdims=True)

    def summed(array):
        return array.sum(axis, keepdims=True)

    value, gradient = jax.jit(_weighted, static_argnums=0)(lambda x: softmax(x, axis), x, grad)
    assert_within(1e-6, value, p)
    terms = (np.abs(wide) + summed(np.abs(wide) * p)) * p
    assert_within(1e-6, gradient, (wide - summed(wide * p)) * p, 1e-6 * terms.max())
    value, gradient = jax.jit(_weighted, static_argnums=0)(lambda x: log_softmax(x, axis), x, grad)
    assert_within(1e-6, value, np.log(p))
    terms = np.abs(wide) + summed(np.abs(wide)) * p
    assert_within(1e-6, gradient, wide - summed(wide) * p, 1e-6 * terms.max())


@pytest.mark.parametrize("dtype", [np.float16, np.int32])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match="float32 or float64, not"):
        tf1.elu(np.ones(3, dtype))
