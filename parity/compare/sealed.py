"""Named arrays and a header in one npz with a digest over all of it, read without trusting a byte.

The container of both formats: `archive.py` keeps a trace in it, `recorded/file.py` somebody else's program.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from parity.compare import npz
from parity.compare.tensor import Named, digest
from parity.errors import CannotCompare

LARGEST = 4 << 30  # bytes that a file's arrays may come to: more is no recording, but a bomb


def to_bytes(header: Mapping[str, Any], arrays: Named) -> bytes:
    """The file's content; the digest is put into the header as "content"."""
    sealed = {**header, "content": content_digest(header, arrays)}
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(sealed, indent=1).encode(), np.uint8)
    np.savez_compressed(buffer, header=text, **arrays)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def read(file: Path, format_number: int) -> tuple[dict[str, Any], Named]:
    """Header and arrays of a file whose content is what its digest says. Raises `CannotCompare`."""
    return opened(file, format_number)[:2]


def opened(file: Path, format_number: int) -> tuple[dict[str, Any], Named, str]:
    """The same, and that digest."""
    try:
        arrays = npz.members(file, LARGEST)
        header = json.loads(arrays.pop("header").tobytes())
        told = header["format"]
        content = header.pop("content") if told == format_number else ""
        right = told == format_number and content == content_digest(header, arrays)
    except Exception as error:  # what json and a header's fields raise, too
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CannotCompare(f"{file} is not a recording: {reason}") from None
    if told != format_number:
        raise CannotCompare(f"{file} has format {told}, not {format_number}: record it again")
    if not right:
        raise CannotCompare(f"{file} is damaged: its content is not what its digest says")
    return header, arrays, content


def content_digest(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over the header and, by name, the digest of every array."""
    everything = [header, {name: digest(array) for name, array in arrays.items()}]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
