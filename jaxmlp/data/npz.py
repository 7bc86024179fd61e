"""NumPy archives, read as strictly as IDX files: shapes before bytes, never a pickle. Keras' copy of MNIST, or any set.

Arrays are known by their names: `x_train`, `train_images`, `X_test`, `test_labels`, …
"""

import contextlib
import hashlib
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from jaxmlp.data.checked import checked
from jaxmlp.data.classes import of_labels
from jaxmlp.data.content import HEAD, LARGEST, is_really, opened
from jaxmlp.data.dataset import PIXELS, Dataset, Split
from jaxmlp.errors import DataError

# Shape and SHA-256 of each array of Keras' MNIST: the IDX files without their headers.
ARRAYS = {
    "x_train": ((60_000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60_000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10_000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10_000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
_WORDS = {"images": "x|images?|imgs?|data", "labels": "y|labels?|targets?"}
_SPLITS = {"train": "train|training", "test": "test|testing"}
_SQUARES = ((PIXELS,), (28, 28), (28, 28, 1), (1, 28, 28))


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool  # stored by columns
    dtype: np.dtype

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


def read_npz(path: Path) -> tuple[Split, Split]:
    """Training and test split of a Keras `mnist.npz`: uint8 [N, 784] and uint8 [N]. Raises `DataError`."""
    with _archive(path) as archive:
        x_train, y_train, x_test, y_test = (_original(path, archive, name) for name in ARRAYS)
    return Split(x_train.reshape(-1, PIXELS), y_train), Split(x_test.reshape(-1, PIXELS), y_test)


def load_npz(path: Path) -> Dataset:
    """Any set of four arrays: integer images [N, 28, 28] or [N, 784] of 0 to 255, integer labels [N] or [N, 1].

    Raises `DataError` naming the file, the array, and what would be right.
    """
    with _archive(path) as archive:
        names = _names(path, [name.removesuffix(".npy") for name in archive.namelist()])
        x_train, y_train, x_test, y_test = (_any(path, archive, *which) for which in names)
    train, test = Split(x_train, y_train), Split(x_test, y_test)
    try:
        train, test, *_ = checked(Dataset(train, test, ("",) * 256, ""))
    except DataError as error:
        stored, roles = [name for name, _ in names], ["train.images", "train.labels", "test.images", "test.labels"]
        array, _, wrong = str(error).partition(" ")
        raise DataError(f"{path}: {stored[roles.index(array)]} {wrong}") from None
    return of_labels(train, test, f"{path}")


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever reading it raises is one line that names the file."""
    if path.is_dir():
        raise DataError(f"{path}: is a directory, not an npz file")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise a dozen types on damaged input, SyntaxError among them
        told = (error.strerror if isinstance(error, OSError) else None) or str(error)
        reason = " ".join(told.split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read as an npz file: {reason}{_really(path)}") from None


def _really(path: Path) -> str:
    """What else the file is, where its first bytes tell."""
    with contextlib.suppress(DataError), opened(path, "an npz file") as content:
        told = is_really(content.read(HEAD), content)
        return told if "zip archive" not in told and "an npz file:" not in told else ""
    return ""


def _original(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array of Keras' MNIST, its header checked before a byte is allocated for it, its bytes checked after."""
    shape, digest = ARRAYS[name]
    if f"{name}.npy" not in archive.namelist():
        raise DataError(f"{path}: has no array {name}; Keras' MNIST holds {', '.join(ARRAYS)}")
    right, header = _Header(shape, False, np.dtype(np.uint8)), _header(path, archive, name)
    if header != right:
        raise DataError(f"{path}: {name} is {header}; {right} in C order is right")
    array = _read(path, archive, name)
    if hashlib.sha256(array.data).hexdigest() != digest:
        wrong = f"{name} is not the original MNIST (its SHA-256 differs)"
        raise DataError(f"{path}: {wrong}; delete the file or fetch it again")
    return array


def _names(path: Path, there: Sequence[str]) -> list[tuple[str, str]]:
    """(name, what it holds) of training images, their labels, test images, their labels."""
    found = []
    for split, called in _SPLITS.items():
        for what, word in _WORDS.items():
            pattern = re.compile(f"({word})_?({called})|({called})_?({word})", re.IGNORECASE)
            names = [name for name in there if pattern.fullmatch(name.replace("-", "_"))]
            if len(names) != 1:
                count = "several arrays" if names else "no array"
                right = "x_train, y_train, x_test, y_test, or train_images, train_labels, test_images, test_labels"
                holds = f"; it holds {', '.join(there[:8]) or 'nothing'}"
                raise DataError(f"{path}: has {count} of {split}ing {what} by name, as in {right}{holds}")
            found.append((names[0], what))
    return found


def _any(path: Path, archive: zipfile.ZipFile, name: str, what: str) -> np.ndarray:
    """Images in rows, or labels, in whatever integer type they are stored."""
    header = _header(path, archive, name)
    items = header.shape[1:]
    right = "uint8 [N, 28, 28] or [N, 784]" if what == "images" else "integers [N]"
    if len(header.shape) == 0 or items not in (_SQUARES if what == "images" else ((), (1,))):
        one_hot = ": use labels.argmax(axis=1)" if what == "labels" and len(items) == 1 else ""
        raise DataError(f"{path}: {name} is {header}; {right} is right{one_hot}")
    if math.prod(header.shape) * header.dtype.itemsize > LARGEST:
        raise DataError(f"{path}: {name} is {header}; at most {LARGEST} bytes are read")
    array = _read(path, archive, name)
    return array.reshape(len(array), PIXELS) if what == "images" else array.reshape(len(array))


def _header(path: Path, archive: zipfile.ZipFile, name: str) -> _Header:
    """What the array's header declares; refuses pickled objects."""
    with archive.open(f"{name}.npy") as file:
        header = _parsed(file)
    if header.dtype.hasobject:
        right = "; uint8 images and integer labels are right"
        raise DataError(f"{path}: {name} holds pickled objects, which are never unpickled{right}")
    return header


def _read(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """The array, whose header has been checked."""
    with archive.open(f"{name}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise DataError(f"{path}: {name} goes on after the bytes that its header declares")
    return array


def _parsed(file: IO[bytes]) -> _Header:
    first = np.lib.format.read_magic(file) == (1, 0)
    return _Header(*(np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0)(file))
