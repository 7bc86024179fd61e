"""The IDX format of MNIST and its like, read strictly: what is not as the header declares is a `DataError`.

magic    4 bytes   0, 0, the type (0x08: unsigned bytes), number of dimensions
sizes    4 bytes a dimension, big-endian: count[, 28, 28]
payload  count [* 784] items, big-endian
"""

import hashlib
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from jaxmlp.data.content import HEAD, LARGEST, is_really, opened, pieces, whole
from jaxmlp.data.dataset import PIXELS, Split
from jaxmlp.errors import DataError

_IMAGES, _LABELS = 0x0803, 0x0801  # uint8 in three dimensions, uint8 in one
_INTEGERS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4"}  # of which labels may be
_QMNIST = 8  # columns of QMNIST's labels: the class, then who wrote it and where


class NotOriginal(DataError):
    """A well-formed file that is not MNIST's."""


class _Header(NamedTuple):
    dtype: np.dtype
    shape: tuple[int, ...]
    length: int  # bytes of the header itself

    @property
    def size(self) -> int:
        return self.length + self.dtype.itemsize * math.prod(self.shape)


def read_split(images: Path, labels: Path, digests: Sequence[str] = ()) -> Split:
    """Images and labels that belong together: uint8 [N, 784] and uint8 [N], both read-only.

    `digests`: SHA-256 that the two uncompressed files must have; none accept any well-formed pair. Labels may be stored
    as any integers from 0 to 255, or as QMNIST's, 8 columns of which the first is the class. Raises `DataError`, and
    `NotOriginal` where only a digest is another.
    """
    (_, image_bytes), (header, label_bytes) = _contents(images, _IMAGES), _contents(labels, _LABELS)
    pixels = np.frombuffer(image_bytes, np.uint8, offset=16).reshape(-1, PIXELS)
    numbers = np.frombuffer(label_bytes, header.dtype, offset=header.length).reshape(header.shape)
    numbers = _bytes(labels, numbers if numbers.ndim == 1 else numbers[:, 0])
    if len(numbers) != len(pixels):
        _refuse(labels, f"holds {len(numbers)} labels, but {images.name} holds {len(pixels)} images")
    for path, content, digest in zip((images, labels), (image_bytes, label_bytes), digests, strict=False):
        _check_digest(path, content, digest)
    return Split(pixels, numbers)


def check(name: Path | str, raw: bytes, digest: str) -> None:
    """Raises `DataError`, naming `name`, unless `raw`, unpacked if it is gzip, has this SHA-256 digest."""
    _check_digest(name, whole(name, raw), digest)


def is_original(path: Path, digest: str) -> bool:
    """Whether the file, unpacked if it is gzip, has this SHA-256 digest. Raises `DataError` where it is damaged."""
    found = hashlib.sha256()
    with opened(path, "an IDX file") as content:
        for piece in pieces(content, LARGEST):
            found.update(piece)
    return found.hexdigest() == digest


def _check_digest(name: Path | str, content: bytes | memoryview, digest: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        wrong = f"SHA-256 {found[:12]}… where {digest[:12]}… is right"
        raise NotOriginal(f"{name}: is not the original MNIST: {wrong}; fetch it again")


def _contents(path: Path, magic: int) -> tuple[_Header, memoryview]:
    """The header, checked against what `magic` means and against the file's length, and the whole unpacked file."""
    with opened(path, "an IDX file") as content:
        head = content.read(HEAD)
        header = _header(path, head, magic, is_really(head, content))
        # The byte more shows whether there is more, and makes gzip verify the check sum behind the content.
        held = bytearray(head)
        for piece in pieces(content, header.size + 1 - len(head)):
            held += piece
    if len(held) > header.size:
        _refuse(path, f"goes on after the {header.size} bytes that its header declares")
    if len(held) < header.size:
        _refuse(path, f"its header declares {header.size} bytes in all, but it ends after {len(held)}: truncated")
    return header, memoryview(held).toreadonly()


def _header(path: Path, head: bytes, magic: int, really: str) -> _Header:
    """What the file's first bytes declare. `really`: what they say of a file that is no IDX at all."""
    found = int.from_bytes(head[:4], "big")
    kind, dtype = ("images" if magic == _IMAGES else "labels"), _INTEGERS.get(head[2] if len(head) > 2 else 0)
    labels = magic == _LABELS and dtype and found >> 16 == 0 and found & 0xFF in (1, 2)
    if (len(head) >= 4 or really) and found != magic and not labels:
        start = f"starts with magic number 0x{found:08x}; IDX {kind} start with 0x{magic:08x}" if head else ""
        _refuse(path, f"{start}{really}".removeprefix(". It "))
    dimensions = found & 0xFF if len(head) >= 4 else magic & 0xFF
    length = 4 + 4 * dimensions
    if len(head) < length:
        _refuse(path, f"ends after {len(head)} bytes, within its IDX header of {length}: truncated")
    header = _Header(np.dtype(dtype), struct.unpack(f">{dimensions}I", head[4:length]), length)
    _check_shape(path, header, magic)
    return header


def _check_shape(path: Path, header: _Header, magic: int) -> None:
    count, *item = header.shape
    if magic == _IMAGES and item != [28, 28]:
        _refuse(path, f"holds images of {item[0]}x{item[1]} pixels; 28x28 are right")
    if magic == _LABELS and item and item != [_QMNIST]:
        what = f"holds labels of shape {header.shape}"
        _refuse(path, f"{what}; one number an image, ({count},), is right, or QMNIST's ({count}, {_QMNIST})")
    if count == 0:
        _refuse(path, "declares no items at all")
    if header.size > LARGEST:
        _refuse(
            path, f"its header declares {count} items, {header.size} bytes in all; at most {LARGEST} bytes are read"
        )


def _bytes(path: Path, labels: np.ndarray) -> np.ndarray:
    """The labels as uint8, which they must fit."""
    if labels.dtype != np.uint8:
        outside = (labels < 0) | (labels > 255)
        if outside.any():
            where = int(outside.argmax())
            _refuse(path, f"label {where} is {labels[where]}; labels go from 0 to 255")
        labels = labels.astype(np.uint8)
        labels.setflags(write=False)
    return labels


def _refuse(name: Path | str, reason: str) -> NoReturn:
    raise DataError(f"{name}: {reason}")
