"""The one problem that all contenders solve: which arrays, and how much arithmetic. Written to a folder for `peers`."""

import itertools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxmlp import minibatches, model
from jaxmlp.data import Dataset, Split
from jaxmlp.data.dataset import PIXELS
from jaxmlp.errors import ConfigError
from jaxmlp.program import Adam, Batching, Dense, GlorotUniform, Output, Program


class Agreement(NamedTuple):
    """How near a contender must come to the reference in the first steps."""

    images: int  # of a step
    loss: float = 1e-4  # relative


class Workload(NamedTuple):
    """What is computed: steps of a perceptron with one hidden layer."""

    data: str  # what the images are, for the reader of a result; no path
    images: int
    hidden: int
    classes: int
    device: str  # cpu, gpu or tpu
    program: str = "original"  # full batches by plain descent; or "adam128": minibatches of 128 by Adam

    @property
    def trained(self) -> Program:
        """What the contenders run."""
        if self.program == "original":
            return Program((Dense(self.hidden),))
        hidden, output = Dense(self.hidden, kernel=GlorotUniform()), Output(kernel=GlorotUniform())
        return Program((hidden,), output=output, optimizer=Adam(), scale=255, batching=Batching(128))

    @property
    def images_a_step(self) -> int:
        batching = self.trained.batching
        return batching.size if batching else self.images

    @property
    def agreement(self) -> Agreement:
        """Wider for Adam: optax and PyTorch add epsilon to the corrected root, TensorFlow to the plain one."""
        by_adam = isinstance(self.trained.optimizer, Adam)
        return Agreement(self.images_a_step, 1e-3) if by_adam else Agreement(self.images_a_step)

    @property
    def flop(self) -> int:
        """Arithmetic of one step of the formula as it is written: what a dense program cannot do without.

        The first layer runs forward and for the gradient of its weights (pixels need none), the second layer
        forward, for its weights and for the hidden units; an N x P x H product is 2 N P H operations. What is done
        to each weight alone, Adam's some fifteen operations, is not counted: its cost is memory.
        """
        return 2 * self.images_a_step * self.hidden * (2 * PIXELS + 3 * self.classes)

    @property
    def is_on_mnist(self) -> bool:
        """Whether this is the work that the project's targets speak of."""
        return (self.data, self.images, self.hidden) == ("mnist", 60_000, 1024)


def first(dataset: Dataset, images: int | None) -> Split:
    """The first training images of a data set. Raises ConfigError when it has fewer."""
    there = len(dataset.train.labels)
    if images is not None and images > there:
        raise ConfigError(f"images = {images} is impossible: the data set has {there}; generated:{images} has as many")
    return Split(*(array[:images] for array in dataset.train))


def write(folder: Path, split: Split, workload: Workload) -> None:
    """The arrays of `peers.protocol.Problem` as .npy files, the initial weights those of the workload's program.

    Raises ConfigError where a minibatch is larger than the split.
    """
    program = workload.trained
    arrays = {**split._asdict(), **model.named(model.init(program, PIXELS, workload.classes))}
    settings = {"learning_rate": program.optimizer.learning_rate, "device": workload.device, "scale": program.scale}
    if program.batching:
        epoch = program.batching.steps_per_epoch(workload.images)
        arrays["rows"] = np.stack([*itertools.islice(minibatches.rows(program, workload.images), epoch)])
    if isinstance(program.optimizer, Adam):
        settings |= {name: getattr(program.optimizer, name) for name in ("beta1", "beta2", "epsilon")}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    (folder / "problem.json").write_text(json.dumps(settings))
