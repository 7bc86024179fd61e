"""The one problem that all contenders solve: which arrays, and how much arithmetic. Written to a folder for `peers`."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxmlp import model
from jaxmlp.data import Dataset, Split
from jaxmlp.data.dataset import PIXELS
from jaxmlp.errors import ConfigError
from jaxmlp.program import Dense, Program


class Workload(NamedTuple):
    """What is computed: full-batch steps of the original's perceptron."""

    data: str  # what the images are, for the reader of a result; no path
    images: int
    hidden: int
    classes: int
    device: str  # cpu, gpu or tpu

    @property
    def flop(self) -> int:
        """Arithmetic of one step of the formula as it is written: what a dense program cannot do without.

        The first layer runs forward and for the gradient of its weights (pixels need none), the second layer
        forward, for its weights and for the hidden units; an N x P x H product is 2 N P H operations.
        """
        return 2 * self.images * self.hidden * (2 * PIXELS + 3 * self.classes)

    def program(self) -> Program:
        """What the contenders run."""
        return Program((Dense(self.hidden),))

    @property
    def is_the_original(self) -> bool:
        """Whether this is the work that the project's targets speak of."""
        return (self.data, self.images, self.hidden) == ("mnist", 60_000, 1024)


def first(dataset: Dataset, images: int | None) -> Split:
    """The first training images of a data set. Raises ConfigError when it has fewer."""
    there = len(dataset.train.labels)
    if images is not None and images > there:
        raise ConfigError(f"images = {images} is impossible: the data set has {there}; generated:{images} has as many")
    return Split(*(array[:images] for array in dataset.train))


def write(folder: Path, split: Split, workload: Workload) -> None:
    """The arrays of `peers.protocol.Problem` as .npy files, the initial weights those of the workload's program."""
    program = workload.program()
    tensors = model.named(model.init(program, PIXELS, workload.classes))
    for name, array in {**split._asdict(), **tensors}.items():
        np.save(folder / f"{name}.npy", array)
    settings = {"learning_rate": program.optimizer.learning_rate, "device": workload.device}
    (folder / "problem.json").write_text(json.dumps(settings))
