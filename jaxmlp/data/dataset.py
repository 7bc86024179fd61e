"""A data set in host memory: what every source of `jaxmlp.data` returns and every engine's `prepare` takes."""

from typing import NamedTuple

import numpy as np

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
    source: (
        str  # one line for the log and config.json, e.g. "MNIST from /data/mnist" or "60000 generated digits, seed 0"
    )
    stand_in: bool = False  # True: generated digits trained on because MNIST was neither on disk nor reachable
