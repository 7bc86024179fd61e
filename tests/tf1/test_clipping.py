"""tf1.clipping and tf1.moving_average against genuine TensorFlow 1.15.5."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import VECTORS as FAMILY
from family import array as floats

from jaxmlp.tf1 import clipping
from jaxmlp.tf1.moving_average import ExponentialMovingAverage

VECTORS = FAMILY["clipping"]
INPUTS = [jnp.asarray(floats(one["hex"]).reshape(one["shape"])) for one in VECTORS["inputs"]]
every_limit = pytest.mark.parametrize("limit", VECTORS["by_value"])


def equal(got, wanted):
    for one, want in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one.ravel(), floats(want))


@every_limit
def test_by_global_norm_given_tensorflows_norm_is_its_bits(limit):
    want = VECTORS["by_global_norm"][limit]
    equal(jax.jit(clipping.clip_by_global_norm)(INPUTS, float(limit), floats(want["norm"])[0])[0], want["clipped"])
    np.testing.assert_allclose(clipping.global_norm(INPUTS), floats(want["norm"])[0], rtol=3e-7)


@every_limit
def test_by_value_is_tensorflows_bits_and_by_norm_within_the_sum_of_squares(limit):
    number = float(limit)
    equal([jax.jit(clipping.clip_by_value)(x, -number, number) for x in INPUTS], VECTORS["by_value"][limit])
    for x, want in zip(INPUTS, VECTORS["by_norm"][limit], strict=True):
        np.testing.assert_allclose(clipping.clip_by_norm(x, number).ravel(), floats(want), rtol=4e-7)


def test_transformations_are_the_functions_and_other_limits_compile_nothing(rng):
    grads = {"w": jnp.asarray(rng.normal(size=(5, 4)), jnp.float32), "b": jnp.zeros(3)}
    for make, want in [
        (clipping.by_global_norm, lambda c: clipping.clip_by_global_norm(grads, c)[0]),
        (clipping.by_norm, lambda c: jax.tree.map(lambda g: clipping.clip_by_norm(g, c), grads)),
        (lambda c: clipping.by_value(-c, c), lambda c: jax.tree.map(lambda g: clipping.clip_by_value(g, -c, c), grads)),
    ]:
        update = jax.jit(make(1.0).update)
        for limit in rng.uniform(0.1, 50, 3):
            got, _ = update(grads, make(float(limit)).init(grads))
            jax.tree.map(np.testing.assert_array_equal, got, want(float(limit)))
        assert update._cache_size() == 1


def test_an_infinite_norm_makes_all_nan_zeros_stay_and_bounds_pass_the_whole_gradient():
    clipped, _ = clipping.clip_by_global_norm([jnp.asarray([jnp.inf]), jnp.ones(2)], 1.0)
    assert all(np.isnan(one).all() for one in clipped)
    with jax.debug_nans(True):
        np.testing.assert_array_equal(clipping.clip_by_global_norm([jnp.zeros(2)], 1.0)[0][0], [0, 0])
        np.testing.assert_array_equal(clipping.clip_by_norm(jnp.zeros(2), 1.0), [0, 0])
    slope = jax.grad(lambda x: clipping.clip_by_value(x, -1.0, 1.0).sum())(jnp.asarray([-2, -1, 0, 1, 2.0]))
    np.testing.assert_array_equal(slope, [0, 1, 1, 1, 0])


def test_a_gradient_below_the_limit_changes_at_41():
    clipped, _ = clipping.clip_by_global_norm([jnp.ones(1)], 41.0)
    assert clipped[0] == np.float32(0.99999994)


def test_moving_averages_are_tensorflows_bits():
    run = FAMILY["exponential_moving_average"]
    plain = counted = ExponentialMovingAverage.of(jnp.float32(run["initial"]), run["decay"])
    step = jax.jit(ExponentialMovingAverage.apply)
    for k, value in enumerate(run["values"]):
        plain, counted = step(plain, jnp.float32(value)), step(counted, jnp.float32(value), k)
        assert (plain.average, counted.average) == (
            floats(run["plain"][k])[0],
            floats(run["with_num_updates_step"][k])[0],
        )


@pytest.mark.parametrize("limit", [0, -1.0, float("inf"), "x"])
def test_a_limit_that_is_none_is_refused(limit):
    for make in (clipping.by_global_norm, clipping.by_norm):
        with pytest.raises(ValueError, match="clip_norm is"):
            make(limit)
