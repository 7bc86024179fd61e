"""Bytes times float32 weights: the three-way split is exact, and three bf16 passes lose nothing against float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp.engine import byte_matmul


def _float32s(rng, size) -> np.ndarray:
    """Of all magnitudes whose lowest bits bfloat16 can still hold."""
    return (rng.normal(size=size) * 2.0 ** rng.integers(-60, 60, size)).astype(np.float32)


def test_split_is_exact_and_in_bfloat16(rng):
    x = _float32s(rng, 100_000)
    parts = jax.jit(byte_matmul.three_parts)(x)
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

    error = {name: np.linalg.norm(product(f) - exact) for name, f in byte_matmul.PRODUCTS.items()}
    assert error["bf16x3"] <= 1.25 * error["float32"]
    assert error["bf16x3"] <= 3e-7 * np.linalg.norm(exact)


def test_two_passes_would_be_noticed(digits, rng):
    """The reference above is sharp enough: leaving out the lowest part shows."""
    weights = rng.normal(size=(784, 64)).astype(np.float32)
    high, middle, _ = (np.asarray(part, np.float64) for part in byte_matmul.three_parts(jnp.asarray(weights)))
    pixels = digits.train.images.astype(np.float64)
    exact = pixels @ weights.astype(np.float64)
    assert np.linalg.norm(pixels @ (high + middle) - exact) > 5e-7 * np.linalg.norm(exact)


SIZES = [-(-101 // parts) for parts in byte_matmul.SETTLED_PARTS]


@pytest.mark.parametrize("unsettled", sorted({0, 1, *SIZES, *(size + 1 for size in SIZES if size < 101)}))
def test_skipping_settled_images_leaves_out_nothing_but_zeros(digits, rng, unsettled):
    images = jnp.asarray(digits.train.images[:101])
    grad = rng.normal(size=(101, 32)).astype(np.float32)
    grad[rng.permutation(101)[unsettled:]] = 0
    weights = jnp.zeros((784, 32), jnp.float32)
    plain, skipping = (
        jax.jit(lambda w, f=f: jax.vjp(lambda w: f(images, w), w)[1](jnp.asarray(grad))[0])(weights)
        for f in (byte_matmul.float32, byte_matmul.skipping_settled(byte_matmul.float32))
    )
    np.testing.assert_allclose(skipping, plain, atol=1e-6 * max(1.0, float(np.abs(plain).max())))


def test_one_unsettled_image_is_never_skipped_wherever_it_stands(digits, rng):
    product = byte_matmul.skipping_settled(byte_matmul.float32)
    images, weights = jnp.asarray(digits.train.images[:40]), jnp.zeros((784, 3), jnp.float32)
    gradient = jax.jit(lambda g: jax.vjp(lambda w: product(images, w), weights)[1](g)[0])
    for row in rng.permutation(40)[:10]:
        grad = np.zeros((40, 3), np.float32)
        grad[row, 1] = 1.0
        expected = np.zeros((784, 3))
        expected[:, 1] = images[row]
        np.testing.assert_array_equal(gradient(grad), expected)


def test_gradient_that_is_not_a_number_is_not_taken_for_settled(digits):
    product = byte_matmul.skipping_settled(byte_matmul.float32)
    images, weights = jnp.asarray(digits.train.images[1:41]), jnp.zeros((784, 3), jnp.float32)
    grad = np.zeros((40, 3), np.float32)
    grad[17] = np.nan
    assert np.isnan(jax.vjp(lambda w: product(images, w), weights)[1](jnp.asarray(grad))[0]).any()
