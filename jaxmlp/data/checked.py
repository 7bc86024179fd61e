"""The one check at the border: arrays that somebody made, taken over where that is exact, refused by name elsewhere."""

from typing import Any

import numpy as np

from jaxmlp.data.dataset import PIXELS, Dataset, Split
from jaxmlp.errors import DataError

_MOST = 256  # classes, as labels are bytes


def checked(dataset: Dataset) -> Dataset:
    """The data set with uint8 images [N, 784] and uint8 labels [N] in both splits.

    Images may also be [N, 28, 28], and either array of another integer type: its values are checked, then converted.
    Raises `DataError` naming the array, the value, and what would be right.
    """
    classes = len(dataset.class_names)
    if not 1 <= classes <= _MOST:
        raise DataError(f"class_names names {classes} classes; 1 to {_MOST} are right")
    train, test = (checked_split(name, getattr(dataset, name), classes) for name in ("train", "test"))
    return dataset._replace(train=train, test=test)


def checked_split(name: str, split: Split, classes: int) -> Split:
    """The same for one split, called `name`, whose labels go from 0 to `classes` - 1."""
    images, labels = rows(f"{name}.images", split.images), _array(f"{name}.labels", split.labels)
    if labels.shape != images.shape[:1]:
        wrong = f"{name}.labels is {labels.dtype} {labels.shape}; uint8 {images.shape[:1]} is right"
        raise DataError(f"{wrong}{_one_hot(labels)}")
    if labels.dtype.kind not in "iu":
        raise DataError(f"{name}.labels is {labels.dtype} {labels.shape}; uint8 {images.shape[:1]} is right")
    if not len(labels):
        raise DataError(f"{name}.images is empty; one image at least is right")
    return Split(images, _bytes(f"{name}.labels", labels, classes - 1, _from_one(labels, classes)))


def rows(name: str, images: Any) -> np.ndarray:
    """Images as uint8 [N, 784]; raises `DataError` naming the array."""
    array = _array(name, images)
    right = array.shape[1:] in ((PIXELS,), (28, 28))
    if array.dtype.kind not in "iu" or not right:
        remedy = _scaled(array) if right else ""
        wrong = f"{name} is {array.dtype} {array.shape}; uint8 [N, {PIXELS}] or [N, 28, 28] is right"
        raise DataError(f"{wrong}{remedy}")
    return _bytes(name, array, 255).reshape(-1, PIXELS)


def _array(name: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is no array: {' '.join(str(error).split())}") from None


def _bytes(name: str, array: np.ndarray, most: int, remedy: str = "") -> np.ndarray:
    """The integers as uint8. Raises `DataError` naming the first that is not from 0 to `most`, and where it stands."""
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low < 0 or high > most:
        first = int(((array < 0) | (array > most)).argmax())
        where = ", ".join(str(int(index)) for index in np.unravel_index(first, array.shape))
        value = int(array.flat[first])
        raise DataError(f"{name} holds {value}; 0 to {most} is right (element [{where}]){remedy}")
    return array if array.dtype == np.uint8 else array.astype(np.uint8)


def _scaled(array: np.ndarray) -> str:
    """What to do about pixels that are no integers."""
    if array.dtype.kind != "f":
        return ""
    if np.isnan(array).any():
        return f"; {int(np.isnan(array).sum())} of its pixels are NaN"
    scale = "images * 255" if array.size and array.max() <= 1 else "images"
    return f": scale back with numpy.rint({scale}).astype(numpy.uint8)"


def _one_hot(labels: np.ndarray) -> str:
    if labels.ndim != 2:
        return ""
    return ": use labels.ravel()" if labels.shape[1] == 1 else ": turn one-hot rows into it with labels.argmax(axis=1)"


def _from_one(labels: np.ndarray, classes: int) -> str:
    """What to do about labels that begin at 1."""
    return ": subtract 1" if labels.min() == 1 and labels.max() == classes else ""
