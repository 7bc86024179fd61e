"""Batch normalization against TensorFlow 1.15.5's numbers, and what moves its averages."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import VECTORS, array, assert_within

from jaxmlp.tf1.batch_normalization import Moments, batch_normalization, initial_moments

KEPT = VECTORS["batch_normalization"]
X, GRAD = array(KEPT["x"]), array(KEPT["grad_ys"])
FEATURES = X.shape[1]
GAMMA, BETA = jnp.ones(FEATURES), jnp.zeros(FEATURES)

normalize = jax.jit(batch_normalization, static_argnames="training")


def test_training_output_and_gradient_are_tensorflows():
    value, back = jax.vjp(lambda x: normalize(x, GAMMA, BETA, initial_moments(FEATURES), training=True)[0], X)
    assert_within(1e-6, value, array(KEPT["train"], X.shape))
    assert_within(1e-6, back(GRAD)[0], array(KEPT["gradient"], X.shape))


def test_averages_after_each_update_and_the_inference_after_three_are_tensorflows():
    moving = initial_moments(FEATURES)
    for scale, kept in zip((1, 2, 3), KEPT["moving"], strict=True):
        _, moving = normalize(X * np.float32(scale), GAMMA, BETA, moving, training=True)
        assert_within(1e-6, moving.mean, array(kept["moving_mean"]))
        assert_within(1e-6, moving.variance, array(kept["moving_variance"]))
    output, unmoved = normalize(X, GAMMA, BETA, moving, training=False)
    assert_within(1e-6, output, array(KEPT["test_after_3"], X.shape))
    assert all((a == b).all() for a, b in zip(unmoved, moving, strict=True))


def test_a_traced_flag_chooses_as_a_plain_one(rng):
    moving = Moments(*rng.uniform(0.5, 2, (2, FEATURES)).astype(np.float32))
    for flag in (True, False):
        plain = batch_normalization(X, GAMMA, BETA, moving, flag)
        traced = jax.jit(batch_normalization)(X, GAMMA, BETA, moving, jnp.array(flag))
        for ours, theirs in zip(jax.tree.leaves(traced), jax.tree.leaves(plain), strict=True):
            assert_within(1e-6, ours, theirs)


def test_a_constant_feature_becomes_exactly_zero_under_jit_too(rng):
    gamma = rng.uniform(0.5, 2, FEATURES).astype(np.float32)
    x = np.full((16, FEATURES), rng.integers(64, 640, FEATURES) / 64, np.float32)  # so short that its mean is exact
    output, _ = normalize(x, gamma, BETA, initial_moments(FEATURES), training=True, epsilon=1e-5)
    assert (output == 0).all()


def test_gamma_and_beta_have_the_gradients_of_the_formula_and_may_be_left_out(rng):
    moving = initial_moments(FEATURES)
    plain, _ = batch_normalization(X, None, None, moving, training=True)
    by_gamma, by_beta = jax.grad(
        lambda *scaling: (batch_normalization(X, *scaling, moving, training=True)[0] * GRAD).sum(), (0, 1)
    )(GAMMA, BETA)
    assert_within(2e-6, by_gamma, (plain * GRAD).sum(0))
    assert_within(2e-6, by_beta, GRAD.sum(0))


@pytest.mark.parametrize("shape", [(6,), (2, 3, 3, 6)])
def test_ranks_of_another_kernel_are_refused(shape):
    with pytest.raises(ValueError, match="of rank"):
        batch_normalization(np.ones(shape, np.float32), GAMMA, BETA, initial_moments(FEATURES))


def test_a_vector_of_another_length_is_refused_by_name():
    with pytest.raises(ValueError, match="beta has shape"):
        batch_normalization(X, GAMMA, jnp.zeros(FEATURES + 1), initial_moments(FEATURES))
