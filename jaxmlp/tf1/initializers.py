"""TensorFlow 1.x's initial values, bit for bit, in NumPy on the host: each takes a shape and its op's `Stream`.

Formulas: python/ops/init_ops.py, tf.keras.initializers and contrib/layers/python/layers/initializers.py. Scales are
float64 in Python and cast once, as there. All draw float32, float64, float16 or bfloat16, float32 by default.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from jaxmlp.tf1.random import random_normal, random_uniform, truncated_normal
from jaxmlp.tf1.streams import Shape, Stream, sides_of, size_of

TRUNCATED_STDDEV = 0.87962566103423978  # of a normal of deviation 1, cut at two deviations
CONTRIB_FACTOR = 1.3  # what tf.contrib takes in its place

Mode = Literal["fan_in", "fan_out", "fan_avg"]
Distribution = Literal["truncated_normal", "untruncated_normal", "normal", "uniform"]


def zeros(shape: Shape, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.zeros_initializer`, of `shape`."""
    return np.zeros(shape, dtype)


def ones(shape: Shape, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.ones_initializer`, of `shape`."""
    return np.ones(shape, dtype)


def constant(shape: Shape, value: ArrayLike = 0, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.constant_initializer(value)`: in row-major order, the last value repeated where there are too few.

    Raises ValueError for no values, and for more than `shape` holds.
    """
    values, size = np.asarray(value, dtype).reshape(-1), size_of(shape)
    if not 0 < len(values) <= max(size, 1):
        raise ValueError(f"constant: {len(values)} values for shape {shape}; it takes from 1 to {size}")
    return np.concatenate([values, np.repeat(values[-1:], max(size - len(values), 0))])[:size].reshape(shape)


def variance_scaling(
    shape: Shape,
    stream: Stream,
    scale: float = 1.0,
    mode: Mode = "fan_in",
    distribution: Distribution = "truncated_normal",
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """`tf.variance_scaling_initializer`: values of variance scale / n, n the inputs, the outputs or their mean.

    "normal" is another name of "truncated_normal". Raises ValueError for a scale that is not positive and for another
    mode or distribution.
    """
    if not scale > 0:
        raise ValueError(f"variance_scaling: scale = {scale}; it must be positive")
    inputs, outputs = fans(shape)
    fan = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2.0}
    if mode not in fan:
        raise ValueError(f"variance_scaling: mode {mode!r}; it must be one of {', '.join(fan)}")
    variance = scale / max(1.0, fan[mode])
    if distribution in ("truncated_normal", "normal"):
        return truncated_normal(shape, stream, 0.0, math.sqrt(variance) / TRUNCATED_STDDEV, dtype)
    if distribution == "untruncated_normal":
        return random_normal(shape, stream, 0.0, math.sqrt(variance), dtype)
    if distribution != "uniform":
        allowed = "truncated_normal, untruncated_normal, normal, uniform"
        raise ValueError(f"variance_scaling: distribution {distribution!r}; it must be one of {allowed}")
    return random_uniform(shape, stream, -math.sqrt(3.0 * variance), math.sqrt(3.0 * variance), dtype)


def glorot_uniform(shape: Shape, stream: Stream, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.glorot_uniform_initializer`, the default of `tf.get_variable` and `tf.layers.dense`; contrib's `xavier`."""
    return variance_scaling(shape, stream, 1.0, "fan_avg", "uniform", dtype)


def glorot_normal(shape: Shape, stream: Stream, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.glorot_normal_initializer`. Not contrib's `xavier_initializer(uniform=False)`, which is 0.29 % wider."""
    return variance_scaling(shape, stream, 1.0, "fan_avg", "truncated_normal", dtype)


def he_normal(shape: Shape, stream: Stream, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.keras.initializers.he_normal`."""
    return variance_scaling(shape, stream, 2.0, "fan_in", "truncated_normal", dtype)


def he_uniform(shape: Shape, stream: Stream, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.keras.initializers.he_uniform`."""
    return variance_scaling(shape, stream, 2.0, "fan_in", "uniform", dtype)


def lecun_normal(shape: Shape, stream: Stream, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.keras.initializers.lecun_normal`."""
    return variance_scaling(shape, stream, 1.0, "fan_in", "truncated_normal", dtype)


def lecun_uniform(shape: Shape, stream: Stream, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.keras.initializers.lecun_uniform`."""
    return variance_scaling(shape, stream, 1.0, "fan_in", "uniform", dtype)


def uniform_unit_scaling(
    shape: Shape, stream: Stream, factor: float = 1.0, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """`tf.uniform_unit_scaling_initializer`: within sqrt(3 / n) * factor, n the product of all sides but the last."""
    bound = math.sqrt(3 / max(1.0, math.prod(float(side) for side in sides_of(shape)[:-1]))) * factor
    return random_uniform(shape, stream, -bound, bound, dtype)


def contrib_variance_scaling(
    shape: Shape,
    stream: Stream,
    factor: float = 2.0,
    mode: Literal["FAN_IN", "FAN_OUT", "FAN_AVG"] = "FAN_IN",
    uniform: bool = False,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """`tf.contrib.layers.variance_scaling_initializer`, with its own width of the truncated normal.

    Raises ValueError for another mode and for a shape with a side of 0, by which TensorFlow divides.
    """
    inputs, outputs = fans(shape)
    fan = {"FAN_IN": inputs, "FAN_OUT": outputs, "FAN_AVG": (inputs + outputs) / 2.0}
    if mode not in fan:
        raise ValueError(f"contrib_variance_scaling: mode {mode!r}; it must be one of {', '.join(fan)}")
    if not fan[mode]:
        raise ValueError(f"contrib_variance_scaling: shape {shape} has {mode} 0; it must be at least 1")
    if uniform:
        bound = math.sqrt(3.0 * factor / fan[mode])
        return random_uniform(shape, stream, -bound, bound, dtype)
    return truncated_normal(shape, stream, 0.0, math.sqrt(CONTRIB_FACTOR * factor / fan[mode]), dtype)


def xavier(shape: Shape, stream: Stream, uniform: bool = True, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.contrib.layers.xavier_initializer`."""
    return contrib_variance_scaling(shape, stream, 1.0, "FAN_AVG", uniform, dtype)


def orthogonal(shape: Shape, stream: Stream, gain: float = 1.0, dtype: DTypeLike = np.float32) -> np.ndarray:
    """`tf.orthogonal_initializer`: gain times a matrix of orthonormal columns, or of rows where they are fewer.

    Not TensorFlow's bits, but its matrix within the rounding of a QR decomposition, which it makes in `dtype` with
    Eigen and this in float64 with LAPACK: float32 and float64 only. Raises ValueError below two dimensions.
    """
    if len(sides_of(shape)) < 2:
        raise ValueError(f"orthogonal: shape {shape}; it must have at least two dimensions")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"orthogonal: dtype {np.dtype(dtype)}; it must be float32 or float64")
    columns = sides_of(shape)[-1]
    rows = size_of(sides_of(shape)[:-1])
    drawn = random_normal((max(rows, columns), min(rows, columns)), stream, dtype=dtype)
    q, r = np.linalg.qr(drawn.astype(np.float64))
    q = q * np.sign(np.diag(r))
    return (gain * (q.T if rows < columns else q)).astype(dtype).reshape(shape)


def fans(shape: Shape) -> tuple[float, float]:
    """Inputs and outputs of a unit with weights of `shape`: the sides before the last two count for both."""
    sides = sides_of(shape)
    if len(sides) < 2:
        return (float(sides[0]), float(sides[0])) if sides else (1.0, 1.0)
    field = math.prod(sides[:-2])
    return float(field * sides[-2]), float(field * sides[-1])
