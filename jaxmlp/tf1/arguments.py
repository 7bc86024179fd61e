"""What TensorFlow's arguments must be; a traced number, inside `jax.jit` or `jax.vmap`, is taken as it is."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

Number = float | np.ndarray | Array


def number(name: str, value: Number) -> Array:
    """The argument as TensorFlow casts it: a float32 scalar. ValueError if it is none."""
    if isinstance(value, str | bytes | bool) or not hasattr(value, "__float__"):
        raise ValueError(f"{name} is {value!r}; it must be a number")
    array = jnp.asarray(value).astype(jnp.float32)
    if array.shape:
        raise ValueError(f"{name} has the shape {array.shape}; it must be one number")
    return array


def at_least(name: str, value: Number, least: float) -> Array:
    """ValueError unless the number is finite and not below `least`."""
    array = number(name, value)
    if _known(array) and not least <= float(array) < math.inf:
        raise ValueError(f"{name} is {value}; it must be a number from {least:g} on")
    return array


def above(name: str, value: Number, limit: float) -> Array:
    """ValueError unless the number is finite and above `limit`."""
    array = number(name, value)
    if _known(array) and not limit < float(array) < math.inf:
        raise ValueError(f"{name} is {value}; it must be a number above {limit:g}")
    return array


def between(name: str, value: Number, least: float, most: float) -> Array:
    """ValueError unless least <= number <= most."""
    array = number(name, value)
    if _known(array) and not least <= float(array) <= most:
        raise ValueError(f"{name} is {value}; it must be a number from {least:g} to {most:g}")
    return array


def flag(name: str, value: bool) -> bool:
    """ValueError unless it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {value!r}; it must be True or False")
    return bool(value)


def _known(array: Array) -> bool:
    return not isinstance(array, jax.core.Tracer)  # pyright: ignore[reportAttributeAccessIssue]
