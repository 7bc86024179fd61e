"""Seeds what a script leaves unseeded, so that two runs of it can be held against each other.

What the script seeds itself stays as it is: an op seed without a graph seed draws what it always drew.
"""

from __future__ import annotations

import random
from typing import Any, Callable

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import random_seed

LAST = 2**31 - 1


def seed_the_rest(seed: int, tell: Callable[[str], None]) -> None:
    """Python's and NumPy's generators now, and every op of TensorFlow's that gets neither seed when it is made."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (it is the script's)
    real = random_seed.get_seed

    def get_seed(op_seed: Any) -> Any:
        found = real(op_seed)
        if found != (None, None):
            return found
        tell("seeded from outside, the script gives no seed")
        return seed, tf.compat.v1.get_default_graph()._last_id or LAST  # (0, 0) would mean: by the clock

    random_seed.get_seed = get_seed
