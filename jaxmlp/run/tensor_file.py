"""Named arrays in one safetensors file, and a digest over all that it says. Serves `model_file` and `checkpoint`."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from jaxmlp.errors import DataError

Tensors = Mapping[str, np.ndarray]


def content(file: Path, what: str) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and arrays. Raises DataError naming the file, which should be `what`."""
    try:
        with safetensors.safe_open(file, "numpy") as opened:
            return opened.metadata() or {}, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from None
    except (safetensors.SafetensorError, TypeError, AttributeError) as error:  # the last two: a dtype numpy has not
        raise DataError(f"{file} is not {what} in safetensors format: {error}") from None


def digest(facts: Mapping[str, Any], tensors: Tensors) -> str:
    """SHA-256 of facts, names, dtypes, shapes and bytes: safetensors itself has none."""
    found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, array in sorted(tensors.items()):
        found.update(f"{name} {array.dtype} {array.shape};".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
