"""`tf.train.ExponentialMovingAverage` (python/training/moving_averages.py), without zero_debias."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1.arguments import Number, between
from jaxmlp.tf1.rounding import over, times


class ExponentialMovingAverage(NamedTuple):
    """The averages, and the decay, which is data. `apply` gives the next; TensorFlow's bits.

    `optax.ema` is another: it starts at 0 and debiases.
    """

    average: Any  # a tree like the variables: TensorFlow's shadow variables
    decay: Array  # float32

    @classmethod
    def of(cls, variables: Any, decay: Number) -> "ExponentialMovingAverage":
        """Before the first `apply`: at the variables' initial values. For a plain tensor TensorFlow starts at 0.

        ValueError for a decay outside [0, 1].
        """
        return cls(variables, between("decay", decay, 0, 1))

    def apply(self, variables: Any, num_updates: int | Array | None = None) -> "ExponentialMovingAverage":
        """average -= (1 - d) * (average - new); d = decay, or min(decay, (1 + k) / (10 + k)), k = num_updates."""
        decay = self.decay
        if num_updates is not None:
            count = jnp.asarray(num_updates).astype(jnp.float32)
            decay = jnp.minimum(decay, over(1 + count, 10 + count))

        def moved(old: Array, new: Array) -> Array:
            return old - times(old - new, (1 - decay).astype(old.dtype))

        return self._replace(average=jax.tree.map(moved, self.average, variables))
