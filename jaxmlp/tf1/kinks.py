"""TensorFlow 1.x's maximum, minimum, clip_by_value, abs and argmax: at ties, kinks and NaN they are not jnp's.

Gradients: tensorflow/python/ops/math_grad.py; values: Eigen's, in the order of `std::max`. All are TF's to the bit. So
is `jnp.max`, which splits a tie's gradient evenly as `tf.reduce_max` does.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

Pair = tuple[Array, Array]


def maximum(x: ArrayLike, y: ArrayLike) -> Array:
    """`tf.maximum`: y where x < y, else x; shapes broadcast, one float dtype or plain numbers.

    A tie's whole gradient goes to x (`jnp.maximum` halves it). A NaN in x stays, with the gradient sent to y; a NaN in
    y gives x, again with the gradient sent to y.
    """
    return _maximum(*_of_one_dtype(x, y))


def minimum(x: ArrayLike, y: ArrayLike) -> Array:
    """`tf.minimum`: y where y < x, else x; ties and NaN as in `maximum`."""
    return _minimum(*_of_one_dtype(x, y))


def clip_by_value(t: ArrayLike, clip_value_min: ArrayLike, clip_value_max: ArrayLike) -> Array:
    """`tf.clip_by_value`: maximum(minimum(t, clip_value_max), clip_value_min), of t's shape.

    At a bound the whole gradient passes, where `jnp.clip` gives half of it; beyond the bounds none. Raises ValueError
    where a bound would broadcast t to a larger shape.
    """
    clipped = maximum(minimum(t, clip_value_max), clip_value_min)
    if clipped.shape != jnp.shape(t):
        bounds = f"clip_value_min {jnp.shape(clip_value_min)} and clip_value_max {jnp.shape(clip_value_max)}"
        raise ValueError(f"{bounds} must broadcast to the shape of t, {jnp.shape(t)}")
    return clipped


@jax.custom_jvp
def absolute(x: ArrayLike) -> Array:
    """`tf.abs`. Gradient g*sign(x), 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.abs(jnp.asarray(x))


@absolute.defjvp
def _absolute_jvp(primals: tuple[Array], tangents: tuple[Array]) -> Pair:
    return absolute(*primals), tangents[0] * jnp.sign(primals[0])


def argmax(input: ArrayLike, axis: int = 0) -> Array:
    """`tf.argmax`: where the first of the largest values along `axis` is, in JAX's default integer (TF: int64).

    NaN is skipped, where `jnp.argmax` finds it; where nothing exceeds the smallest finite number the answer is 0.
    """
    values = jnp.asarray(input)
    if not jnp.issubdtype(values.dtype, jnp.floating):
        return jnp.argmax(values, axis)
    lowest = jnp.finfo(values.dtype).min.astype(values.dtype)
    return jnp.argmax(jnp.where(values > lowest, values, lowest), axis)


@jax.custom_jvp
def _maximum(x: Array, y: Array) -> Array:
    return jnp.where(x < y, y, x)


@_maximum.defjvp
def _maximum_jvp(primals: Pair, tangents: Pair) -> Pair:
    return _maximum(*primals), jnp.where(primals[0] >= primals[1], *tangents)


@jax.custom_jvp
def _minimum(x: Array, y: Array) -> Array:
    return jnp.where(y < x, y, x)


@_minimum.defjvp
def _minimum_jvp(primals: Pair, tangents: Pair) -> Pair:
    return _minimum(*primals), jnp.where(primals[0] <= primals[1], *tangents)


def _of_one_dtype(x: ArrayLike, y: ArrayLike) -> Pair:
    dtype = jnp.result_type(x, y)
    return jnp.asarray(x, dtype), jnp.asarray(y, dtype)
