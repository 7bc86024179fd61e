"""TensorFlow 1.x's `tf.losses`: one number of a batch, weighted (tensorflow/python/ops/losses/losses_impl.py).

labels, predictions, logits: one shape, [N, C] say. weights: a number, or an array of the losses' rank with each
dimension theirs or 1. reduction: a member of `Reduction` or its value. ValueError for other shapes and names.
"""

from enum import Enum

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxmlp.tf1 import elementwise_losses, losses


class Reduction(Enum):
    """`tf.losses.Reduction`: what becomes of the weighted losses. Zero divided by zero is zero, as TF's."""

    NONE = "none"  # left as they are
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"  # sum / number of losses
    MEAN = "weighted_mean"  # sum / sum of weights
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"  # sum / number of losses whose weight is not 0
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS


BY_NONZERO = Reduction.SUM_BY_NONZERO_WEIGHTS


def compute_weighted_loss(
    losses: ArrayLike, weights: ArrayLike = 1.0, reduction: Reduction | str = BY_NONZERO
) -> Array:
    """`tf.losses.compute_weighted_loss`, computed in float32 and returned in the losses' dtype."""
    reduction = _member(reduction)
    own, weight = jnp.asarray(losses), jnp.asarray(weights).astype(jnp.float32)
    fits = weight.ndim == own.ndim and all(w in (1, n) for w, n in zip(weight.shape, own.shape, strict=True))
    if weight.ndim and not fits:
        wanted = f"a number, or an array with each dimension 1 or that of the losses, {own.shape}"
        raise ValueError(f"weights have the shape {weight.shape}; they must be {wanted}")
    weighted = own.astype(jnp.float32) * weight
    if reduction is not Reduction.NONE:
        weighted = _divided(weighted.sum(), jnp.broadcast_to(weight, own.shape), reduction)
    return weighted.astype(own.dtype)


def softmax_cross_entropy(
    onehot_labels: ArrayLike,
    logits: ArrayLike,
    weights: ArrayLike = 1.0,
    label_smoothing: float = 0,
    reduction: Reduction | str = BY_NONZERO,
) -> Array:
    """`tf.losses.softmax_cross_entropy` of labels*(1-label_smoothing) + label_smoothing/C; no gradient by labels."""
    labels, x = losses.of_one_shape(onehot_labels=onehot_labels, logits=logits)
    if label_smoothing > 0:
        labels = labels * (1 - label_smoothing) + jnp.asarray(label_smoothing, x.dtype) / x.shape[-1]
    each = losses.softmax_cross_entropy_with_logits(labels=labels, logits=x)
    return compute_weighted_loss(each, weights, reduction)


def sparse_softmax_cross_entropy(
    labels: ArrayLike, logits: ArrayLike, weights: ArrayLike = 1.0, reduction: Reduction | str = BY_NONZERO
) -> Array:
    """`tf.losses.sparse_softmax_cross_entropy`: labels int [N] or [N, 1], logits [N, C], weights [N] or [N, 1]."""
    labels, x, weights = jnp.asarray(labels), jnp.asarray(logits), jnp.asarray(weights)
    if labels.ndim == x.ndim and labels.shape[-1:] == (1,):
        labels = labels[..., 0]
    if weights.ndim == labels.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    each = losses.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    return compute_weighted_loss(each, weights, reduction)


def sigmoid_cross_entropy(
    multi_class_labels: ArrayLike,
    logits: ArrayLike,
    weights: ArrayLike = 1.0,
    label_smoothing: float = 0,
    reduction: Reduction | str = BY_NONZERO,
) -> Array:
    """`tf.losses.sigmoid_cross_entropy` of labels*(1-label_smoothing) + label_smoothing/2."""
    labels, x = losses.of_one_shape(multi_class_labels=multi_class_labels, logits=logits)
    if label_smoothing > 0:
        labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
    return compute_weighted_loss(losses.sigmoid_cross_entropy_with_logits(labels=labels, logits=x), weights, reduction)


def mean_squared_error(
    labels: ArrayLike, predictions: ArrayLike, weights: ArrayLike = 1.0, reduction: Reduction | str = BY_NONZERO
) -> Array:
    """`tf.losses.mean_squared_error`: (p-y)**2 in float32, the mean over all elements, batch times classes."""
    y, p = _in_float32(labels, predictions)
    return compute_weighted_loss(elementwise_losses.squared_error(y, p), weights, reduction)


def absolute_difference(
    labels: ArrayLike, predictions: ArrayLike, weights: ArrayLike = 1.0, reduction: Reduction | str = BY_NONZERO
) -> Array:
    """`tf.losses.absolute_difference`: |p-y| in float32; gradient 0 where they are equal."""
    y, p = _in_float32(labels, predictions)
    return compute_weighted_loss(elementwise_losses.absolute_error(y, p), weights, reduction)


def huber_loss(
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike = 1.0,
    delta: float = 1.0,
    reduction: Reduction | str = BY_NONZERO,
) -> Array:
    """`tf.losses.huber_loss`: q*q/2 + delta*(e-q) in float32, e = |p-y|, q = min(e, delta)."""
    y, p = _in_float32(labels, predictions)
    return compute_weighted_loss(elementwise_losses.huber(y, p, delta), weights, reduction)


def log_loss(
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike = 1.0,
    epsilon: float = 1e-7,
    reduction: Reduction | str = BY_NONZERO,
    folded: bool = False,
) -> Array:
    """`tf.losses.log_loss`: -y*log(p+epsilon) - (1-y)*log((1-p)+epsilon) in float32, finite at p = 0 and 1.

    `folded`: (1+epsilon)-p instead, which at p = 1 and by default is 0.0000001192: loss 1 % less, gradient 16 %. TF's
    default session folds the constants so where the batch size is fixed in the graph, and without a gradient; not
    where it trains on a placeholder [None, …].
    """
    y, p = _in_float32(labels, predictions)
    return compute_weighted_loss(elementwise_losses.log_loss(y, p, epsilon, folded), weights, reduction)


def hinge_loss(
    labels: ArrayLike, logits: ArrayLike, weights: ArrayLike = 1.0, reduction: Reduction | str = BY_NONZERO
) -> Array:
    """`tf.losses.hinge_loss`: max(0, 1-(2*y-1)*x) in float32, labels y 0 or 1; gradient 0 at the kink."""
    y, x = _in_float32(labels, logits)
    return compute_weighted_loss(elementwise_losses.hinge(y, x), weights, reduction)


def _member(reduction: Reduction | str) -> Reduction:
    try:
        return Reduction(reduction)
    except ValueError:
        raise ValueError(f"reduction is {reduction!r}; it must be one of {[one.value for one in Reduction]}") from None


def _divided(total: Array, weights: Array, reduction: Reduction) -> Array:
    if reduction is Reduction.SUM:
        return total
    count = {
        Reduction.MEAN: weights,
        Reduction.SUM_OVER_BATCH_SIZE: jnp.ones_like(weights),
        Reduction.SUM_BY_NONZERO_WEIGHTS: (weights != 0).astype(jnp.float32),
    }[reduction].sum()
    empty = count == 0
    return jnp.where(empty, 0, total / jnp.where(empty, 1, count))


def _in_float32(labels: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array]:
    return losses.of_one_shape(labels=labels, predictions=jnp.asarray(predictions).astype(jnp.float32))
