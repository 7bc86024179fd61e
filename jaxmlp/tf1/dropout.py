"""TensorFlow 1.x's dropout, its masks from TensorFlow's own stream to the bit, in JAX.

`tf.nn.dropout` (python/ops/nn_ops.py, dropout_v2): out = x * (1 / (1 - rate)) * (uniform >= rate). So a dropped -1 is
-0 and a dropped inf is NaN; the gradient is g * mask * scale. Under `jit` no bit changes.
"""

import numbers
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.tf1.generators import Generator, at_least
from jaxmlp.tf1.streams import Shape

Rate = float | Array  # a Python number, or what TensorFlow calls a tensor: an array of one number


def dropout(
    x: Array,
    generator: Generator,
    keep_prob: Rate | None = None,
    noise_shape: Sequence[int | None] | None = None,
    rate: Rate | None = None,
) -> tuple[Array, Generator]:
    """`tf.nn.dropout(x, keep_prob, noise_shape, rate=…)` -> the output, like x, and the generator for the next run.

    A Python number that drops nothing (keep_prob 1, rate 0) draws nothing. **An array draws whatever it is**, as a
    placeholder fed with 1.0 does at evaluation, and so moves the masks that follow. `noise_shape`: the mask's, where 1
    shares one decision along a dimension and None is x's own. x of float32, float16, bfloat16 or float64. Raises
    ValueError unless one of keep_prob and rate is given, for a number outside keep_prob in (0, 1] or rate in [0, 1),
    for x of another dtype and for a noise_shape that does not broadcast to x's.
    """
    dropped = _rate(keep_prob, rate)
    if isinstance(dropped, numbers.Real) and dropped == 0:
        return x, generator
    mask, generator = at_least(generator, _noise_shape(x, noise_shape), _cast(dropped, x.dtype))
    return apply(x, mask, dropped), generator


def layers_dropout(
    x: Array, generator: Generator, rate: Rate = 0.5, training: bool | Array = False
) -> tuple[Array, Generator]:
    """`tf.layers.dropout(x, rate, training=…)` -> the output, like x, and the generator for the next run.

    With `training` False it draws nothing, be it a Python bool or an array (a placeholder). Raises ValueError as
    `dropout` does.
    """
    _rate(None, rate)
    if isinstance(training, bool):
        return dropout(x, generator, rate=rate) if training else (x, generator)
    return jax.lax.cond(training, lambda: dropout(x, generator, rate=rate), lambda: (x, generator))


def mask(generator: Generator, shape: Shape, rate: float | Array, rows: Array | None = None) -> Array:
    """True where the next run over a float32 tensor of `shape` keeps the value: bool of `shape`.

    `rows` int [B], each in [0, shape[0]): the mask of these rows alone, in that order: bool [B, …]. A value's mask
    depends on its place in the whole tensor only. `generator.after(shape)` is the generator for the run after this one.
    """
    return at_least(generator, shape, _cast(_rate(None, rate), jnp.dtype(jnp.float32)), rows)[0]


def apply(x: Array, mask: Array, rate: Rate) -> Array:
    """x scaled where the mask is True, bool that broadcasts to x; 0 elsewhere, with x's sign, or NaN of inf and NaN."""
    dropped = _cast(rate, x.dtype)
    one, zero = np.ones((), x.dtype), np.zeros((), x.dtype)
    kept = jnp.where(mask, one, zero)  # of `mask.astype`, XLA would make a choice that loses -0 and NaN
    return x * (one / (one - dropped)) * kept


def _rate(keep_prob: Rate | None, rate: Rate | None) -> Rate:
    """What is dropped: of numbers in Python's float64, of an array in its dtype."""
    if (keep_prob is None) == (rate is None):
        raise ValueError("dropout: give either keep_prob, in (0, 1], or rate, in [0, 1)")
    name, value = ("rate", rate) if rate is not None else ("keep_prob", keep_prob)
    assert value is not None
    if isinstance(value, numbers.Real):
        value = float(value)
        if not (0 <= value < 1 if name == "rate" else 0 < value <= 1):
            allowed = "[0, 1)" if name == "rate" else "(0, 1]"
            raise ValueError(f"dropout: {name} = {value}; it must lie in {allowed}")
    return value if name == "rate" else 1 - value


def _cast(rate: Rate, dtype: np.dtype) -> Array | np.ndarray:
    """The rate in x's dtype, a number as TensorFlow's constants are cast."""
    if isinstance(rate, Array):
        return rate.astype(dtype)
    return np.asarray(np.float32(rate) if dtype == jnp.bfloat16 else rate).astype(dtype)


def _noise_shape(x: Array, noise_shape: Sequence[int | None] | None) -> tuple[int, ...]:
    if noise_shape is None:
        return x.shape
    own = (1,) * (len(noise_shape) - x.ndim) + x.shape[max(x.ndim - len(noise_shape), 0) :]
    sides = tuple(here if side is None else side for side, here in zip(noise_shape, own, strict=True))
    if len(sides) > x.ndim or any(side not in (1, here) for side, here in zip(sides, own, strict=True)):
        raise ValueError(f"dropout: noise_shape {tuple(noise_shape)} does not broadcast to x's shape {x.shape}")
    return sides
