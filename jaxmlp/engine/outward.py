"""Lengths and norms rounded outward: never below what they are in real numbers. Serves `lengths` and `screening`.

A sum of n products is off by n roundings of the sum of their sizes at most, in whatever order it is summed. (Higham,
Accuracy and Stability of Numerical Algorithms, section 3.1.)
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

OUTWARD = 1 + 2.0**-12  # what a bound's own few sums and products of positive numbers may lose, generously


def unit(array: Array) -> float:
    """What a rounding loses at most, and a hundredth more, so that n of them lose n of these (n < 100,000)."""
    return 1.01 * float(jnp.finfo(array.dtype).eps) / 2


def norm(array: Array, axis: int | None = None) -> Array:
    """Its length, or those along an axis."""
    count = array.size if axis is None else array.shape[axis]
    return jnp.linalg.norm(array, axis=axis) * (1 + unit(array) * count)


def length(biases: Array | None) -> Any:
    """Of a layer's biases, which it may not have."""
    return 0.0 if biases is None else norm(biases)


def spectral(matrix: Array) -> Array:
    """An upper bound of the largest singular value, that of Schatten's 8-norm; near it where one value stands out.

    From M Mᵀ, its square, and that one's Frobenius norm; how far each product may be rounded is added.
    """
    narrow = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    gram = product(narrow, narrow.T)
    square = norm(product(gram, gram)) + unit(gram) * len(gram) * norm(gram) ** 2
    return OUTWARD * jnp.sqrt(jnp.sqrt(square) + unit(gram) * narrow.shape[1] * norm(narrow) ** 2)


def gaps(weights: Array) -> Array:
    """[C, C]: lengths of the differences of the columns of [H, C]."""
    return norm(weights[:, :, None] - weights[:, None, :], axis=0)


def product(a: Array, b: Array) -> Array:
    """Never in a device's faster default."""
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)
