"""Bugs in what a run starts from: the data and the initial weights."""

from unittest import mock

import numpy as np

from jaxmlp import tf_random
from jaxmlp.data.dataset import Dataset, Split
from parity.mutant import Mutant, Plant


def mutants() -> list[Mutant]:
    """Caught before any number is compared."""
    pixels, labels = ("T0", "train pixels"), ("T0", "train labels")
    first, second = ("T0", "initial weights_1"), ("T0", "initial weights_2")
    return [
        Mutant("pixels / 255", *pixels, data=_scaled),
        Mutant("images transposed", *pixels, data=_transposed),
        Mutant("labels of the next image", *labels, data=_rolled_labels),
        Mutant("initial stddev 0.99", *first, _truncated_normal(lambda stream: stream, stddev=0.99)),
        Mutant("initial weights not truncated", *first, _untruncated),
        Mutant("seeds of W1 and W2 swapped", *first, _truncated_normal(_other_op)),
        Mutant("second run of the random op", *second, _truncated_normal(lambda stream: stream._replace(runs=1))),
    ]


def _scaled(dataset: Dataset) -> Dataset:
    return dataset._replace(train=Split(dataset.train.images // 255, dataset.train.labels))


def _transposed(dataset: Dataset) -> Dataset:
    images = dataset.train.images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(dataset.train.images.shape)
    return dataset._replace(train=Split(images, dataset.train.labels))


def _rolled_labels(dataset: Dataset) -> Dataset:
    return dataset._replace(train=Split(dataset.train.images, np.roll(dataset.train.labels, 1)))


def _truncated_normal(change, stddev: float = 1.0) -> Plant:
    """Draws from `change(stream)` with another standard deviation."""
    genuine = tf_random.truncated_normal

    def draw(shape, stream, **_):
        return genuine(shape, change(stream), stddev=stddev)

    return lambda: mock.patch.object(tf_random, "truncated_normal", draw)


def _other_op(stream: tf_random.Stream) -> tf_random.Stream:
    return stream._replace(seed2={21: 39, 39: 21}[stream.seed2])


def _untruncated():
    return mock.patch.object(tf_random, "truncated_normal", tf_random.random_normal)
