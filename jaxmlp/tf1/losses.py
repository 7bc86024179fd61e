"""TensorFlow 1.x's losses, an example each (`tf.nn`); jax.numpy. `weighted_losses` has those of `tf.losses`.

Values and gradients are TF's within a few float32 roundings: sums are added up in another order, exp and log are JAX's.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from jaxmlp.tf1.kinks import absolute, clip_by_value
from jaxmlp.tf1.softmax import log_softmax, softmax

Pair = tuple[Array, Array]


def softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    """`tf.nn.softmax_cross_entropy_with_logits_v2` of one-hot labels: logits float [N, C], labels uint8 [N] -> [N]."""
    shifted = logits - jax.lax.stop_gradient(logits.max(axis=1, keepdims=True))
    one_hot = labels.astype(jnp.int32)[:, None] == jnp.arange(logits.shape[1], dtype=jnp.int32)[None]
    own = jnp.where(one_hot, shifted, 0).sum(axis=1)  # an index here would make the gradient a scatter
    return jnp.log(jnp.exp(shifted).sum(axis=1)) - own


def softmax_cross_entropy_with_logits_v2(*, labels: ArrayLike, logits: ArrayLike, axis: int = -1) -> Array:
    """`tf.nn.softmax_cross_entropy_with_logits_v2`: sum(labels*(log(sum(exp(s))) - s)), s = logits - max, along `axis`.

    labels, logits: float of one shape, [N, C] -> [N]. The gradient by logits is softmax - labels, whatever the labels
    sum to (an all-zero row: loss 0, gradient softmax); by labels -log_softmax. A logit of -inf makes the loss NaN
    even where its label is 0. Kernel: xent_op.h. Raises ValueError for two shapes.
    """
    labels, logits = of_one_shape(labels=labels, logits=logits)
    return _cross_entropy(jnp.moveaxis(labels, axis, -1), jnp.moveaxis(logits, axis, -1))


def softmax_cross_entropy_with_logits(*, labels: ArrayLike, logits: ArrayLike, axis: int = -1) -> Array:
    """`tf.nn.softmax_cross_entropy_with_logits`: `…_v2` without a gradient by labels."""
    return softmax_cross_entropy_with_logits_v2(labels=jax.lax.stop_gradient(labels), logits=logits, axis=axis)


def sparse_softmax_cross_entropy_with_logits(*, labels: ArrayLike, logits: ArrayLike) -> Array:
    """`tf.nn.sparse_softmax_cross_entropy_with_logits`: labels int [...] from 0 to C-1, logits float [..., C] -> [...].

    Gradient softmax - one_hot. A label outside raises ValueError where its value is known, and under `jit` makes its
    row NaN, loss and gradient, as TF's CPU and GPU kernels do (sparse_xent_op.h). ValueError for shapes and dtypes too.
    """
    labels, logits = jnp.asarray(labels), jnp.asarray(logits)
    if not jnp.issubdtype(labels.dtype, jnp.integer) or labels.shape != logits.shape[:-1] or logits.ndim == 0:
        wanted = f"logits {logits.shape} want integers {logits.shape[:-1]}"
        raise ValueError(f"labels are {labels.dtype} {labels.shape}; {wanted}")
    classes = logits.shape[-1]
    if not isinstance(labels, Tracer) and not ((labels >= 0) & (labels < classes)).all():
        raise ValueError(f"labels are {labels.min()} to {labels.max()}; they must lie in 0 to {classes - 1}")
    return _sparse_cross_entropy(labels, logits)


def sigmoid_cross_entropy_with_logits(*, labels: ArrayLike, logits: ArrayLike) -> Array:
    """`tf.nn.sigmoid_cross_entropy_with_logits`: max(x, 0) - x*z + log1p(exp(-|x|)), elementwise; x logits, z labels.

    Differentiable by both. Raises ValueError for two shapes.
    """
    z, x = of_one_shape(labels=labels, logits=logits)
    positive = x >= 0
    return jnp.where(positive, x, 0) - x * z + jnp.log1p(jnp.exp(jnp.where(positive, -x, x)))


def weighted_cross_entropy_with_logits(*, targets: ArrayLike, logits: ArrayLike, pos_weight: ArrayLike) -> Array:
    """`tf.nn.weighted_cross_entropy_with_logits`: (1-z)*x + (1+(w-1)*z)*(log1p(exp(-|x|)) + max(-x, 0)), elementwise.

    z targets, x logits, w pos_weight. Its gradient at x = 0 is 1-z, for there |x| and max(-x, 0) have none, as in TF.
    Raises ValueError where targets and logits have two shapes.
    """
    z, x = of_one_shape(targets=targets, logits=logits)
    weight = 1 + (jnp.asarray(pos_weight, x.dtype) - 1) * z
    return (1 - z) * x + weight * (jnp.log1p(jnp.exp(-absolute(x))) + jax.nn.relu(-x))


def cross_entropy_of_probabilities(
    *, labels: ArrayLike, probabilities: ArrayLike, epsilon: float = 0.0, clip_value_min: float | None = None
) -> Array:
    """`-tf.reduce_sum(labels * tf.log(probabilities), 1)`, the first tutorials' loss: float [..., C] twice -> [...].

    `epsilon`: `tf.log(probabilities + epsilon)`. `clip_value_min`: `tf.log(tf.clip_by_value(probabilities,
    clip_value_min, 1.0))`, without a gradient through clipped entries. With neither, a probability that underflows
    to 0 makes its row NaN, value and gradient. Raises ValueError for two shapes.
    """
    labels, p = of_one_shape(labels=labels, probabilities=probabilities)
    flushed = p - jax.lax.stop_gradient(p)
    p = jnp.where(jnp.abs(p) < jnp.finfo(p.dtype).tiny, flushed, p)  # no denormals, as in XLA on CPUs only
    if clip_value_min is not None:
        p = clip_by_value(p, clip_value_min, 1.0)
    return -(labels * jnp.log(p + epsilon)).sum(-1)


def l2_loss(t: ArrayLike) -> Array:
    """`tf.nn.l2_loss`: sum(t*t)/2, a scalar; no square root. Gradient t."""
    return jnp.square(jnp.asarray(t)).sum() / 2


def of_one_shape(**named: ArrayLike) -> Pair:
    """Two arrays of one shape, the first in the second's dtype; ValueError with their names for two shapes."""
    (first, labels), (second, logits) = ((name, jnp.asarray(array)) for name, array in named.items())
    if labels.shape != logits.shape:
        raise ValueError(f"{first} {labels.shape} and {second} {logits.shape} must have one shape")
    if not jnp.issubdtype(logits.dtype, jnp.floating):
        raise ValueError(f"{second} are {logits.dtype}; they must be float")
    return labels.astype(logits.dtype), logits


