"""Rates that stay the same between jumps: `tf.train.piecewise_constant`, and the step decay of the textbooks."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.tf1.arguments import Number, number
from jaxmlp.tf1.libm import powf
from jaxmlp.tf1.rounding import times
from jaxmlp.tf1.schedules.schedule import Numbers, Schedule


def piecewise_constant(boundaries: Sequence[int], values: Sequence[Number]) -> Schedule:
    """`values[i]` as long as step <= `boundaries[i]`, then the last: each boundary step still has the value before it.

    TensorFlow's bits. ValueError unless boundaries are ascending integers, one fewer than values.
    """
    steps = np.asarray(boundaries)
    if steps.ndim != 1 or not steps.size or steps.dtype.kind not in "iu" or (np.diff(steps) <= 0).any():
        raise ValueError(f"boundaries are {boundaries}; they must be one or more ascending integers")
    if len(values) != len(steps) + 1:
        raise ValueError(f"values are {len(values)}; they must be {len(steps) + 1}, one more than boundaries")
    rates = jnp.stack([number(f"values[{i}]", value) for i, value in enumerate(values)])
    return Schedule({"boundaries": jnp.asarray(steps), "values": rates}, _piecewise)


def step_decay(learning_rate: Number, decay_steps: int, decay_rate: Number) -> Schedule:
    """learning_rate * decay_rate ** (step // decay_steps), the division exact; the power and the rate round once each.

    TensorFlow's `exponential_decay(staircase=True)` is this but where step * (1 / decay_steps) rounds across a jump.
    ValueError unless decay_steps is an integer above 0.
    """
    if not isinstance(decay_steps, int | np.integer) or decay_steps < 1:
        raise ValueError(f"decay_steps is {decay_steps!r}; it must be an integer from 1 on")
    numbers = {
        "learning_rate": number("learning_rate", learning_rate),
        "decay_steps": jnp.asarray(decay_steps),
        "decay_rate": number("decay_rate", decay_rate),
    }
    return Schedule(numbers, _step_decay)


def _piecewise(step: Array, n: Numbers) -> Array:
    passed = (step > n["boundaries"].astype(step.dtype)).sum(dtype=jnp.int32)
    return n["values"][passed]


def _step_decay(step: Array, n: Numbers) -> Array:
    jumps = jnp.floor_divide(step, n["decay_steps"].astype(step.dtype))
    return times(n["learning_rate"], powf(n["decay_rate"], jumps.astype(jnp.float32)))
