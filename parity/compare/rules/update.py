"""What a rule is written in: the numbers it gets and the update it gives, for one tensor."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from parity.compare.rounded import Rounded

Slots = Mapping[str, Rounded]  # by TensorFlow's slot names
# Hyperparameters by TensorFlow's argument names, beta1_power and beta2_power, and global_step, 1 at the first update:
# `Rounded` scalars, and booleans.
Numbers = Mapping[str, Any]


class Update(NamedTuple):
    """The new weights and slots, and how far honest float32 may be from them."""

    weights: Rounded
    slots: dict[str, Rounded]
