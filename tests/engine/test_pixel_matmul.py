"""Bytes times float32 weights: the three-way split is exact, and three bf16 passes lose nothing against float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp.engine import pixel_matmul


def _float32s(rng, size) -> np.ndarray:
    """Of all magnitudes whose lowest bits bfloat16 can still hold."""
    return (rng.normal(size=size) * 2.0 ** rng.integers(-60, 60, size)).astype(np.float32)


def test_split_is_exact_and_in_bfloat16(rng):
    x = _float32s(rng, 100_000)
    parts = jax.jit(pixel_matmul.split)(x)
    assert {part.dtype for part in parts} == {jnp.dtype(jnp.bfloat16)}
    np.testing.assert_array_equal(sum(np.asarray(part, np.float64) for part in parts), x.astype(np.float64))


def test_every_byte_is_exact_in_bfloat16():
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(jnp.asarray(every).astype(jnp.bfloat16).astype(jnp.int32), every)


@pytest.mark.parametrize("gradient", [False, True], ids=["forward", "weight-gradient"])
def test_three_passes_are_at_least_as_accurate_as_float32(digits, rng, gradient):
    images = digits.train.images
    if gradient:
        other = rng.normal(size=(len(images), 64)).astype(np.float32)
        exact = images.T.astype(np.float64) @ other.astype(np.float64)

        def product(matmul):
            weights = jnp.zeros((784, 64), jnp.float32)
            return jax.jit(lambda w: jax.vjp(lambda w: matmul(images, w), w)[1](jnp.asarray(other))[0])(weights)
    else:
        other = rng.normal(size=(784, 64)).astype(np.float32)
        exact = images.astype(np.float64) @ other.astype(np.float64)

        def product(matmul):
            return jax.jit(matmul)(images, other)

    error = {name: np.linalg.norm(product(f) - exact) for name, f in pixel_matmul.ARITHMETIC.items()}
    assert error["bf16x3"] <= 1.25 * error["float32"]
    assert error["bf16x3"] <= 3e-7 * np.linalg.norm(exact)


def test_two_passes_would_be_noticed(digits, rng):
    """The reference above is sharp enough: leaving out the lowest part shows."""
    weights = rng.normal(size=(784, 64)).astype(np.float32)
    high, middle, _ = (np.asarray(part, np.float64) for part in pixel_matmul.split(jnp.asarray(weights)))
    pixels = digits.train.images.astype(np.float64)
    exact = pixels @ weights.astype(np.float64)
    assert np.linalg.norm(pixels @ (high + middle) - exact) > 5e-7 * np.linalg.norm(exact)
