"""Sums, products, quotients, powers and extremes of two tensors, whose shapes broadcast."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1 import kinks, libm
from parity.subject.graph.values import Op, Value, library, plain

Pair = tuple[Array, Array]


def _by_library(name: str) -> Op:
    return lambda _, x, y: getattr(library(x, y), name)(x, y)


def _bias_add(attributes: Mapping[str, Any], x: Value, bias: Value) -> Value:
    """Along the last axis, or of NCHW along the second."""
    if attributes.get("data_format") == "NCHW":
        return x + jnp.reshape(bias, (-1,) + (1,) * (jnp.ndim(x) - 2))
    return x + bias


def _is_float(x: Value) -> bool:
    return jnp.issubdtype(jnp.asarray(x).dtype, jnp.inexact)


def _div(x: Value, y: Value) -> Value:
    """Of whole numbers towards zero, as in C."""
    return jnp.divide(x, y) if _is_float(x) else jax.lax.div(*jnp.broadcast_arrays(x, y))


def _floor_mod(x: Value, y: Value) -> Value:
    """x - floor(x/y)*y in value, and in gradient: 1 and -floor(x/y) (`_FloorModGrad`)."""
    if not _is_float(x):
        return library(x, y).mod(x, y)
    x, y = jnp.asarray(x), jnp.asarray(y)
    whole = jax.lax.stop_gradient(jnp.floor(x / y))
    exact = jax.lax.stop_gradient(jnp.mod(x, y))
    linear = x - whole * y
    return exact + (linear - jax.lax.stop_gradient(linear))


def _div_no_nan(x: Value, y: Value) -> Value:
    zero = y == 0
    return jnp.where(zero, 0, jnp.divide(x, jnp.where(zero, 1, y)))


def _mul_no_nan(x: Value, y: Value) -> Value:
    return _product_no_nan(*jnp.broadcast_arrays(jnp.asarray(x), jnp.asarray(y)))


@jax.custom_jvp
def _product_no_nan(x: Array, y: Array) -> Array:
    return jnp.where(y == 0, 0, x * y)


@_product_no_nan.defjvp
def _product_no_nan_jvp(primals: Pair, tangents: Pair) -> Pair:
    """`_MulNoNanGrad`: by y it is x, also where y is 0."""
    (x, y), (by_x, by_y) = primals, tangents
    return _product_no_nan(x, y), jnp.where(y == 0, 0, by_x * y) + x * by_y


def _xlogy(x: Value, y: Value) -> Value:
    zero = x == 0
    return jnp.where(zero, 0, x * jnp.log(jnp.where(zero, 1, y)))


def _xdivy(x: Value, y: Value) -> Value:
    zero = x == 0
    return jnp.where(zero, 0, x / jnp.where(zero, 1, y))


def power(x: Value, y: Value) -> Value:
    """`tf.pow`. One number of float32 is glibc's to the bit, as TensorFlow's schedules take it."""
    if not _is_float(x):
        return jnp.power(x, y)
    return _power(*jnp.broadcast_arrays(jnp.asarray(x), jnp.asarray(y)))


@jax.custom_jvp
def _power(x: Array, y: Array) -> Array:
    return libm.powf(x, y) if x.size == 1 and x.dtype == jnp.float32 else jnp.power(x, y)


@_power.defjvp
def _power_jvp(primals: Pair, tangents: Pair) -> Pair:
    """`_PowGrad`: y*x^(y-1), and z*log(x), which is 0 where x is not above 0."""
    (x, y), (by_x, by_y) = primals, tangents
    z, positive = _power(x, y), x > 0
    log = jnp.where(positive, jnp.log(jnp.where(positive, x, 1)), 0)
    return z, by_x * y * _power(x, y - 1) + by_y * z * log


def _squared_difference(x: Value, y: Value) -> Value:
    return jnp.square(jnp.subtract(x, y))


def _atan2(y: Value, x: Value) -> Value:
    return jnp.arctan2(y, x)


def _add_n(_: Mapping[str, Any], *inputs: Value) -> Value:
    return reduce(lambda x, y: x + y, inputs)


TABLE: dict[str, Op] = {
    "Add": _by_library("add"),
    "AddV2": _by_library("add"),
    "AddN": _add_n,
    "AccumulateNV2": _add_n,
    "Sub": _by_library("subtract"),
    "Mul": _by_library("multiply"),
    "BiasAdd": _bias_add,
    "BiasAddV1": _bias_add,
    "RealDiv": _by_library("divide"),
    "Div": plain(_div),
    "TruncateDiv": plain(_div),
    "FloorDiv": _by_library("floor_divide"),
    "FloorMod": plain(_floor_mod),
    "Mod": plain(jnp.fmod),
    "TruncateMod": plain(jnp.fmod),
    "DivNoNan": plain(_div_no_nan),
    "MulNoNan": plain(_mul_no_nan),
    "Xlogy": plain(_xlogy),
    "Xdivy": plain(_xdivy),
    "Pow": plain(power),
    "SquaredDifference": plain(_squared_difference),
    "Maximum": plain(kinks.maximum),
    "Minimum": plain(kinks.minimum),
    "Atan2": plain(_atan2),
}
