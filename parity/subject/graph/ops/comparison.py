"""Comparisons, logic, and choices by them."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value, library, plain


def _by_library(name: str) -> Op:
    return lambda _, *inputs: getattr(library(*inputs), name)(*inputs)


def _select(condition: Value, x: Value, y: Value) -> Value:
    """`Select`: a vector of conditions chooses rows."""
    condition = jnp.asarray(condition)
    if condition.ndim == 1 and np.ndim(x) > 1:
        condition = condition.reshape(-1, *[1] * (np.ndim(x) - 1))
    return jnp.where(condition, x, y)


def _near(attributes: Mapping[str, Any], x: Value, y: Value) -> Value:
    return jnp.abs(jnp.subtract(x, y)) < jnp.asarray(attributes["tolerance"], jnp.asarray(x).dtype)


TABLE: dict[str, Op] = {
    "Equal": _by_library("equal"),
    "NotEqual": _by_library("not_equal"),
    "Less": _by_library("less"),
    "LessEqual": _by_library("less_equal"),
    "Greater": _by_library("greater"),
    "GreaterEqual": _by_library("greater_equal"),
    "LogicalAnd": _by_library("logical_and"),
    "LogicalOr": _by_library("logical_or"),
    "LogicalNot": _by_library("logical_not"),
    "ApproximateEqual": _near,
    "IsNan": plain(jnp.isnan),
    "IsInf": plain(jnp.isinf),
    "IsFinite": plain(jnp.isfinite),
    "Select": plain(_select),
    "SelectV2": plain(jnp.where),
}
