"""Gradients that speak of a few rows only, tf.IndexedSlices, as the whole arrays that they stand for.

tf.gather and tf.nn.embedding_lookup give them. Rows of one index add up. So a step that returns a whole gradient, as
JAX's and PyTorch's do, is compared as any other.
"""

from collections.abc import Sequence

import numpy as np

from parity.compare.recorded.applied import Applied
from parity.compare.tensor import Named


def whole_gradients(arrays: Named, updates: Sequence[Applied]) -> Named:
    """Of one raw step, by "role|name": gradients, and what arrives at updates, as large as their variables."""
    rows = {f"gradient|{name}": indices for name, indices in _role(arrays, "indices").items()}
    for one in updates:
        if one.rows is not None and f"number|{one.rows}" in arrays:
            rows[f"arriving|{one.variable}"] = arrays[f"number|{one.rows}"]
    made = {key: _whole(arrays, key, indices) for key, indices in rows.items() if key in arrays}
    return arrays | made


def whole(slices: np.ndarray, indices: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Zero but for the rows of these indices, added one after the other as TensorFlow does it: to the bit."""
    found = np.zeros(like.shape, slices.dtype)
    np.add.at(found, indices.reshape(-1), slices.reshape(-1, *like.shape[1:]))
    return found


def _whole(arrays: Named, key: str, indices: np.ndarray) -> np.ndarray:
    before = arrays.get(f"before|{key.partition('|')[2]}")
    return arrays[key] if before is None else whole(arrays[key], indices, before)


def _role(arrays: Named, role: str) -> Named:
    return {key.partition("|")[2]: array for key, array in arrays.items() if key.partition("|")[0] == role}
