"""Named arrays of an npz that may hold anything, read without trusting a byte of it.

A member is looked at before it is unpacked: how many bytes it claims, and whether its dtype and shape come to as many.
"""

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from parity.compare.tensor import Named
from parity.errors import one_line

KINDS = "biufcSU"  # of dtypes; an object would be unpickled
NPY = ".npy"


class Damaged(ValueError):
    """What is wrong with the file, in one line."""

    def __init__(self, message: str):
        super().__init__(one_line(message))


def members(file: Path, largest: int) -> Named:
    """All of its arrays, of so many bytes in all at most. Raises `Damaged`."""
    try:
        with zipfile.ZipFile(file) as opened:
            infos = opened.infolist()
            claimed = sum(one.file_size for one in infos)
            if claimed > largest:
                raise Damaged(f"its arrays would come to {claimed} bytes, and {largest} are the most")
            return {one.filename.removesuffix(NPY): _member(opened, one) for one in infos}
    except Damaged:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise a dozen types on damaged input
        raise Damaged(" ".join(str(error).split()) or type(error).__name__) from None


def _member(opened: zipfile.ZipFile, one: zipfile.ZipInfo) -> np.ndarray:
    with opened.open(one) as stream:
        dtype, shape = _head(stream)
        held, there = math.prod(shape) * dtype.itemsize, one.file_size - stream.tell()
    if dtype.kind not in KINDS or held != there:
        raise Damaged(f"{one.filename} claims {dtype} {shape} and has {there} bytes")
    with opened.open(one) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _head(stream: IO[bytes]) -> tuple[np.dtype, tuple[int, ...]]:
    first = np.lib.format.read_magic(stream) == (1, 0)
    shape, _, dtype = (np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0)(stream)
    return dtype, shape
