"""TensorFlow 1.x's softmax and log_softmax (tensorflow/core/kernels/softmax_op_functor.h; nn_grad.py).

Their sums are added up in another order than TF's, and exp is JAX's: values within 1e-6 of themselves.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

One = tuple[Array]


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def softmax(logits: Array, axis: int = -1) -> Array:
    """`tf.nn.softmax`: exp(x-max)/sum along `axis`. Gradient (g - sum(g*y))*y."""
    powers = jnp.exp(_shifted(logits, axis))
    return powers / powers.sum(axis, keepdims=True)


@softmax.defjvp
def _softmax_jvp(axis: int, primals: One, tangents: One) -> tuple[Array, Array]:
    y = softmax(*primals, axis)
    scaled = tangents[0] * y  # in this order the transpose rounds as TF's gradient does
    return y, scaled - y * scaled.sum(axis, keepdims=True)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def log_softmax(logits: Array, axis: int = -1) -> Array:
    """`tf.nn.log_softmax`: s - log(sum(exp(s))), s = x-max along `axis`. Gradient g - sum(g)*exp(y)."""
    shifted = _shifted(logits, axis)
    return shifted - jnp.log(jnp.exp(shifted).sum(axis, keepdims=True))


@log_softmax.defjvp
def _log_softmax_jvp(axis: int, primals: One, tangents: One) -> tuple[Array, Array]:
    y = log_softmax(*primals, axis)
    return y, tangents[0] - (jnp.exp(y) * tangents[0]).sum(axis, keepdims=True)


def _shifted(logits: Array, axis: int) -> Array:
    return logits - logits.max(axis, keepdims=True)
