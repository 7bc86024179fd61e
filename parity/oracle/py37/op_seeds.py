"""The op seeds that TensorFlow 1.15 finds by counting ops, for TensorFlow 2.x, which counts others and has to be told.

1.15 itself is told nothing: there the genuine numbering decides. Call the methods in the order in which ops are made.
"""

from __future__ import annotations

from typing import Any

from .version import GENUINE

SMALL_FILL = 1000  # tf.zeros and tf.ones: up to here (exclusively) one constant op, from here on shape, value and fill
SHAPE_AND_BOUNDS = 3  # ops before the random one itself: its shape and two parameters
UNIFORM = ["random_uniform", "glorot_uniform", "he_uniform", "lecun_uniform", "uniform_unit_scaling"]


class OpSeeds:
    """A graph, so many ops long so far."""

    def __init__(self, ops: int):
        self.ops = ops

    def make(self, ops: int) -> None:
        """Ops that draw nothing."""
        self.ops += ops

    def variable(self, initializer: dict[str, Any], shape: list[int]) -> int | None:
        """A `tf.Variable` of an initializer; the seed of its draw, None where TensorFlow finds it."""
        seed = self._seed(SHAPE_AND_BOUNDS)
        self.make(_draw(initializer, shape) + 3)  # the variable, its assignment, its read
        return seed

    def dropout(self, fed: bool) -> int | None:
        """`tf.nn.dropout` with a keep_prob that is a number, or `fed`, a placeholder made before; its seed."""
        before = 2 if fed else 1
        seed = self._seed(before + SHAPE_AND_BOUNDS)
        self.make(before + 15)
        return seed

    def _seed(self, ahead: int) -> int | None:
        return None if GENUINE else self.ops + ahead


def _draw(initializer: dict[str, Any], shape: list[int]) -> int:
    kind = initializer["kind"]
    if kind == "constant":
        return 1
    if kind in ("zeros", "ones"):
        elements = 1
        for side in shape:
            elements *= side
        return 1 if elements < SMALL_FILL else 3
    is_uniform = kind in UNIFORM or initializer.get("uniform") or initializer.get("distribution") == "uniform"
    return 7 if is_uniform else 6
