"""A learning rate that depends on the step: a rule, which is code, and its numbers, which are data."""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.tf1.rounding import fenced

Numbers = dict[str, Array]
Step = int | np.ndarray | Array
Rule = Callable[[Array, Numbers], Array]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Schedule:
    """A pytree of its numbers: pass it to a jitted function, and other numbers compile nothing anew."""

    numbers: Numbers  # by TensorFlow's argument names: float32, flags bool
    rule: Rule = field(metadata={"static": True})
    trained_rule: Rule | None = field(default=None, metadata={"static": True})  # where the last bits are others

    def __call__(self, step: Step) -> Array:
        """The rate at that step, from 0, as `session.run(rate)` tells it: a float32 scalar.

        The step may be a Python number or an array, traced too.
        """
        return self.rule(jnp.asarray(step), self.numbers)

    def in_training(self, step: Step) -> Array:
        """The rate that moves the weights, which optimizers take: of two schedules some last bits are others.

        In a graph that assigns, Grappler puts a Snapshot where it takes a product with 1 or a sum with 0 away
        (constant_folding.cc, graph_contains_assign_or_inplace_op_), and merges no constants beyond it.
        """
        return (self.trained_rule or self.rule)(jnp.asarray(step), self.numbers)


def count(step: Array) -> Array:
    """The step as TensorFlow casts it: float32, exact up to 2**24."""
    return step.astype(jnp.float32)


def reciprocal(number: Array) -> Array:
    """1 / number: a default session turns x / constant into x * (1 / constant)."""
    return fenced(1 / number)