@jax.custom_jvp
def _cross_entropy(labels: Array, logits: Array) -> Array:
    shifted = logits - logits.max(-1, keepdims=True)
    return (labels * (jnp.log(jnp.exp(shifted).sum(-1, keepdims=True)) - shifted)).sum(-1)


def _cross_entropy_jvp(primals: Pair, tangents: Pair) -> Pair:
    labels, logits = primals
    by_labels, by_logits = tangents
    loss = _cross_entropy(labels, logits)
    tangent = jnp.zeros_like(loss)
    if not isinstance(by_logits, SymbolicZero):
        tangent += (by_logits * (softmax(logits) - labels)).sum(-1)
    if not isinstance(by_labels, SymbolicZero):  # 0 times log_softmax would be NaN where that is infinite
        tangent -= (by_labels * log_softmax(logits)).sum(-1)
    return loss, tangent


_cross_entropy.defjvp(_cross_entropy_jvp, symbolic_zeros=True)


def _sparse_cross_entropy(labels: Array, logits: Array) -> Array:
    """Chosen by comparison: an index would make the gradient a scatter."""
    one_hot = labels[..., None] == jnp.arange(logits.shape[-1], dtype=labels.dtype)
    shifted = logits - jax.lax.stop_gradient(logits.max(-1, keepdims=True))
    loss = jnp.log(jnp.exp(shifted).sum(-1)) - jnp.where(one_hot, shifted, 0).sum(-1)
    return loss * jnp.where(one_hot.any(-1), 1, jnp.nan).astype(loss.dtype)
