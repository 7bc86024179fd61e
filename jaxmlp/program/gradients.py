"""What is done to a gradient before the optimizer sees it: an L2 penalty adds to it, clipping cuts it."""

import dataclasses
from typing import ClassVar

from jaxmlp.checks import require, require_float32, require_number
from jaxmlp.program.fields import require_types


@dataclasses.dataclass(frozen=True)
class L2:
    """`scale * sum(tf.nn.l2_loss(v))` added to the loss: over all weights, with `biases` over these too."""

    scale: float
    biases: bool = False

    def __post_init__(self):
        require_types(self)
        require_float32("scale", self.scale)


@dataclasses.dataclass(frozen=True)
class ClipByGlobalNorm:
    """`tf.clip_by_global_norm` of all gradients together."""

    kind: ClassVar = "global_norm"
    clip_norm: float

    def __post_init__(self):
        require_float32("clip_norm", self.clip_norm)


@dataclasses.dataclass(frozen=True)
class ClipByNorm:
    """`tf.clip_by_norm` of each gradient."""

    kind: ClassVar = "norm"
    clip_norm: float

    def __post_init__(self):
        require_float32("clip_norm", self.clip_norm)


@dataclasses.dataclass(frozen=True)
class ClipByValue:
    """`tf.clip_by_value` of each gradient."""

    kind: ClassVar = "value"
    clip_value_min: float
    clip_value_max: float

    def __post_init__(self):
        require_number("clip_value_min", self.clip_value_min)
        require_number("clip_value_max", self.clip_value_max)
        above = self.clip_value_max > self.clip_value_min
        require("clip_value_max", self.clip_value_max, above, f"above clip_value_min, {self.clip_value_min:g}")


Clipping = ClipByGlobalNorm | ClipByNorm | ClipByValue
