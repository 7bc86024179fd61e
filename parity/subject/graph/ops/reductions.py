"""Sums, means, extremes and running sums along axes, and where extremes are."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value, dtype, library, number, sides

Attributes = Mapping[str, Any]


def _reduced(name: str) -> Op:
    """By a function that NumPy and jax.numpy have. A tie's gradient is split evenly, as in `_MinOrMaxGrad`."""

    def reduce(attributes: Attributes, x: Value, axes: Value) -> Value:
        along = _axes(axes, np.ndim(x))
        return getattr(library(x), name)(x, axis=along, keepdims=_keeps(attributes))

    return reduce


def _totalled(name: str) -> Op:
    """Of the dtype that it is given, of whole numbers too."""

    def reduce(attributes: Attributes, x: Value, axes: Value) -> Value:
        along, xp = _axes(axes, np.ndim(x)), library(x)
        return getattr(xp, name)(x, axis=along, keepdims=_keeps(attributes), dtype=x.dtype)

    return reduce


def _keeps(attributes: Attributes) -> bool:
    return bool(attributes.get("keep_dims", attributes.get("keepdims", False)))


def _axes(axes: Value, rank: int) -> tuple[int, ...]:
    return tuple(one % rank for one in sides(axes, "axes"))


def _where(of: str) -> Op:
    def find(attributes: Attributes, x: Value, axis: Value) -> Value:
        along, made = number(axis, "axis"), dtype(attributes.get("output_type", "int64"))
        values = jnp.asarray(x)
        if of == "min":
            values = -values if jnp.issubdtype(values.dtype, jnp.floating) else jnp.invert(values)
        lowest = _lowest(values.dtype)
        kept = jnp.where(values > lowest, values, lowest)  # NaN is skipped, see `jaxmlp.tf1.kinks.argmax`
        return jax.lax.argmax(kept, along % values.ndim, jnp.int32).astype(made)

    return find


def _lowest(of: np.dtype) -> Value:
    info = jnp.finfo(of) if jnp.issubdtype(of, jnp.floating) else jnp.iinfo(of)
    return np.asarray(info.min, of)


def _running(name: str) -> Op:
    """Cumsum, Cumprod: from the other end where `reverse`, without the own entry where `exclusive`."""

    def run(attributes: Attributes, x: Value, axis: Value) -> Value:
        along, x = number(axis, "axis"), jnp.asarray(x)
        x = jnp.flip(x, along) if attributes.get("reverse") else x
        if attributes.get("exclusive"):
            start = jnp.full_like(jax.lax.slice_in_dim(x, 0, 1, axis=along), 1 if name == "cumprod" else 0)
            kept = jax.lax.slice_in_dim(x, 0, x.shape[along] - 1, axis=along)
            x = jnp.concatenate([start, kept], along)
        found = getattr(jnp, name)(x, axis=along, dtype=x.dtype)
        return jnp.flip(found, along) if attributes.get("reverse") else found

    return run


def _top_k(attributes: Attributes, x: Value, k: Value | None = None) -> tuple[Value, Value]:
    """The k largest along the last axis, and where they are, int32."""
    values, places = jax.lax.top_k(jnp.asarray(x), attributes["k"] if k is None else number(k, "k"))
    return values, places.astype(jnp.int32)


def _in_top_k(attributes: Attributes, predictions: Value, targets: Value, k: Value | None = None) -> Value:
    """Whether fewer than k classes exceed the target's: bool [N]. A tie counts as in."""
    most = attributes["k"] if k is None else number(k, "k")
    x, targets = jnp.asarray(predictions), jnp.asarray(targets)
    own = jnp.take_along_axis(x, targets[:, None], axis=1)
    inside = (targets >= 0) & (targets < x.shape[1]) & jnp.isfinite(own[:, 0])
    return inside & ((x > own).sum(axis=1) < most)


TABLE: dict[str, Op] = {
    "Sum": _totalled("sum"),
    "Prod": _totalled("prod"),
    "Mean": _reduced("mean"),
    "Max": _reduced("max"),
    "Min": _reduced("min"),
    "All": _reduced("all"),
    "Any": _reduced("any"),
    "ArgMax": _where("max"),
    "ArgMin": _where("min"),
    "Cumsum": _running("cumsum"),
    "Cumprod": _running("cumprod"),
    "TopK": _top_k,
    "TopKV2": _top_k,
    "InTopK": _in_top_k,
    "InTopKV2": _in_top_k,
}
