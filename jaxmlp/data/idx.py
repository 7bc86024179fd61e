"""The IDX format of the MNIST files, read strictly: what is not as the header declares and the digest promises is a
`DataError` naming the file.

    magic    4 bytes   0, 0, 0x08 (unsigned bytes), number of dimensions
    sizes    4 bytes a dimension, big-endian: count[, 28, 28]
    payload  count [* 784] bytes
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from jaxmlp.data.dataset import PIXELS, Split
from jaxmlp.errors import DataError

_GZIP = b"\x1f\x8b"
_IMAGES, _LABELS = 0x0803, 0x0801  # uint8 in three dimensions, uint8 in one
_LARGEST = 1 << 30  # bytes; twenty times MNIST, so that a forged header cannot fill the memory


def read_split(images: Path, labels: Path, digests: Sequence[str] = (), classes: int = 10) -> Split:
    """Images and labels that belong together: uint8 [N, 784] and uint8 [N], both read-only.

    `digests`: SHA-256 that the two uncompressed files must have; none accept any well-formed pair. Raises `DataError`.
    """
    image_bytes, label_bytes = _contents(images, _IMAGES), _contents(labels, _LABELS)
    pixels = np.frombuffer(image_bytes, np.uint8, offset=16).reshape(-1, PIXELS)
    numbers = np.frombuffer(label_bytes, np.uint8, offset=8)
    if len(numbers) != len(pixels):
        _refuse(labels, f"holds {len(numbers)} labels, but {images.name} holds {len(pixels)} images")
    if len(numbers) and numbers.max() >= classes:
        where = int(np.argmax(numbers >= classes))
        _refuse(labels, f"label {where} is {numbers[where]}; labels go from 0 to {classes - 1}")
    for path, content, digest in zip((images, labels), (image_bytes, label_bytes), digests, strict=False):
        _check_digest(path, content, digest)
    return Split(pixels, numbers)


def check(name: Path | str, raw: bytes, digest: str) -> None:
    """Raises `DataError`, naming `name`, unless `raw`, unpacked if it is gzip, has this SHA-256 digest."""
    _check_digest(name, _unpacked(name, raw, _LARGEST), digest)


def _check_digest(name: Path | str, content: bytes, digest: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        _refuse(name, f"is not the original MNIST: SHA-256 {found[:12]}… where {digest[:12]}… is right; fetch it again")


def _contents(path: Path, magic: int) -> bytes:
    """The whole unpacked file, its header checked against `magic` and against its length."""
    raw, header = _raw(path), 16 if magic == _IMAGES else 8
    size = _declared(path, _unpacked(path, raw, header, whole=False), magic, header)
    content = _unpacked(path, raw, size)
    if len(content) != size:
        _refuse(path, f"its header declares {size} bytes in all, but it ends after {len(content)}: truncated")
    return content


def _declared(path: Path, header: bytes, magic: int, length: int) -> int:
    """The size in bytes that the header, `length` bytes long, gives to the whole file."""
    found = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and found != magic:
        kind = "images" if magic == _IMAGES else "labels"
        _refuse(path, f"starts with magic number 0x{found:08x}; IDX {kind} start with 0x{magic:08x}")
    if len(header) < length:
        _refuse(path, f"ends after {len(header)} bytes, within its IDX header of {length}: truncated")
    count, *shape = struct.unpack(f">{length // 4 - 1}I", header[4:])
    if shape and shape != [28, 28]:
        _refuse(path, f"holds images of {shape[0]}x{shape[1]} pixels; 28x28 are right")
    if count == 0:
        _refuse(path, "declares no items at all")
    size = length + count * (PIXELS if shape else 1)
    if size > _LARGEST:
        _refuse(path, f"its header declares {count} items, {size} bytes in all; at most {_LARGEST} bytes are read")
    return size


def _raw(path: Path) -> bytes:
    """The file as it lies on disk."""
    try:
        if path.exists() and not path.is_file():
            _refuse(path, "is a directory, not an IDX file" if path.is_dir() else "is not a regular file")
        if path.stat().st_size > _LARGEST:
            _refuse(path, f"is larger than {_LARGEST} bytes; no IDX file of MNIST is")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _unpacked(name: Path | str, raw: bytes, size: int, whole: bool = True) -> bytes:
    """The first `size` bytes of the content, gunzipped if it is gzip (by its first bytes: names mislead).

    `whole`: refuse content that goes on after `size` bytes, and gzip that is cut off or has something behind it.
    """
    wanted = size + whole  # the byte more lets zlib reach the check sum behind the content, and shows if there is more
    stream = zlib.decompressobj(wbits=31)
    zipped = raw.startswith(_GZIP)
    try:
        content = stream.decompress(raw, wanted) if zipped else raw[:wanted]
    except zlib.error as error:
        raise DataError(f"{name}: damaged gzip ({error}); fetch it again") from None
    if whole and len(content) > size:
        _refuse(name, f"goes on after the {size} bytes that its header declares")
    if whole and zipped and not stream.eof:
        _refuse(name, f"truncated gzip: it breaks off after {len(content)} unpacked bytes; fetch it again")
    if whole and stream.unused_data:
        _refuse(name, f"{len(stream.unused_data)} stray bytes follow the end of the gzip stream; fetch it again")
    return content


def _refuse(name: Path | str, reason: str) -> NoReturn:
    raise DataError(f"{name}: {reason}")
