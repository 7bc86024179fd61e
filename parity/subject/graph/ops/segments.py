"""Sums and the like over segments of rows."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value, number, plain, static

Combine = Callable[..., Any]


def _sorted_segments(combine: Combine, empty: float) -> Op:
    """Their number is that of the last row; a segment without rows is `empty`."""

    def op(_: Any, data: Value, ids: Value) -> Value:
        count = int(static(ids, "segment ids").max(initial=-1)) + 1
        return _filled(combine(jnp.asarray(data), jnp.asarray(ids), num_segments=count), jnp.asarray(ids), count, empty)

    return op


def _filled(found: Value, ids: Value, count: int, empty: float) -> Value:
    rows = (ids[None] == jnp.arange(count, dtype=ids.dtype)[:, None]).any(axis=1)
    return jnp.where(rows.reshape(-1, *[1] * (found.ndim - 1)), found, jnp.asarray(empty, found.dtype))


def _mean(data: Value, ids: Value, num_segments: int) -> Value:
    counts = jax.ops.segment_sum(jnp.ones(ids.shape, data.dtype), ids, num_segments=num_segments)
    total = jax.ops.segment_sum(data, ids, num_segments=num_segments)
    return total / jnp.maximum(counts, 1).reshape(-1, *[1] * (data.ndim - 1))


def _unsorted_sum(data: Value, ids: Value, count: Value) -> Value:
    """Rows with a negative id are left out."""
    data, ids = jnp.asarray(data), jnp.asarray(ids)
    flat = data.reshape(ids.size, *np.shape(data)[ids.ndim :])
    return jax.ops.segment_sum(flat, ids.reshape(-1), num_segments=number(count, "number of segments"))


TABLE: dict[str, Op] = {
    "SegmentSum": _sorted_segments(jax.ops.segment_sum, 0),
    "SegmentMean": _sorted_segments(_mean, 0),
    "UnsortedSegmentSum": plain(_unsorted_sum),
}
