"""Every number that decides what a run computes, in one frozen dataclass; trainer, parity and bench all read it."""

import dataclasses
import math
from typing import Annotated, Literal, get_args

import tyro

from jaxmlp.errors import ConfigError

Layout = Literal["auto", "dense", "staircase"]
Pixels = Literal["auto", "float32", "bf16x3"]
Positive = Annotated[int, tyro.conf.arg(metavar="N")]

FLOAT32_MAX = 3.4028234663852886e38
FLOAT32_TINY = 1.401298464324817e-45  # the smallest positive float32; below it a value would silently become 0


@dataclasses.dataclass(frozen=True)
class Config:
    """Hyperparameters of the original program (its values are the defaults) and how the port computes them.

    Raises:
      ConfigError: a value is impossible; names the field, the value and what is allowed.
    """

    hidden: Positive = 1024
    """hidden ReLU units"""
    learning_rate: Annotated[float, tyro.conf.arg(metavar="RATE")] = 1e-4
    """of plain gradient descent"""
    steps: Positive = 301
    """updates, each on the whole training set"""
    report_every: Positive = 100
    """steps from one report to the next, from step 0 on"""
    weight_stddev: Annotated[float, tyro.conf.arg(metavar="STDDEV")] = 1.0
    """standard deviation of the truncated normal the initial weights are drawn from"""
    seed: Annotated[int, tyro.conf.arg(metavar="G")] = 0
    """as tf.set_random_seed(G) at the top of the original: the same initial weights to the bit"""
    layout: Layout = "auto"
    """dense: images as they come; staircase: ordered once so that blank pixels are not multiplied"""
    pixels: Pixels = "auto"
    """arithmetic of bytes times weights, both at float32 accuracy: one float32 pass or three bf16 passes"""
    chunk: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """images computed on together, by default what suits layout and device; loss and gradient are the full batch's"""

    def __post_init__(self):
        for name in ("hidden", "steps", "report_every"):
            self._require(name, _is_int(getattr(self, name)) and getattr(self, name) >= 1, "a whole number from 1 up")
        self._require(
            "chunk", self.chunk is None or (_is_int(self.chunk) and self.chunk >= 1), "a whole number from 1 up"
        )
        for name in ("learning_rate", "weight_stddev"):
            self._require(name, _is_positive_float32(getattr(self, name)), "a positive number that float32 can hold")
        self._require("seed", _is_int(self.seed), "a whole number")
        self._require("layout", self.layout in get_args(Layout), f"one of {', '.join(get_args(Layout))}")
        self._require("pixels", self.pixels in get_args(Pixels), f"one of {', '.join(get_args(Pixels))}")

    def _require(self, name: str, holds: bool, allowed: str) -> None:
        if not holds:
            raise ConfigError(f"{name} = {getattr(self, name)!r} is impossible: it must be {allowed}")

    def reports(self, step: int) -> bool:
        """Whether the original prints its three lines at this step: every `report_every` steps from 0 on."""
        return step % self.report_every == 0


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_positive_float32(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and FLOAT32_TINY <= value <= FLOAT32_MAX
