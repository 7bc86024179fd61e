"""How many classes the labels of a set have, and what they are called."""

import string

import numpy as np

from jaxmlp.data.dataset import Dataset, Split

_DIGITS, _UPPER, _LOWER = string.digits, string.ascii_uppercase, string.ascii_lowercase
_EMNIST = {  # by the variant's name, the characters of its labels in their order
    "emnist-byclass": _DIGITS + _UPPER + _LOWER,
    "emnist-bymerge": _DIGITS + _UPPER + "abdefghnqrt",
    "emnist-balanced": _DIGITS + _UPPER + "abdefghnqrt",
    "emnist-letters": "-" + _UPPER,  # its labels begin at 1
}


def of_labels(train: Split, test: Split, source: str, name: str = "") -> Dataset:
    """The data set with as many classes as its largest label asks for, in whichever split it is.

    Labels stay as they are stored, so a prediction is a label of the file. Where they begin at 1, class 0 stays
    without an image, and the source says so. `name`: the set's, as its files have it.
    """
    present = np.union1d(train.labels, test.labels)
    count = int(present.max()) + 1
    called = _EMNIST.get(name, "")
    names = called[:count] if count <= len(called) else [str(label) for label in range(count)]
    empty = f" (labels {present[0]} to {present[-1]}; no image is of a class below {present[0]})" if present[0] else ""
    return Dataset(train, test, tuple(names), f"{source}{empty}")


def upright(split: Split) -> Split:
    """EMNIST's images as one reads them: its files hold them transposed."""
    images = split.images.reshape(-1, 28, 28).transpose(0, 2, 1)
    return Split(np.ascontiguousarray(images).reshape(len(images), -1), split.labels)
