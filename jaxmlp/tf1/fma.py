"""One rounding for each product, as in TensorFlow 1.15's wheel: it was built without fused multiply-add (FMA)."""

import jax.numpy as jnp
from jax import Array


def rounded(product: Array, factor: Array) -> Array:
    """`product` itself, but XLA cannot contract it with an addition that follows, under `jit` or not.

    `factor`: one of its factors, NaN wherever the product is (so never inf times 0). XLA sees a choice between the
    two and must round the product before it is made. `optimization_barrier` and `reduce_precision` do not do this.
    """
    return jnp.where(product == product, product, factor)
