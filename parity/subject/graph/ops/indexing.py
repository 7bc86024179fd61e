"""Parts of tensors, and tensors made of parts."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value, library, number, plain, sides, static

Attributes = Mapping[str, Any]


def _slice(x: Value, begin: Value, size: Value) -> Value:
    """A size of -1 is all that follows."""
    starts = sides(begin, "begin")
    lengths = sides(size, "size")
    return x[tuple(slice(i, None if n < 0 else i + n) for i, n in zip(starts, lengths, strict=True))]


def _strided_slice(attributes: Attributes, x: Value, begin: Value, end: Value, strides: Value) -> Value:
    return x[strided(attributes, begin, end, strides)]


def strided(attributes: Attributes, begin: Value, end: Value, strides: Value) -> tuple[Any, ...]:
    """Python's own slicing: a mask's bit leaves a bound out, keeps one entry, adds a side, or stands for "..."."""
    mask = {name: attributes.get(f"{name}_mask", 0) for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
    index: list[Any] = []
    for i, bounds in enumerate(zip(*(static(one, "bounds") for one in (begin, end, strides)), strict=True)):
        start, stop, step = map(int, bounds)
        if mask["ellipsis"] >> i & 1:
            index.append(...)
        elif mask["new_axis"] >> i & 1:
            index.append(None)
        elif mask["shrink_axis"] >> i & 1:
            index.append(start)
        else:
            bound = (None if mask["begin"] >> i & 1 else start, None if mask["end"] >> i & 1 else stop)
            index.append(slice(*bound, step))
    return tuple(index)


def _gather(attributes: Attributes, x: Value, indices: Value, axis: Value | int = 0) -> Value:
    """Rows, or entries along `axis`; int indices of any shape."""
    if attributes.get("batch_dims", 0):
        raise NotImplementedError("batch_dims is not 0; only gathering without batches is known")
    return library(x, indices).take(
        x, indices, axis=number(np.asarray(axis) if isinstance(axis, int) else axis, "axis")
    )


def _gather_nd(x: Value, indices: Value) -> Value:
    return jnp.asarray(x)[tuple(jnp.moveaxis(jnp.asarray(indices), -1, 0))]


def _one_hot(attributes: Attributes, indices: Value, depth: Value, on: Value, off: Value) -> Value:
    """An index outside the depth makes a row of `off`."""
    many, axis = number(depth, "depth"), attributes.get("axis", -1)
    indices = jnp.asarray(indices)
    classes = jnp.arange(many, dtype=indices.dtype)
    return jnp.moveaxis(jnp.where(indices[..., None] == classes, on, off), -1, axis)


def _sparse_to_dense(indices: Value, shape: Value, values: Value, default: Value) -> Value:
    whole = jnp.full(sides(shape, "output shape"), default)
    places = jnp.asarray(indices)
    places = places.reshape(-1, whole.ndim) if places.ndim < 2 else places
    return whole.at[tuple(places.T)].set(values)


def _scatter_nd(indices: Value, updates: Value, shape: Value) -> Value:
    """What falls on one place is added up."""
    updates = jnp.asarray(updates)
    whole = jnp.zeros(sides(shape), updates.dtype)
    return whole.at[tuple(jnp.moveaxis(jnp.asarray(indices), -1, 0))].add(updates)


def _where(condition: Value) -> np.ndarray:
    """Where it is true: int64 [number of them, rank]."""
    return np.argwhere(static(condition, "number of true entries")).astype(np.int64)


def _stitched(attributes: Attributes, *inputs: Value) -> Value:
    """Rows of several tensors by their indices; of one index the last counts."""
    many = attributes["N"]
    indices, data = [static(one, "indices") for one in inputs[:many]], inputs[many:]
    rows = np.shape(data[0])[indices[0].ndim :]
    xp = library(*data)
    flat = xp.concatenate([xp.reshape(part, (-1, *rows)) for part in data])
    places, last = np.concatenate([one.reshape(-1) for one in indices]), {}
    last.update((int(place), row) for row, place in enumerate(places))
    return xp.take(flat, np.asarray([last.get(i, 0) for i in range(int(places.max(initial=-1)) + 1)], np.int32), axis=0)


def _unique(attributes: Attributes, x: Value) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What occurs, in the order in which it first does; where each entry went; how often each occurs."""
    values, first, places, counts = np.unique(
        static(x, "number of different entries"), return_index=True, return_inverse=True, return_counts=True
    )
    order, kind = np.argsort(first), np.dtype(attributes.get("out_idx", "int32"))
    ranks = np.argsort(order)
    return values[order], ranks[places.reshape(-1)].astype(kind), counts[order].astype(kind)


def _accidental_hits(attributes: Attributes, labels: Value, sampled: Value) -> tuple[np.ndarray, ...]:
    """Where a label was drawn as a negative too: its row, its place among the drawn, and what rules it out."""
    hit = static(labels, "number of hits")[:, :, None] == static(sampled, "number of hits")[None, None, :]
    rows, _, places = np.nonzero(hit)
    return rows.astype(np.int32), places.astype(np.int64), np.full(len(rows), -np.finfo(np.float32).max, np.float32)


TABLE: dict[str, Op] = {
    "Slice": plain(_slice),
    "StridedSlice": _strided_slice,
    "Gather": _gather,
    "GatherV2": _gather,
    "ResourceGather": _gather,
    "GatherNd": plain(_gather_nd),
    "OneHot": _one_hot,
    "SparseToDense": plain(_sparse_to_dense),
    "ScatterNd": plain(_scatter_nd),
    "Where": plain(_where),
    "Unique": lambda attributes, x: _unique(attributes, x)[:2],
    "UniqueWithCounts": _unique,
    "ComputeAccidentalHits": _accidental_hits,
    "DynamicStitch": _stitched,
    "ParallelDynamicStitch": _stitched,
}
