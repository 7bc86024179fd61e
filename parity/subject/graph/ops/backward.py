"""Ops of TensorFlow's own gradients, which a script meets forwards where it penalizes a gradient, or writes its own.

Formulas: core/kernels/relu_op_functor.h, softplus_op.h, softsign_op.h, cwise_ops.h, bias_op.cc.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmlp.tf1.activations import SELU_SCALE, SELU_SCALE_ALPHA, sigmoid
from parity.subject.graph.values import Op, Value, plain, sides

Attributes = Mapping[str, Any]


def _reduced_axes(attributes: Attributes, x: Value, y: Value) -> tuple[np.ndarray, np.ndarray]:
    """Which axes of the broadcast result are summed to get back to either shape."""
    one, other = (sides(shape) for shape in (x, y))
    rank = max(len(one), len(other))
    padded = [(1,) * (rank - len(shape)) + shape for shape in (one, other)]
    own = [
        [i for i in range(rank) if i < rank - len(s) or p[i] == 1] for s, p in zip((one, other), padded, strict=True)
    ]
    return (np.asarray(own[0], np.asarray(x).dtype), np.asarray(own[1], np.asarray(y).dtype))


def _bias_gradient(attributes: Attributes, g: Value) -> Value:
    feature = 1 if attributes.get("data_format") == "NCHW" else np.ndim(g) - 1
    return jnp.sum(g, tuple(axis for axis in range(np.ndim(g)) if axis != feature))


def _leaky(attributes: Attributes, g: Value, x: Value) -> Value:
    return jnp.where(x > 0, g, g * np.asarray(attributes["alpha"], g.dtype))


TABLE: dict[str, Op] = {
    "BroadcastGradientArgs": _reduced_axes,
    "BiasAddGrad": _bias_gradient,
    "ReluGrad": plain(lambda g, x: g * (x > 0).astype(g.dtype)),
    "Relu6Grad": plain(lambda g, x: g * ((x > 0) & (x < 6)).astype(g.dtype)),
    "LeakyReluGrad": _leaky,
    "EluGrad": plain(lambda g, y: jnp.where(y < 0, (y + 1) * g, g)),
    "SeluGrad": plain(lambda g, y: jnp.where(y < 0, g * (y + SELU_SCALE_ALPHA), g * SELU_SCALE)),
    "SigmoidGrad": plain(lambda y, g: g * (1 - y) * y),
    "TanhGrad": plain(lambda y, g: g * (1 - y * y)),
    "SoftplusGrad": plain(lambda g, x: g * sigmoid(x)),
    "SoftsignGrad": plain(lambda g, x: g / jnp.square(1 + jnp.abs(x))),
    "SqrtGrad": plain(lambda y, g: g * 0.5 / y),
    "RsqrtGrad": plain(lambda y, g: -0.5 * (g * y) * (y * y)),
    "ReciprocalGrad": plain(lambda y, g: -g * (y * y)),
    "InvGrad": plain(lambda y, g: -g * (y * y)),
}
