"""The minibatches of TensorFlow 1.x tutorials, as rows of the data: NumPy, so that one scan on a device runs an epoch.

`read_data_sets` and `DataSet.next_batch`: contrib/learn/python/learn/datasets/mnist.py, which
`tensorflow.examples.tutorials.mnist.input_data` passes on. Rows are int32: [steps, batch size] for many steps.
"""

from typing import NamedTuple

import numpy as np

from jaxmlp.tf1.streams import stream

VALIDATION_SIZE = 5000  # the first so many training images; the others are the training set
PIXEL = np.float32(1.0 / 255.0)


class DataSet:
    """The order in which `input_data`'s DataSet gives its examples; attributes have TensorFlow's names.

    `generator` is NumPy's global one there, which all the data sets of a process share: pass the same one to each, see
    `read_data_sets`. Raises ValueError for fewer than 0 examples.
    """

    def __init__(self, num_examples: int, generator: np.random.RandomState) -> None:
        if num_examples < 0:
            raise ValueError(f"DataSet: num_examples = {num_examples}; it must be at least 0")
        self.num_examples = num_examples
        self.epochs_completed = 0
        self.index_in_epoch = 0
        self.order = np.arange(num_examples, dtype=np.int32)  # as shuffled so far
        self._generator = generator

    def next_batch(self, batch_size: int, shuffle: bool = True) -> np.ndarray:
        """Rows of the next batch: int32 [batch_size], fewer where the data set itself is smaller.

        The first epoch is shuffled before its first batch. A batch that does not fit into the rest of an epoch takes
        this rest and, of the data shuffled once more, the beginning. Raises ValueError for a batch_size below 1.
        """
        if batch_size < 1:
            raise ValueError(f"next_batch: batch_size = {batch_size}; it must be at least 1")
        start = self.index_in_epoch
        if self.epochs_completed == 0 and start == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self.num_examples:
            self.index_in_epoch += batch_size
            return self.order[start : self.index_in_epoch].copy()
        self.epochs_completed += 1
        rest = self.order[start:]
        if shuffle:
            self._shuffle()
        self.index_in_epoch = batch_size - (self.num_examples - start)
        return np.concatenate([rest, self.order[: self.index_in_epoch]])

    def indices(self, steps: int, batch_size: int, shuffle: bool = True) -> np.ndarray:
        """Rows of the next `steps` batches: int32 [steps, batch_size]. Raises ValueError for a size above num_examples.

        TensorFlow gives such a batch too, but shorter than was asked for, and is then beyond the end of its data.
        """
        if batch_size > self.num_examples:
            raise ValueError(
                f"indices: batch_size = {batch_size}; it must be at most num_examples, {self.num_examples}"
            )
        batches = [self.next_batch(batch_size, shuffle) for _ in range(steps)]
        return np.stack(batches) if batches else np.empty((0, batch_size), np.int32)

    def _shuffle(self) -> None:
        permutation = np.arange(self.num_examples)
        self._generator.shuffle(permutation)
        self.order = self.order[permutation]


class DataSets(NamedTuple):
    """What `read_data_sets` returns; train's row 0 is the file's row `validation_size`, see `train_start`."""

    train: DataSet
    validation: DataSet
    test: DataSet

    @property
    def train_start(self) -> int:
        """The row of the training file at which `train` begins: add it to train's rows."""
        return self.validation.num_examples


def read_data_sets(
    train_images: int = 60_000,
    test_images: int = 10_000,
    validation_size: int = VALIDATION_SIZE,
    seed: int | None = None,
    graph_seed: int | None = None,
    numpy_seed: int | None = None,
) -> DataSets:
    """`input_data.read_data_sets(seed=…)` of files with so many images: the three data sets and their one generator.

    Constructing them seeds NumPy: with `seed` where it is given, else with `graph_seed`, that of an earlier
    `tf.set_random_seed`, else at random. `numpy_seed`: of an `np.random.seed` called **after** it; one called before
    has no effect. Raises ValueError for a validation_size outside [0, train_images] and a seed NumPy does not take.
    """
    if not 0 <= validation_size <= train_images:
        raise ValueError(f"read_data_sets: validation_size = {validation_size}; it must lie in [0, {train_images}]")
    start = numpy_seed if numpy_seed is not None else dataset_seed(seed, graph_seed)
    generator = np.random.RandomState(start)
    return DataSets(*(DataSet(n, generator) for n in (train_images - validation_size, validation_size, test_images)))


def dataset_seed(seed: int | None, graph_seed: int | None) -> int | None:
    """What DataSet's constructor passes to `np.random.seed`; None seeds at random."""
    if seed is not None:
        return stream(graph_seed, seed).seed2
    return None if graph_seed is None else stream(graph_seed, 0).seed


def sequential(steps: int, batch_size: int, num_examples: int, first_step: int = 0) -> np.ndarray:
    """The slices of Udacity's course: step s begins at (s * batch_size) mod (num_examples - batch_size).

    int32 [steps, batch_size], from `first_step` on; the last rows of the data are hardly ever used. Raises ValueError
    unless 1 <= batch_size < num_examples.
    """
    if not 1 <= batch_size < num_examples:
        raise ValueError(f"sequential: batch_size = {batch_size}; it must lie in [1, num_examples = {num_examples})")
    step = np.arange(first_step, first_step + steps, dtype=np.int64)
    return ((step * batch_size % (num_examples - batch_size))[:, None] + np.arange(batch_size)).astype(np.int32)


def epochs(
    count: int, batch_size: int, num_examples: int, generator: np.random.RandomState | None = None
) -> np.ndarray:
    """Epochs each shuffled anew, the last incomplete batch left out: int32 [count * steps an epoch, batch_size].

    Each epoch is `generator.permutation(num_examples)`, in file order where `generator` is None. Raises ValueError
    unless 1 <= batch_size <= num_examples.
    """
    if not 1 <= batch_size <= num_examples:
        raise ValueError(f"epochs: batch_size = {batch_size}; it must lie in [1, num_examples = {num_examples}]")
    steps = num_examples // batch_size
    orders = [
        np.arange(num_examples) if generator is None else generator.permutation(num_examples) for _ in range(count)
    ]
    rows = [order[: steps * batch_size].reshape(steps, batch_size) for order in orders]
    return np.concatenate([*rows, np.empty((0, batch_size))]).astype(np.int32)


def pixels(images: np.ndarray) -> np.ndarray:
    """DataSet's images: uint8 -> float32 in [0, 1], byte times float32(1 / 255), so not the bits of byte / 255."""
    return images.astype(np.float32) * PIXEL
