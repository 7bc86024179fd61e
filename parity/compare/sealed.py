"""Named arrays and a header in one npz with a digest over all of it, read without trusting a byte.

The container of both formats: `archive.py` keeps a trace in it, `recorded/file.py` somebody else's program. A member is
looked at before it is inflated: how many bytes it claims, and whether its dtype and shape come to as many.
"""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from parity.compare.tensor import Named, digest
from parity.errors import CannotCompare

LARGEST = 4 << 30  # bytes that a file's arrays may come to: more is no recording, but a bomb
KINDS = "biufcSU"  # of dtypes; an object would be unpickled


def to_bytes(header: Mapping[str, Any], arrays: Named) -> bytes:
    """The file's content; the digest is put into the header as "content"."""
    sealed = {**header, "content": content_digest(header, arrays)}
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(sealed, indent=1).encode(), np.uint8)
    np.savez_compressed(buffer, header=text, **arrays)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def read(file: Path, format_number: int) -> tuple[dict[str, Any], Named]:
    """Header and arrays of a file whose content is what its digest says. Raises `CannotCompare`."""
    try:
        arrays = _members(file)
        header = json.loads(arrays.pop("header").tobytes())
        told = header["format"]
        right = told == format_number and header.pop("content") == content_digest(header, arrays)
    except Exception as error:  # zipfile, zlib, json and numpy raise a dozen types on damaged input
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CannotCompare(f"{file} is not a recording: {reason}") from None
    if told != format_number:
        raise CannotCompare(f"{file} has format {told}, not {format_number}: record it again")
    if not right:
        raise CannotCompare(f"{file} is damaged: its content is not what its digest says")
    return header, arrays


def content_digest(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over the header and, by name, the digest of every array."""
    everything = [header, {name: digest(array) for name, array in arrays.items()}]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def _members(file: Path) -> Named:
    with zipfile.ZipFile(file) as opened:
        members = opened.infolist()
        claimed = sum(one.file_size for one in members)
        if claimed > LARGEST:
            raise ValueError(f"its arrays would come to {claimed} bytes, and {LARGEST} are the most")
        return {one.filename.removesuffix(".npy"): _member(opened, one) for one in members}


def _member(opened: zipfile.ZipFile, one: zipfile.ZipInfo) -> np.ndarray:
    with opened.open(one) as stream:
        dtype, shape, begun = _head(stream)
        held = math.prod(shape) * dtype.itemsize
        if dtype.kind not in KINDS or held != one.file_size - begun:
            raise ValueError(f"{one.filename} claims {dtype} {shape} and has {one.file_size - begun} bytes")
    with opened.open(one) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _head(stream: IO[bytes]) -> tuple[np.dtype, tuple[int, ...], int]:
    """dtype, shape, and how many bytes they take."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    return dtype, shape, stream.tell()
