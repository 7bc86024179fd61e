"""The rows of each minibatch, in TensorFlow programs' orders: NumPy, on the host, from `tf1.batches`."""

from collections.abc import Iterator, Mapping

import numpy as np

from jaxmlp.program import Program
from jaxmlp.tf1 import batches

BLOCK = 500  # steps whose rows are made at a time
Saved = Mapping[str, np.ndarray]


def rows(program: Program, images: int) -> Iterator[np.ndarray]:
    """int32 [size] of each step from step 0 on, without end: rows of a training set of so many images.

    All of them, in order, where the program has no batches. Shuffles are NumPy's from `program.seed`, which in
    TensorFlow 1.x seeds `input_data`'s DataSet too. Raises ConfigError where a batch is larger than the set.
    """
    order = order_of(program, images)
    while True:
        yield from order.take(BLOCK if program.batching else 1)


class Order:
    """Where a run is in the order of its images. This one, of a program without batches, is every step at its start."""

    def __init__(self, images: int):
        self._all = np.arange(images, dtype=np.int32)

    def take(self, steps: int) -> np.ndarray:
        """Rows of the next so many steps: int32 [steps, size]."""
        return np.broadcast_to(self._all, (steps, len(self._all)))

    def saved(self) -> dict[str, np.ndarray]:
        """All that `restore` needs to go on from here: arrays by name, their shapes and dtypes the program's."""
        return {}

    def restore(self, saved: Saved) -> None:
        """Goes on from where another order of the same program was."""


class Sequential(Order):
    """The slices of Udacity's course."""

    def __init__(self, size: int, images: int):
        self._size, self._images, self._step = size, images, 0

    def take(self, steps: int) -> np.ndarray:
        self._step += steps
        return batches.sequential(steps, self._size, self._images, self._step - steps)

    def saved(self) -> dict[str, np.ndarray]:
        return {"position": np.array([self._step])}

    def restore(self, saved: Saved) -> None:
        self._step = int(saved["position"][0])


class NextBatch(Order):
    """`input_data`'s DataSet."""

    def __init__(self, size: int, images: int, seed: int):
        self._generator = np.random.RandomState(batches.dataset_seed(None, seed))
        self._size, self._data_set = size, batches.DataSet(images, self._generator)

    def take(self, steps: int) -> np.ndarray:
        return self._data_set.indices(steps, self._size)

    def saved(self) -> dict[str, np.ndarray]:
        position = np.array([self._data_set.index_in_epoch, self._data_set.epochs_completed])
        return {"position": position, "order": self._data_set.order, "generator": _words(self._generator)}

    def restore(self, saved: Saved) -> None:
        self._data_set.index_in_epoch, self._data_set.epochs_completed = map(int, saved["position"])
        self._data_set.order = saved["order"].copy()
        _set(self._generator, saved["generator"])


class Epochs(Order):
    """Whole batches of one epoch after the other, each shuffled anew by the generator; without one, in file order."""

    def __init__(self, size: int, images: int, generator: np.random.RandomState | None):
        self._size, self._images, self._generator = size, images, generator
        self._epoch, self._at = self._next_epoch(), 0

    def take(self, steps: int) -> np.ndarray:
        parts, left = [self._epoch[self._at : self._at + steps]], steps - (len(self._epoch) - self._at)
        self._at += len(parts[0])
        while left > 0:
            self._epoch, self._at = self._next_epoch(), min(left, len(self._epoch))
            parts.append(self._epoch[: self._at])
            left -= self._at
        return np.concatenate(parts)

    def saved(self) -> dict[str, np.ndarray]:
        position = {"position": np.array([self._at])}
        return position | ({"order": self._epoch, "generator": _words(self._generator)} if self._generator else {})

    def restore(self, saved: Saved) -> None:
        self._at = int(saved["position"][0])
        if self._generator:
            self._epoch = saved["order"].copy()
            _set(self._generator, saved["generator"])

    def _next_epoch(self) -> np.ndarray:
        return batches.epochs(1, self._size, self._images, self._generator)


class Beyond(Order):
    """Another order, of the images behind those that are left out for validation."""

    def __init__(self, order: Order, first: int):
        self._order, self._first = order, np.int32(first)
        self.saved, self.restore = order.saved, order.restore

    def take(self, steps: int) -> np.ndarray:
        return self._order.take(steps) + self._first


def order_of(program: Program, images: int) -> Order:
    """The program's, before step 0. Raises ConfigError where a batch is larger than the set."""
    batching = program.batching
    if batching is None:
        return Order(images)
    size, left = batching.size, batching.images(images)
    if batching.order == "sequential":
        order = Sequential(size, left)
    elif batching.order == "next_batch":
        order = NextBatch(size, left, program.seed)
    else:
        shuffled = batching.order == "shuffled"
        order = Epochs(size, left, np.random.RandomState(program.seed % 2**32) if shuffled else None)
    return Beyond(order, batching.validation)


def _words(generator: np.random.RandomState) -> np.ndarray:
    """The state of a Mersenne Twister, uint32 [625]; no normals are drawn from these."""
    _, words, position, *_ = generator.get_state(legacy=True)
    return np.append(words, np.uint32(position)).astype(np.uint32)


def _set(generator: np.random.RandomState, words: np.ndarray) -> None:
    generator.set_state(("MT19937", words[:-1], int(words[-1]), 0, 0.0))
