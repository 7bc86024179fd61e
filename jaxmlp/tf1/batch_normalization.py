"""TensorFlow 1.x's `tf.layers.batch_normalization`, unfused (tensorflow/python/keras/layers/normalization.py).

inputs: float [N, F], or of any rank but 4 (where TF takes its fused kernel, with Bessel's correction), features last.
Within a few float32 roundings of TF: means are added up in another order, and Eigen's rsqrt is 2 ulp off by itself.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxmlp.tf1.rounding import fenced


class Moments(NamedTuple):
    """Mean and variance of each feature, the variance divided by N; float32 [F] (float64 of float64 inputs)."""

    mean: Array
    variance: Array


def initial_moments(features: int, dtype: jnp.dtype | type = jnp.float32) -> Moments:
    """The moving averages before training: mean 0, variance 1."""
    return Moments(jnp.zeros(features, dtype), jnp.ones(features, dtype))


def batch_normalization(
    inputs: ArrayLike,
    gamma: Array | None,
    beta: Array | None,
    moving: Moments,
    training: bool | Array = False,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
) -> tuple[Array, Moments]:
    """inputs*inv + (beta - mean*inv), inv = rsqrt(variance+epsilon)*gamma -> outputs like inputs, and moving averages.

    gamma, beta: float [F], trainable; None is TF's scale=False, center=False. training: a flag, which may be traced;
    where True, mean and variance are the batch's, else the moving ones. The averages returned are what `UPDATE_OPS`
    would store, m - (m-new)*(1-momentum), where training, else as given; keep the old ones to leave those ops out.
    They have no gradient. Raises ValueError for ranks 0, 1 and 4, and for shapes that are not [F].
    """
    x = jnp.asarray(inputs)
    _check(x, gamma=gamma, beta=beta, moving_mean=moving.mean, moving_variance=moving.variance)
    if training is False:
        return _normalized(x, moving, gamma, beta, epsilon), moving
    batch = moments(x)
    used, updated = batch, _averaged(moving, batch, momentum)
    if training is not True:
        used, updated = (_chosen(training, one, moving) for one in (batch, updated))
    return _normalized(x, used, gamma, beta, epsilon), updated


def moments(x: Array) -> Moments:
    """`tf.nn.moments` over all axes but the last. The mean inside the variance has no gradient (in exact terms 0)."""
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axes)
    return Moments(mean, jnp.square(x - jax.lax.stop_gradient(mean)).mean(axes))


def _averaged(moving: Moments, batch: Moments, momentum: float) -> Moments:
    pairs = zip(moving, jax.lax.stop_gradient(batch), strict=True)
    return Moments(*(m - fenced((m - new) * (1 - momentum)) for m, new in pairs))


def _chosen(training: ArrayLike, trained: Moments, moving: Moments) -> Moments:
    return Moments(*(jnp.where(training, *pair) for pair in zip(trained, moving, strict=True)))


def _normalized(x: Array, used: Moments, gamma: Array | None, beta: Array | None, epsilon: float) -> Array:
    inv = jax.lax.rsqrt(used.variance + epsilon)
    inv = inv if gamma is None else inv * gamma
    shift = fenced(used.mean * inv)  # so that a constant feature is beta, and not beta and noise
    return fenced(x * inv) + ((0 if beta is None else beta) - shift)


def _check(x: Array, **vectors: Array | None) -> None:
    if x.ndim in (0, 1, 4) or x.dtype not in (jnp.float32, jnp.float64):
        raise ValueError(f"inputs are {x.dtype} of rank {x.ndim}; they must be float32 or float64 of rank 2, 3, 5, …")
    for name, vector in vectors.items():
        if vector is not None and jnp.shape(vector) != x.shape[-1:]:
            raise ValueError(f"{name} has shape {jnp.shape(vector)}; inputs {x.shape} want {x.shape[-1:]}")
