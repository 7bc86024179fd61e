"""A whole training run as data; the original's values are the defaults."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from jaxmlp.checks import is_whole, require, require_count, require_keep_prob
from jaxmlp.errors import ConfigError
from jaxmlp.program.batching import Batching
from jaxmlp.program.fields import as_data, beyond_defaults, built, require_types
from jaxmlp.program.gradients import L2, Clipping
from jaxmlp.program.layers import Dense, Output
from jaxmlp.program.losses import Loss, SoftmaxCrossEntropy
from jaxmlp.program.optimizers import GradientDescent, Optimizer

UNCOUNTED = ("steps", "report_every", "epochs")  # how long it runs and what it tells; not what a step of it computes
STEPS, REPORT_EVERY = 301, 100  # the original's


@dataclasses.dataclass(frozen=True)
class Program:
    """Layers, loss, optimizer, batches, length and seed of a training run.

    Raises ConfigError for an impossible value, naming the field, the value and what is allowed.
    """

    layers: tuple[Dense, ...] = (Dense(1024),)  # the hidden ones, from the pixels on; none is softmax regression
    output: Output = Output()
    optimizer: Optimizer = GradientDescent()
    steps: int = STEPS  # updates
    report_every: int | None = REPORT_EVERY  # steps from one report to the next; None: an epoch, or the original's
    seed: int = 0  # as tf.set_random_seed(seed) at the top of the TensorFlow program
    loss: Loss = SoftmaxCrossEntropy()
    l2: L2 | None = None
    clipping: Clipping | None = None
    batching: Batching | None = None  # None: each update on the whole training set
    epochs: int | None = None  # in place of steps; `settled` makes steps of them
    scale: int = 1  # pixels are multiplied by float32(1 / scale): 255 makes them numbers from 0 to 1
    input_keep_prob: float = 1.0  # of `tf.nn.dropout` on the pixels
    # Whether keep_prob is a placeholder, fed with 1 at each evaluation: its op draws then, too, and moves later masks.
    evaluation_draws: bool = False

    def __post_init__(self):
        require_types(self)
        require_count("steps", self.steps)
        if self.report_every is not None:
            require_count("report_every", self.report_every)
        require("seed", self.seed, is_whole(self.seed), "a whole number")
        require_count("scale", self.scale)
        require_keep_prob("input_keep_prob", self.input_keep_prob)
        if self.epochs is not None:
            require_count("epochs", self.epochs)
            if self.steps != STEPS:
                raise ConfigError(f"epochs = {self.epochs} and steps = {self.steps} contradict each other: give one")

    def settled(self, images: int) -> "Program":
        """The program for so many training images: its steps and when it reports, in numbers; no epochs.

        Raises ConfigError where a batch is larger than the set.
        """
        epoch = self.batching.steps_per_epoch(images) if self.batching else 1
        steps = self.steps if self.epochs is None else self.epochs * epoch
        every = self.report_every or (epoch if self.batching else REPORT_EVERY)
        return dataclasses.replace(self, epochs=None, steps=steps, report_every=every)

    def reports(self, step: int) -> bool:
        """Whether a report follows this step, of a settled program.

        The original prints its three lines at step 0 and every `report_every` steps from there. Minibatches are
        counted to the end of an epoch: the step before each multiple.
        """
        assert self.report_every, "a settled program knows when it reports"
        return (step + 1 if self.batching else step) % self.report_every == 0

    def as_dict(self) -> dict[str, Any]:
        """Every field, for JSON or TOML; `from_dict` reads it back."""
        return as_data(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Program":
        """The program that `as_dict` wrote; a field that is left out has its default. Raises ConfigError."""
        return built(cls, fields, "program")

    def digest(self) -> str:
        """SHA-256 of what a step computes: all but `steps`, `epochs` and `report_every`.

        Fields at their default do not count, so that a field added one day leaves the digest of today's programs alone.
        """
        fields = {name: value for name, value in beyond_defaults(self).items() if name not in UNCOUNTED}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
