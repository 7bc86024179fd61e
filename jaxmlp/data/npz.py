"""Keras' copy of MNIST, `mnist.npz`, read as strictly as the IDX files: shapes before bytes, never a pickle."""

import hashlib
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from jaxmlp.data.dataset import PIXELS, Split
from jaxmlp.errors import DataError

# Shape and SHA-256 of each array: the IDX files without their headers.
ARRAYS = {
    "x_train": ((60_000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60_000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10_000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10_000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}


def read_npz(path: Path) -> tuple[Split, Split]:
    """Training and test split of a Keras `mnist.npz`: uint8 [N, 784] and uint8 [N]. Raises `DataError`."""
    if path.is_dir():
        raise DataError(f"{path}: is a directory, not an npz file")
    try:
        with zipfile.ZipFile(path) as archive:
            x_train, y_train, x_test, y_test = (_array(path, archive, name) for name in ARRAYS)
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise a dozen types on damaged input, SyntaxError among them
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read as an npz file: {reason}") from None
    return Split(x_train.reshape(-1, PIXELS), y_train), Split(x_test.reshape(-1, PIXELS), y_test)


def _array(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array of the archive, its header checked before a byte is allocated for it, its bytes checked after."""
    shape, digest = ARRAYS[name]
    if f"{name}.npy" not in archive.namelist():
        raise DataError(f"{path}: has no array {name}; Keras' MNIST holds {', '.join(ARRAYS)}")
    with archive.open(f"{name}.npy") as file:
        found, fortran, dtype = _header(file)
    if dtype.hasobject:
        raise DataError(f"{path}: {name} holds pickled objects, which are never unpickled; uint8 {shape} is right")
    if (found, fortran, dtype) != (shape, False, np.dtype(np.uint8)):
        raise DataError(f"{path}: {name} is {dtype} {found}; uint8 {shape} in C order is right")
    with archive.open(f"{name}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise DataError(f"{path}: {name} goes on after the bytes that its header declares")
    if hashlib.sha256(array.data).hexdigest() != digest:
        wrong = f"{name} is not the original MNIST (its SHA-256 differs)"
        raise DataError(f"{path}: {wrong}; delete the file or fetch it again")
    return array


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype, as the array's header has them."""
    first = np.lib.format.read_magic(file) == (1, 0)
    return (np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0)(file)
