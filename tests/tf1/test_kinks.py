"""Ties, bounds and NaN in maximum, minimum, clip_by_value, abs and argmax, as measured on TensorFlow 1.15.5."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp.tf1.kinks import absolute, argmax, clip_by_value, maximum, minimum

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize("function", [maximum, minimum])
def test_a_tie_gives_its_whole_gradient_to_the_first(function, rng):
    x = float(rng.standard_normal())
    assert jax.grad(function, (0, 1))(x, x) == (1, 0)


@pytest.mark.parametrize(("function", "plain"), [(maximum, np.maximum), (minimum, np.minimum)])
def test_values_and_gradients_of_unequal_numbers_broadcast(function, plain, rng):
    x, y = rng.standard_normal((4, 3)).astype(np.float32), rng.standard_normal(3).astype(np.float32)
    np.testing.assert_array_equal(jax.jit(function)(x, y), plain(x, y))
    by_x, by_y = jax.grad(lambda x, y: function(x, y).sum(), (0, 1))(x, y)
    np.testing.assert_array_equal(by_x, plain(x, y) == x)
    np.testing.assert_array_equal(by_y, (plain(x, y) == y).sum(0))


def test_nan_stays_in_the_first_and_is_dropped_from_the_second():
    assert np.isnan(maximum(NAN, 1.0))
    assert np.isnan(minimum(NAN, 1.0))
    assert maximum(1.0, NAN) == minimum(1.0, NAN) == 1
    assert jax.grad(maximum, (0, 1))(NAN, 1.0) == jax.grad(minimum, (0, 1))(1.0, NAN) == (0, 1)


def test_clipping_passes_the_whole_gradient_at_a_bound_and_none_beyond():
    t = jnp.array([-2.0, -1, 0, 1, 2])
    np.testing.assert_array_equal(clip_by_value(t, -1, 1), [-1, -1, 0, 1, 1])
    np.testing.assert_array_equal(jax.grad(lambda t: clip_by_value(t, -1, 1).sum())(t), [0, 1, 1, 1, 0])


def test_bounds_larger_than_what_is_clipped_are_refused():
    with pytest.raises(ValueError, match=r"clip_value_min \(4,\)"):
        clip_by_value(jnp.float32(1), np.zeros(4, np.float32), 1)


def test_abs_has_no_gradient_at_zero(rng):
    x = np.append(rng.standard_normal(5), 0).astype(np.float32)
    np.testing.assert_array_equal(jax.vmap(jax.grad(absolute))(x), np.sign(x))
    np.testing.assert_array_equal(absolute(x), np.abs(x))


def test_argmax_skips_nan_and_what_no_number_is_below():
    rows = [[NAN, 1, 2], [1, NAN, 2], [NAN, NAN, NAN], [-INF, -INF, -INF], [-INF, np.finfo("f").min, -INF]]
    rows = np.array([*rows, [NAN, -INF, -3], [3, 3, 1], [INF, NAN, INF]], np.float32)
    expected = [2, 2, 0, 0, 0, 2, 0, 0]
    np.testing.assert_array_equal(jax.jit(argmax, static_argnums=1)(rows, 1), expected)
    np.testing.assert_array_equal(argmax(rows.T), expected)


def test_argmax_of_numbers_is_numpys(rng):
    for values in (rng.standard_normal((5, 7)).astype(np.float32), rng.integers(0, 4, (5, 7), np.int32)):
        np.testing.assert_array_equal(argmax(values, 1), values.argmax(1))
