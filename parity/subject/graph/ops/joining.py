"""Tensors joined, split, padded and turned around."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value, library, number, plain, sides, static

Attributes = Mapping[str, Any]


def _pack(attributes: Attributes, *inputs: Value) -> Value:
    return library(*inputs).stack(inputs, attributes.get("axis", 0))


def _unpack(attributes: Attributes, x: Value) -> tuple[Value, ...]:
    axis = attributes.get("axis", 0)
    return tuple(library(x).take(x, i, axis) for i in range(np.shape(x)[axis]))


def _joined(axis: Value, parts: tuple[Value, ...]) -> Value:
    return library(*parts).concatenate(parts, number(axis, "axis"))


def _split(attributes: Attributes, axis: Value, x: Value) -> tuple[Value, ...]:
    return tuple(library(x).split(x, attributes["num_split"], number(axis, "axis")))


def _split_by_sizes(x: Value, sizes: Value, axis: Value) -> tuple[Value, ...]:
    """One size may be -1: what is left."""
    along, lengths = number(axis, "axis"), list(sides(sizes, "sizes"))
    rest = np.shape(x)[along] - sum(one for one in lengths if one >= 0)
    ends = list(accumulate(rest if one < 0 else one for one in lengths))
    return tuple(library(x).split(x, ends[:-1], along))


def _offsets(axis: Value, *shapes: Value) -> tuple[np.ndarray, ...]:
    """Where each part of a concatenation begins."""
    along, starts = number(axis, "axis"), [0]
    for shape in shapes:
        starts.append(starts[-1] + int(shape[along]))
    one = np.eye(len(shapes[0]), dtype=np.asarray(shapes[0]).dtype)[along]
    return tuple(one * start for start in starts[:-1])


def _padding(paddings: Value) -> list[tuple[int, int]]:
    return [(int(before), int(after)) for before, after in static(paddings, "paddings")]


def _pad(x: Value, paddings: Value, value: Value = 0) -> Value:
    return jnp.pad(x, _padding(paddings), constant_values=value)


def _mirror(attributes: Attributes, x: Value, paddings: Value) -> Value:
    mode = {"REFLECT": "reflect", "SYMMETRIC": "symmetric"}[attributes["mode"]]
    return jnp.pad(x, _padding(paddings), mode=mode)


def _reverse(x: Value, axes: Value) -> Value:
    return library(x).flip(x, sides(axes, "axes"))


def _reverse_sequence(attributes: Attributes, x: Value, lengths: Value) -> Value:
    """The first entries of each example, as many as it is long."""
    along, rows = attributes["seq_dim"], attributes.get("batch_dim", 0)
    x, lengths = jnp.moveaxis(jnp.asarray(x), (rows, along), (0, 1)), jnp.asarray(lengths)[:, None]
    places = jnp.arange(x.shape[1], dtype=lengths.dtype)
    places = jnp.where(places < lengths, lengths - 1 - places, places)
    turned = jnp.take_along_axis(x, places.reshape(*places.shape, *(1,) * (x.ndim - 2)), axis=1)
    return jnp.moveaxis(turned, (0, 1), (rows, along))


TABLE: dict[str, Op] = {
    "Pack": _pack,
    "Unpack": _unpack,
    "Concat": lambda _, axis, *parts: _joined(axis, parts),
    "ConcatV2": lambda _, *parts: _joined(parts[-1], parts[:-1]),
    "ConcatOffset": plain(_offsets),
    "Split": _split,
    "SplitV": plain(_split_by_sizes),
    "Pad": plain(_pad),
    "PadV2": plain(_pad),
    "MirrorPad": _mirror,
    "ReverseV2": plain(_reverse),
    "ReverseSequence": _reverse_sequence,
}
