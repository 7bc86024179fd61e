"""Normalization: of features over a batch, and of channels by their neighbours."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value

Attributes = Mapping[str, Any]


def _fused_batch_norm(
    attributes: Attributes, x: Value, scale: Value, offset: Value, mean: Value, variance: Value
) -> tuple[Value, ...]:
    """[N, H, W, C] -> that, then mean and variance [C] and what TensorFlow keeps for the gradient.

    Training: the batch's moments, and the variance that is given out is Bessel's, N/(N-1) of the one that divides. Only
    the first output has a gradient, and none reaches moments that are given (`_BaseFusedBatchNormGrad`).
    Kernel: core/kernels/fused_batch_norm_op.cc.
    """
    first = attributes.get("data_format", "NHWC") == "NCHW"
    x = jnp.moveaxis(x, 1, -1) if first else jnp.asarray(x)
    if attributes.get("is_training", True):
        axes = tuple(range(x.ndim - 1))
        mean = x.mean(axes)
        variance = jnp.square(x - mean).mean(axes)
        rest = x.size // x.shape[-1]
        told = variance * np.asarray(rest / max(rest - 1, 1), x.dtype)
    else:
        mean, variance = jax.lax.stop_gradient((mean, variance))
        told = variance
    epsilon = np.asarray(attributes.get("epsilon", 1e-4), x.dtype)
    y = (x - mean) * (jax.lax.rsqrt(variance + epsilon) * scale) + offset
    y = jnp.moveaxis(y, -1, 1) if first else y
    return (y, *jax.lax.stop_gradient((mean, told, mean, variance)), jnp.zeros((), jnp.float32))


def _local_response(attributes: Attributes, x: Value) -> Value:
    """x / (bias + alpha * sum of the squares of 2*depth_radius+1 channels) ** beta; [N, H, W, C]."""
    radius = attributes.get("depth_radius", 5)
    x = jnp.asarray(x)
    bias, alpha, beta = (np.asarray(attributes[name], x.dtype) for name in ("bias", "alpha", "beta"))
    padded = jnp.pad(jnp.square(x), [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    channels = x.shape[-1]
    squares = sum(padded[..., i : i + channels] for i in range(2 * radius + 1))
    return x * jnp.power(bias + alpha * squares, -beta)


TABLE: dict[str, Op] = {
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _fused_batch_norm),
    "LRN": _local_response,
}
