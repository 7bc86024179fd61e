"""Products of matrices."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from parity.subject.graph.values import Op, Value


def _matmul(attributes: Mapping[str, Any], x: Value, y: Value) -> Value:
    turned = attributes.get("transpose_a"), attributes.get("transpose_b")
    return _product(_turned(x, turned[0]), _turned(y, turned[1]))


def _batch_matmul(attributes: Mapping[str, Any], x: Value, y: Value) -> Value:
    """[..., n, m] and [..., m, k]; the leading sides of the second version broadcast."""
    turned = attributes.get("adj_x"), attributes.get("adj_y")
    return _product(_turned(x, turned[0]), _turned(y, turned[1]))


def _product(x: Value, y: Value) -> Value:
    """In full float32 on accelerators too."""
    return jnp.matmul(x, y, precision=jax.lax.Precision.HIGHEST)


def _turned(x: Value, turned: bool | None) -> Value:
    return jnp.swapaxes(x, -1, -2) if turned else x


TABLE: dict[str, Op] = {"MatMul": _matmul, "BatchMatMul": _batch_matmul, "BatchMatMulV2": _batch_matmul}
