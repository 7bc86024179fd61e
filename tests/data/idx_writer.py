"""Sets in IDX files of any type and under any names, for the tests of what reads them."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4"}


def idx(array: np.ndarray, kind: int = 0x08) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    return header + array.astype(TYPES[kind]).tobytes()


def some_set(rng: np.random.Generator, lowest: int = 0, classes: int = 10) -> list[np.ndarray]:
    """Training images and labels, test images and labels; the lowest and the largest label are among them."""
    labels = [rng.permutation([lowest, classes - 1, *rng.integers(lowest, classes, n - 2)]) for n in (12, 5)]
    images = [rng.integers(0, 256, (len(own), 28, 28)) for own in labels]
    return [images[0], labels[0], images[1], labels[1]]


def write(
    folder: Path,
    arrays: Sequence[np.ndarray],
    names: Sequence[str] = NAMES,
    pack: Callable[[bytes], bytes] = bytes,
    kind: int = 0x08,
) -> Path:
    """The four arrays under these names, the labels in the IDX type `kind`."""
    for name, array, own in zip(names, arrays, (0x08, kind, 0x08, kind), strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(idx(array, own)))
    return folder
