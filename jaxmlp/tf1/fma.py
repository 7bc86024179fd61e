"""One rounding for each product, as in TensorFlow 1.15's wheel: it was built without fused multiply-add (FMA)."""

import jax.numpy as jnp
from jax import Array


def rounded(product: Array, like: Array) -> Array:
    """`product` itself, but XLA cannot contract it with an addition that follows, under `jit` or not.

    `like`: anything that is NaN wherever the product is, a factor say, but not known to be a number: not made of
    integers. XLA sees a choice between the two and must round the product before it is made. `optimization_barrier`
    and `reduce_precision` do not do this; nor is there a NaN here that `jax_debug_nans` could find.
    """
    return jnp.where(product == product, product, like)
