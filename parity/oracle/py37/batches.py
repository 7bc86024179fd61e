"""The rows of the training set that each update is computed on.

With 1.15 the wheel's own `DataSet` tells those of "next_batch"; TensorFlow 2.x has none, and the same is done by hand.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator

import numpy as np
import tensorflow.compat.v1 as tf

from .version import GENUINE

Batches = Iterator[np.ndarray]  # int [size] each, without end


def rows(batching: dict[str, Any], seed: int, images: int, steps: int) -> np.ndarray:
    """int32 [steps, size], rows of a training set of so many images; the first `validation` are left out.

    Call it with the program's graph as the default one, its seed set: `DataSet` seeds NumPy by that.
    """
    left = images - batching["validation"]
    batches = ORDERS[batching["order"]](batching["size"], left, seed)
    chosen = [next(batches) for _ in range(steps)]
    return (np.stack(chosen) + batching["validation"]).astype(np.int32)


def _next_batch(size: int, images: int, seed: int) -> Batches:
    data = _data_set(images, seed)
    while True:
        yield data.next_batch(size)[0][:, 0]


def _shuffled(size: int, images: int, seed: int) -> Batches:
    generator = np.random.RandomState(seed % 2**32)
    while True:
        yield from _whole(generator.permutation(images), size)


def _in_order(size: int, images: int, seed: int) -> Batches:
    while True:
        yield from _whole(np.arange(images), size)


def _sequential(size: int, images: int, seed: int) -> Batches:
    step = 0
    while True:
        yield step * size % (images - size) + np.arange(size)
        step += 1


def _whole(order: np.ndarray, size: int) -> Batches:
    """Without the incomplete last batch."""
    return iter(order[: len(order) // size * size].reshape(-1, size))


def _data_set(images: int, seed: int) -> Any:
    """`input_data`'s DataSet, or one like it, of row numbers in place of images: its batches are [size, 1]."""
    numbers = np.arange(images)
    if not GENUINE:
        return DataSet(numbers, seed)
    from tensorflow.contrib.learn.python.learn.datasets.mnist import DataSet as Genuine

    return Genuine(numbers.reshape(-1, 1, 1, 1), numbers, dtype=tf.uint8)  # uint8: leaves the numbers alone


class DataSet:
    """contrib/learn/python/learn/datasets/mnist.py, without labels and with a NumPy generator of its own."""

    def __init__(self, numbers: np.ndarray, seed: int):
        self.generator = np.random.RandomState(seed % (2**31 - 1))  # the graph's, as `tf.get_seed` gives it
        self.numbers, self.epochs, self.index = numbers, 0, 0

    def next_batch(self, size: int) -> tuple[np.ndarray, None]:
        """Of the row numbers, int [size, 1]."""
        start, count = self.index, len(self.numbers)
        if self.epochs == 0 and start == 0:
            self._shuffle()
        self.index = start + size
        if self.index <= count:
            return self.numbers[start : self.index, None], None
        self.epochs, self.index = self.epochs + 1, self.index - count
        rest = self.numbers[start:]
        self._shuffle()
        return np.concatenate([rest, self.numbers[: self.index]])[:, None], None

    def _shuffle(self) -> None:
        order = np.arange(len(self.numbers))
        self.generator.shuffle(order)
        self.numbers = self.numbers[order]


ORDERS: dict[str, Callable[[int, int, int], Batches]] = {
    "next_batch": _next_batch,
    "shuffled": _shuffled,
    "in_order": _in_order,
    "sequential": _sequential,
}
