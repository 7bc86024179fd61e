"""Bytes times float32 weights at float32 accuracy: the first layer of every engine, forward and backward.

A byte is exact in bfloat16, and a float32 is the exact sum of three bfloat16 (8 + 8 + 8 bits): three bf16 passes do
what a general float32 product needs six or nine for. Products of bytes and bf16 parts are exact; only the sums round.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp.engine.base import ByteMatmul


def float32(images: Array, weights: Array) -> Array:
    """uint8 [N, P] @ float [P, H] -> float [N, H] in the weights' own dtype, never in a device's faster default."""
    return jnp.matmul(images.astype(weights.dtype), weights, precision=jax.lax.Precision.HIGHEST)


@jax.custom_vjp
def bf16x3(images: Array, weights: Array) -> Array:
    """uint8 [N, P] @ float32 [P, H] -> float32 [N, H] in three bf16 passes; the weights' gradient likewise."""
    return _three_passes("np,ph->nh", images, weights)


def _forward(images: Array, weights: Array) -> tuple[Array, Array]:
    return bf16x3(images, weights), images


def _backward(images: Array, grad: Array) -> tuple[None, Array]:
    return None, _three_passes("np,nh->ph", images, grad)


bf16x3.defvjp(_forward, _backward)


@functools.cache  # one product, one compiled program
def skipping_settled(byte_matmul: ByteMatmul) -> ByteMatmul:
    """The same product, whose weight gradient leaves out images without a gradient: rows of zeros, exactly.

    Most images have none from step 20 on, see docs/architecture.md. The rows with a gradient are taken first, then as
    many zeros as fill the next of a few static sizes. Under `jax.vmap` all sizes are computed: do not use it there.
    """

    @jax.custom_vjp
    def product(images: Array, weights: Array) -> Array:
        return byte_matmul(images, weights)

    def forward(images: Array, weights: Array) -> tuple[Array, tuple[Array, Array]]:
        return product(images, weights), (images, weights)

    def backward(saved: tuple[Array, Array], grad: Array) -> tuple[None, Array]:
        images, weights = saved
        unsettled = (grad != 0).any(axis=1)
        order = jnp.argsort(~unsettled)
        sizes = sorted({-(-len(grad) // parts) for parts in SETTLED_PARTS})

        def weight_gradient(size: int) -> Array:
            rows = order[:size] if size < len(grad) else slice(None)
            return jax.vjp(lambda w: byte_matmul(images[rows], w), weights)[1](grad[rows])[0]

        smallest = (unsettled.sum(dtype=jnp.int32) > jnp.array(sizes[:-1], jnp.int32)).sum(dtype=jnp.int32)
        return None, jax.lax.switch(smallest, [functools.partial(weight_gradient, size) for size in sizes])

    product.defvjp(forward, backward)
    return product


def three_parts(x: Array) -> tuple[Array, Array, Array]:
    """float32 -> three bfloat16 whose sum is exactly x, while x's lowest bits are normal bfloat16 numbers.

    The parts are cut by masking bits: XLA may keep the excess precision of a float32 -> bfloat16 -> float32 round
    trip, and the remainder would come out as zero.
    """

    def head(x: Array) -> Array:
        bits = jax.lax.bitcast_convert_type(x, jnp.uint32) & jnp.uint32(0xFFFF0000)
        return jax.lax.bitcast_convert_type(bits, jnp.float32)

    high = head(x)
    middle = head(x - high)
    low = (x - high) - middle
    return high.astype(jnp.bfloat16), middle.astype(jnp.bfloat16), low.astype(jnp.bfloat16)


def _three_passes(subscripts: str, images: Array, other: Array) -> Array:
    """Smallest part first, so that its sum is not lost against the large ones."""
    pixels = images.astype(jnp.bfloat16)
    high, middle, low = (
        jnp.einsum(subscripts, pixels, part, preferred_element_type=jnp.float32) for part in three_parts(other)
    )
    return (low + middle) + high


SETTLED_PARTS = (1, 2, 4)  # a tile's rows, or half or a quarter of them; more cost compilation, fewer arithmetic

PRODUCTS: dict[str, ByteMatmul] = {"float32": float32, "bf16x3": bf16x3}
