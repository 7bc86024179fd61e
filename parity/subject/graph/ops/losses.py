"""Losses that are one op each. Their second output is the gradient by the logits, which comes with them."""

import jax
import jax.numpy as jnp

from jaxmlp.tf1 import losses, softmax
from parity.subject.graph.values import Op, Value, plain


def _softmax_cross_entropy(logits: Value, labels: Value) -> tuple[Value, Value]:
    """[N, C] twice, one of which may have one row -> [N], and softmax - labels [N, C]."""
    logits, labels = jnp.broadcast_arrays(jnp.asarray(logits), jnp.asarray(labels))
    loss = losses.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    return loss, softmax.softmax(logits) - labels


def _sparse_softmax_cross_entropy(logits: Value, labels: Value) -> tuple[Value, Value]:
    """logits [N, C], labels int [N] -> [N], and softmax - one_hot [N, C]."""
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    loss = losses.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return loss, softmax.softmax(logits) - jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)


TABLE: dict[str, Op] = {
    "SoftmaxCrossEntropyWithLogits": plain(_softmax_cross_entropy),
    "SparseSoftmaxCrossEntropyWithLogits": plain(_sparse_softmax_cross_entropy),
    "L2Loss": plain(losses.l2_loss),
}
