"""What flows along a graph's edges: constants, data, a dead branch, or a variable itself.

A NumPy array is a constant, known before anything is traced; a jax.Array is data. What is computed of constants alone
stays a constant, so that shapes are static under `jax.jit`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from parity.errors import CannotCompare


class Traced(CannotCompare):
    """A shape or an axis would depend on data that is traced."""


Value = Any  # np.ndarray, jax.Array, Dead or Variable
Op = Callable[..., Any]  # of a node's attributes and inputs; a tuple where it has several outputs


@dataclass(frozen=True)
class Dead:
    """Of a branch that is not taken, and what follows from it; `why` for a person."""

    why: str


@dataclass(frozen=True)
class Variable:
    """A reference or a resource handle: whoever reads it gets the value of that moment."""

    name: str


def plain(function: Callable[..., Any]) -> Op:
    """The op that a function of the inputs is, whatever the attributes."""
    return lambda _, *inputs: function(*inputs)


def constant(*values: Value) -> bool:
    """Whether all are constants."""
    return all(isinstance(value, np.ndarray | np.generic) for value in values)


def library(*values: Value) -> Any:
    """NumPy for constants alone, else jax.numpy."""
    return np if constant(*values) else jnp


def known(value: Value) -> bool:
    """Whether its numbers can be looked at: a constant, or data outside `jax.jit`."""
    return not isinstance(value, jax.core.Tracer)  # pyright: ignore[reportAttributeAccessIssue]


def static(value: Value, what: str) -> np.ndarray:
    """Its numbers, where a shape or an axis depends on them. Raises `CannotCompare` for traced data."""
    if known(value):
        return np.asarray(value)
    raise Traced(f"its {what} depends on data that is traced by JAX; it must be known before")


def sides(value: Value, what: str = "shape") -> tuple[int, ...]:
    """A vector of static whole numbers."""
    return tuple(int(one) for one in np.atleast_1d(static(value, what))) if np.size(value) else ()


def number(value: Value, what: str) -> int:
    """One static whole number."""
    return int(static(value, what))


def dtype(name: str | None) -> np.dtype:
    """By TensorFlow's name. Raises `CannotCompare` for one that JAX has no numbers of."""
    if name in (None, "string", "resource", "variant") or name.startswith("q"):
        raise CannotCompare(f"it makes {name}, which is no number")
    return np.dtype(jnp.dtype(name))
