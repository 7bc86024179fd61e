"""The rows of each minibatch, in TensorFlow programs' orders: NumPy, on the host, from `tf1.batches`."""

from collections.abc import Iterator

import numpy as np

from jaxmlp.program import Program
from jaxmlp.tf1 import batches

BLOCK = 500  # steps whose rows are made at a time


def rows(program: Program, images: int) -> Iterator[np.ndarray]:
    """int32 [size] of each step from step 0 on, without end: rows of a training set of so many images.

    All of them, in order, where the program has no batches. Shuffles are NumPy's from `program.seed`, which in
    TensorFlow 1.x seeds `input_data`'s DataSet too. Raises ConfigError where a batch is larger than the set.
    """
    batching = program.batching
    if batching is None:
        while True:
            yield np.arange(images, dtype=np.int32)
    count = batching.images(images)
    for block in _blocks(program, count):
        yield from block + np.int32(batching.validation)


def _blocks(program: Program, images: int) -> Iterator[np.ndarray]:
    """int32 [steps, size], one after the other."""
    assert program.batching
    size, order = program.batching.size, program.batching.order
    if order == "sequential":
        first = 0
        while True:
            yield batches.sequential(BLOCK, size, images, first)
            first += BLOCK
    if order == "next_batch":
        data_set = batches.DataSet(images, np.random.RandomState(batches.dataset_seed(None, program.seed)))
        while True:
            yield data_set.indices(BLOCK, size)
    generator = np.random.RandomState(program.seed % 2**32) if order == "shuffled" else None
    while True:
        yield batches.epochs(1, size, images, generator)
