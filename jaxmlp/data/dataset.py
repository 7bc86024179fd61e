"""A data set in host memory: what every source of `jaxmlp.data` returns; engines place its splits on a device."""

from typing import NamedTuple

import numpy as np

from jaxmlp.errors import ConfigError

PIXELS = 28 * 28
DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")  # the original's


class Split(NamedTuple):
    """Images and their labels, row i of one belonging to element i of the other."""

    images: np.ndarray  # uint8 [N, 784], row-major 28x28, 0 = blank … 255 = full ink
    labels: np.ndarray  # uint8 [N], 0 … classes-1


class Dataset(NamedTuple):
    """A training and a test split, what the classes are called, and where it all came from."""

    train: Split
    test: Split
    class_names: tuple[str, ...]  # one a class; their number is the width of the model's last layer
    source: str  # one line for the log and config.json, e.g. "MNIST from /data/mnist"
    synthetic: bool = False  # True: generated digits, because MNIST was neither on disk nor reachable

    def first(self, images: int) -> "Dataset":
        """Only the first training images; the test set is whole. Raises `ConfigError` where there are not as many."""
        there = len(self.train.labels)
        if images > there:
            raise ConfigError(f"images = {images}: {self.source} has only {there}")
        train = Split(*(array[:images] for array in self.train))
        return self._replace(train=train, source=f"the first {images} images of {self.source}")
