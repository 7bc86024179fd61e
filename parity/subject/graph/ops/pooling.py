"""Pooling of images [N, H, W, C]: the windows' entries one after the other, each a strided slice."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import jax.numpy as jnp

from parity.subject.graph.ops.convolution import spatial
from parity.subject.graph.values import Op, Value

Attributes = Mapping[str, Any]


def _max_pool(attributes: Attributes, x: Value) -> Value:
    """The whole gradient goes to the first of the largest, row by row (core/kernels/maxpooling_op.cc)."""
    largest, *others = _entries(attributes, jnp.asarray(x), -jnp.inf)
    for entry in others:
        largest = jnp.where(entry > largest, entry, largest)
    return _as_given(attributes, largest)


def _average_pool(attributes: Attributes, x: Value) -> Value:
    """Of the entries within the image."""
    x = jnp.asarray(x)
    total = sum(_entries(attributes, x, 0))
    counts = sum(_entries(attributes, jnp.ones_like(x), 0))
    return _as_given(attributes, total / counts)


def _entries(attributes: Attributes, x: Value, outside: float) -> Iterator[Value]:
    x = jnp.moveaxis(x, 1, -1) if attributes.get("data_format") == "NCHW" else x
    size, strides = spatial(attributes, "ksize"), spatial(attributes, "strides")
    same = attributes["padding"] == "SAME"
    pads = [_pad(n, k, s) if same else (0, 0) for n, k, s in zip(x.shape[1:3], size, strides, strict=True)]
    x = jnp.pad(x, [(0, 0), *pads, (0, 0)], constant_values=outside)
    last = [(n - k) // s * s + 1 for n, k, s in zip(x.shape[1:3], size, strides, strict=True)]
    for i, j in product(*map(range, size)):
        yield x[:, i : i + last[0] : strides[0], j : j + last[1] : strides[1]]


def _pad(length: int, size: int, stride: int) -> tuple[int, int]:
    """SAME: as many windows as strides begin; what is odd comes after."""
    missing = max((-(-length // stride) - 1) * stride + size - length, 0)
    return missing // 2, missing - missing // 2


def _as_given(attributes: Attributes, x: Value) -> Value:
    return jnp.moveaxis(x, -1, 1) if attributes.get("data_format") == "NCHW" else x


TABLE: dict[str, Op] = {"MaxPool": _max_pool, "AvgPool": _average_pool}
