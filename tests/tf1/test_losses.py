"""Losses against the numbers of TensorFlow 1.15.5, and its gradients where JAX has others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import VECTORS, array, assert_within

from jaxmlp.tf1 import losses as nn
from jaxmlp.tf1 import weighted_losses as tf1
from jaxmlp.tf1.softmax import softmax

KEPT = VECTORS["losses"]


def _mean_of(function):
    return lambda x, y: function(labels=y, logits=x).mean()


def _of_probabilities(**options):
    def loss(x, y):
        return nn.cross_entropy_of_probabilities(labels=y, probabilities=softmax(x), **options)

    return loss


LOSSES = {
    "xent_v2": _mean_of(nn.softmax_cross_entropy_with_logits_v2),
    "xent_v1": _mean_of(nn.softmax_cross_entropy_with_logits),
    "sparse": lambda x, y: nn.sparse_softmax_cross_entropy_with_logits(labels=y.argmax(1), logits=x).mean(),
    "sig": _mean_of(nn.sigmoid_cross_entropy_with_logits),
    "l_sm": lambda x, y: tf1.softmax_cross_entropy(y, x),
    "l_sm_s": lambda x, y: tf1.softmax_cross_entropy(y, x, label_smoothing=0.1),
    "l_sp": lambda x, y: tf1.sparse_softmax_cross_entropy(y.argmax(1), x),
    "l_sig": lambda x, y: tf1.sigmoid_cross_entropy(y, x),
    "l_mse": lambda x, y: tf1.mean_squared_error(y, softmax(x)),
    "l_abs": lambda x, y: tf1.absolute_difference(y, softmax(x)),
    "l_log": lambda x, y: tf1.log_loss(y, softmax(x)),
    "l_huber": lambda x, y: tf1.huber_loss(y, x),
    "l_hinge": lambda x, y: tf1.hinge_loss(y, x),
    "naive_sum": lambda x, y: _of_probabilities()(x, y).sum(),
    "naive": lambda x, y: _of_probabilities()(x, y).mean(),
    "clip": lambda x, y: _of_probabilities(clip_value_min=1e-10)(x, y).sum(),
    "eps": lambda x, y: _of_probabilities(epsilon=1e-10)(x, y).sum(),
    "l2": lambda x, y: nn.l2_loss(x),
}


@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_tensorflows(name):
    both = jax.jit(jax.value_and_grad(LOSSES[name]))
    for kept in KEPT.values():
        logits, labels = array(kept["logits"]), array(kept["labels"])
        value, gradient = both(logits, labels)
        assert_within(1e-6, value, array(kept["runs"][name]["value"], ()))
        rounding = 2**-23 / logits.size  # of what a mean sends back to each element, where all cancels (labels of 0)
        assert_within(2e-6, gradient, array(kept["runs"][name]["gradient"], logits.shape), rounding)


def test_the_gradient_is_softmax_minus_labels_whatever_these_sum_to(rng):
    x, y = rng.standard_normal((2, 7, 5)).astype(np.float32)
    for function in (nn.softmax_cross_entropy_with_logits_v2, nn.softmax_cross_entropy_with_logits):
        gradient = jax.grad(lambda x, f=function: f(labels=y, logits=x).sum())(x)
        assert_within(1e-6, gradient, softmax(x) - y)
    over_rows = jax.grad(lambda x: nn.softmax_cross_entropy_with_logits(labels=y, logits=x, axis=0).sum())(x)
    assert_within(1e-6, over_rows, softmax(x, 0) - y)


def test_only_the_second_version_differentiates_into_labels(rng):
    x, y = rng.standard_normal((2, 7, 5)).astype(np.float32)
    by_labels = jax.grad(lambda y, f: f(labels=y, logits=x).sum())
    assert_within(1e-6, by_labels(y, nn.softmax_cross_entropy_with_logits_v2), -np.log(softmax(x)))
    assert not by_labels(y, nn.softmax_cross_entropy_with_logits).any()


def test_a_label_without_its_class_is_refused_or_nan_under_jit():
    x, labels = jnp.zeros((3, 4)), jnp.array([0, 4, -1])
    with pytest.raises(ValueError, match="labels are -1 to 4; they must lie in 0 to 3"):
        nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    loss = jax.jit(lambda x, labels: nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x))
    gradient = jax.grad(lambda x: loss(x, labels).sum())(x)
    np.testing.assert_array_equal(np.isnan(loss(x, labels)), [False, True, True])
    np.testing.assert_array_equal(np.isnan(gradient).all(1), [False, True, True])


def test_a_plain_and_a_sparse_minus_infinity_are_tensorflows():
    x, labels = jnp.array([[0.0, -np.inf, 1], [-np.inf, 0, 1]]), jnp.array([0, 0])
    sparse = nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    dense = nn.softmax_cross_entropy_with_logits(labels=jax.nn.one_hot(labels, 3), logits=x)
    np.testing.assert_allclose(sparse, [1.3132616, np.inf])
    np.testing.assert_array_equal(dense, [np.nan, np.inf])


def test_good_labels_make_no_nan_on_the_way(rng):
    x, labels = rng.standard_normal((6, 4)).astype(np.float32), rng.integers(0, 4, 6, np.int32)
    with jax.debug_nans(True):
        nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
        tf1.mean_squared_error(x, x, weights=0.0)


def test_weighted_cross_entropy_is_one_minus_the_target_at_zero(rng):
    z = rng.random(5).astype(np.float32)
    gradient = jax.grad(lambda x: nn.weighted_cross_entropy_with_logits(targets=z, logits=x, pos_weight=3.0).sum())(
        jnp.zeros(5)
    )
    assert_within(1e-6, gradient, 1 - z)
    x = rng.standard_normal(5).astype(np.float32)
    one = nn.weighted_cross_entropy_with_logits(targets=z, logits=x, pos_weight=1.0)
    terms = 1e-6 * np.abs(x).max()  # they cancel where the target is the logit's sign
    assert_within(1e-6, one, nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x), terms)


@pytest.mark.parametrize(
    ("reduction", "divisor"),
    [
        ("weighted_sum", lambda weights: 1),
        ("weighted_sum_over_batch_size", np.size),
        ("weighted_mean", np.sum),
        (tf1.Reduction.SUM_BY_NONZERO_WEIGHTS, np.count_nonzero),
    ],
)
def test_each_reduction_divides_by_its_own_count(reduction, divisor, rng):
    each = rng.random((6, 4)).astype(np.float32)
    for weights in (2.5, rng.integers(0, 3, (6, 1)) + np.eye(6, 1), rng.integers(0, 3, (6, 4)) + np.eye(6, 4)):
        full = np.broadcast_to(weights, each.shape)
        loss = tf1.compute_weighted_loss(each, np.asarray(weights, np.float32), reduction)
        np.testing.assert_allclose(loss, (each * full).sum() / divisor(full), rtol=1e-5)
    assert tf1.compute_weighted_loss(each, 0.0, reduction) == 0
    np.testing.assert_array_equal(tf1.compute_weighted_loss(each, 2.0, "none"), 2 * each)


def test_log_loss_at_one_is_as_written_under_jit_and_folded_where_asked():
    for folded, near in ((False, 1e-7), (True, 2.0**-23)):
        both = jax.jit(jax.value_and_grad(lambda p, f=folded: tf1.log_loss(jnp.zeros(1), p, folded=f)))
        value, gradient = both(jnp.ones(1))
        np.testing.assert_allclose(value, -np.log(near), rtol=1e-6)
        np.testing.assert_allclose(gradient, [1 / near], rtol=1e-6)


def test_equal_predictions_have_no_gradient_of_their_absolute_difference(rng):
    x = rng.standard_normal(5).astype(np.float32)
    assert not jax.grad(lambda p: tf1.absolute_difference(x, p))(x).any()


def test_huber_gradient_is_not_doubled_at_delta():
    assert jax.grad(lambda p: tf1.huber_loss(0.0, p, delta=2.0))(2.0) == 2


def test_clipped_probabilities_have_the_whole_gradient_at_a_bound_and_none_beyond():
    p = jnp.array([[1e-10, 1e-12, 1.0]])
    loss = jax.grad(
        lambda p: nn.cross_entropy_of_probabilities(
            labels=jnp.ones((1, 3)), probabilities=p, clip_value_min=1e-10
        ).sum()
    )
    np.testing.assert_allclose(loss(p), [[-1e10, 0, -1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda a: nn.softmax_cross_entropy_with_logits(labels=a, logits=a[0]), r"labels \(3, 2\) and logits \(2,\)"),
        (lambda a: nn.sparse_softmax_cross_entropy_with_logits(labels=a, logits=a), "want integers"),
        (lambda a: tf1.mean_squared_error(a, a, weights=a[0]), r"weights have the shape \(2,\)"),
        (lambda a: tf1.hinge_loss(a, a, reduction="mean"), "reduction is 'mean'; it must be one of"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, said):
    with pytest.raises(ValueError, match=said):
        call(jnp.ones((3, 2)))
