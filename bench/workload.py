"""The one problem that all contenders solve: which arrays, and how much arithmetic. Written to a folder for `peers`."""

import itertools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench import programs
from jaxmlp import minibatches, model
from jaxmlp.data import Dataset, Split
from jaxmlp.data.dataset import PIXELS
from jaxmlp.errors import ConfigError
from jaxmlp.program import Adam, Program


class Agreement(NamedTuple):
    """How near a contender must come to the reference in the first steps."""

    images: int  # of a step
    loss: float = 1e-4  # relative


class Workload(NamedTuple):
    """What is computed: steps of a perceptron."""

    data: str  # what the images are, for the reader of a result; no path
    images: int
    hidden: int | None  # units of the only hidden layer; None where the program has layers of its own
    classes: int
    device: str  # cpu, gpu or tpu
    program: str = programs.ORIGINAL  # one of `programs.Name`

    @property
    def trained(self) -> Program:
        """What the contenders run."""
        return programs.load(self.program, self.hidden)

    @property
    def in_minibatches(self) -> bool:
        return self.trained.batching is not None

    @property
    def images_a_step(self) -> int:
        batching = self.trained.batching
        return batching.size if batching else self.images

    @property
    def widths(self) -> tuple[int, ...]:
        """Of every layer, from the pixels to the classes."""
        return PIXELS, *(layer.units for layer in self.trained.layers), self.classes

    @property
    def agreement(self) -> Agreement:
        """Wider for Adam: optax and PyTorch add epsilon to the corrected root, TensorFlow to the plain one."""
        by_adam = isinstance(self.trained.optimizer, Adam)
        return Agreement(self.images_a_step, 1e-3) if by_adam else Agreement(self.images_a_step)

    @property
    def flop(self) -> int:
        """Arithmetic of one step of the formula as it is written: what a dense program cannot do without.

        The first layer runs forward and for the gradient of its weights (pixels need none), every other layer
        forward, for its weights and for its inputs; an N x P x H product is 2 N P H operations. What is done
        to each weight alone, Adam's some fifteen operations, is not counted: its cost is memory.
        """
        first, *others = (inputs * units for inputs, units in itertools.pairwise(self.widths))
        return 2 * self.images_a_step * (2 * first + 3 * sum(others))

    @property
    def is_on_mnist(self) -> bool:
        """Whether this is the work that the project's targets speak of."""
        usual = programs.hidden_units(self.program, None)
        return (self.data, self.images, self.hidden) == ("mnist", 60_000, usual)


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
    (activation,) = {layer.activation for layer in program.layers}  # the peers know one for all hidden layers
    arrays = {**split._asdict(), **model.named(model.init(program, PIXELS, workload.classes))}
    settings = {
        "activation": activation,
        "learning_rate": program.optimizer.learning_rate,
        "device": workload.device,
        "scale": program.scale,
        "program": program.as_dict(),
    }
    if program.batching:
        epoch = program.batching.steps_per_epoch(workload.images)
        arrays["rows"] = np.stack([*itertools.islice(minibatches.rows(program, workload.images), epoch)])
    if isinstance(program.optimizer, Adam):
        settings |= {name: getattr(program.optimizer, name) for name in ("beta1", "beta2", "epsilon")}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    (folder / "problem.json").write_text(json.dumps(settings))
