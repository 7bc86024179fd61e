"""Convolutions of images, and their transposes, which autoencoders use forwards."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value, sides

Attributes = Mapping[str, Any]


def spatial(attributes: Attributes, name: str) -> tuple[int, int]:
    """Height and width of an attribute with a number for each axis."""
    values = attributes.get(name) or [1, 1, 1, 1]
    first = 2 if _layout(attributes) == "NCHW" else 1
    return values[first], values[first + 1]


def padding(attributes: Attributes) -> str | Sequence[tuple[int, int]]:
    """SAME, VALID, or so much before and after height and width."""
    if attributes["padding"] != "EXPLICIT":
        return attributes["padding"]
    pairs = np.reshape(attributes["explicit_paddings"], (4, 2)).tolist()
    chosen = pairs[2:] if _layout(attributes) == "NCHW" else pairs[1:3]
    return [(before, after) for before, after in chosen]


def _layout(attributes: Attributes) -> str:
    return attributes.get("data_format", "NHWC")


def _conv(attributes: Attributes, x: Value, filters: Value, groups: int = 1) -> Value:
    """x in the layout of `data_format`, filters [height, width, in, out]."""
    layout = _layout(attributes)
    return jax.lax.conv_general_dilated(
        jnp.asarray(x),
        jnp.asarray(filters),
        window_strides=spatial(attributes, "strides"),
        padding=padding(attributes),
        rhs_dilation=spatial(attributes, "dilations"),
        dimension_numbers=(layout, "HWIO", layout),
        feature_group_count=groups,
        precision=jax.lax.Precision.HIGHEST,
    )


def _depthwise(attributes: Attributes, x: Value, filters: Value) -> Value:
    """filters [height, width, channels, multiplier]: each channel by its own."""
    height, width, channels, multiplier = np.shape(filters)
    return _conv(attributes, x, jnp.reshape(filters, (height, width, 1, channels * multiplier)), channels)


def _input_gradient(attributes: Attributes, shape: Value, filters: Value, gradient: Value) -> Value:
    """`Conv2DBackpropInput`, which is also `tf.nn.conv2d_transpose`."""
    like = jax.ShapeDtypeStruct(sides(shape, "input sizes"), gradient.dtype)
    (back,) = jax.linear_transpose(lambda x: _conv(attributes, x, filters), like)(jnp.asarray(gradient))
    return back


def _filter_gradient(attributes: Attributes, x: Value, shape: Value, gradient: Value) -> Value:
    like = jax.ShapeDtypeStruct(sides(shape, "filter sizes"), gradient.dtype)
    (back,) = jax.linear_transpose(lambda filters: _conv(attributes, x, filters), like)(jnp.asarray(gradient))
    return back


TABLE: dict[str, Op] = {
    "Conv2D": _conv,
    "DepthwiseConv2dNative": _depthwise,
    "Conv2DBackpropInput": _input_gradient,
    "Conv2DBackpropFilter": _filter_gradient,
}
