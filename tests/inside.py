"""What a digest guards: the JSON inside of a file, damaged alone, and put back with all around it whole and right.

Damaged from outside, such a file is refused before its facts are looked at; but whoever writes one knows the digest.
"""

import functools
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import safetensors.numpy

from jaxmlp.run import checkpoint, tensor_file
from parity.compare import npz, sealed

Inside = Callable[[bytes], bytes]
Around = Callable[[bytes, bytes], bytes]  # a whole file, other JSON -> that file with it in place of its own


def of_metadata(key: str) -> tuple[Inside, Around]:
    """The JSON in a safetensors file's metadata, and what puts another there."""

    def inside(whole: bytes) -> bytes:
        return json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])["__metadata__"][key].encode()

    def around(whole: bytes, told: bytes) -> bytes:
        tensors = safetensors.numpy.load(whole)
        text = told.decode("utf-8", "replace")
        if key == checkpoint.KEY:
            text = _with(text, "digest", lambda facts: tensor_file.digest(facts, tensors))
        return safetensors.numpy.save(tensors, metadata={key: text})

    return inside, around


def of_header() -> tuple[Inside, Around]:
    """The same for the header of an npz."""

    @functools.lru_cache(1)  # of thousands of inputs each has the same around it
    def arrays(whole: bytes) -> dict[str, np.ndarray]:
        return npz.members(io.BytesIO(whole), 1 << 30)  # pyright: ignore[reportArgumentType]

    def inside(whole: bytes) -> bytes:
        return arrays(whole)["header"].tobytes()

    def around(whole: bytes, told: bytes) -> bytes:
        named = {name: array for name, array in arrays(whole).items() if name != "header"}
        text = _with(told.decode("utf-8", "replace"), "content", lambda facts: sealed.content_digest(facts, named))
        np.savez(made := io.BytesIO(), header=np.frombuffer(text.encode(), np.uint8), **named)  # pyright: ignore[reportArgumentType]
        return made.getvalue()

    return inside, around


def _with(text: str, name: str, digest: Callable[[Mapping[str, Any]], str]) -> str:
    """Told by the right digest, where it is an object that has one."""
    try:
        told = json.loads(text)
        told.pop(name)
        return json.dumps({**told, name: digest(told)})
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text
