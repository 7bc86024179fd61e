"""What TensorFlow 1.15.5 answered: the arrays of tf115_family_vectors.json; and how far two arrays are apart."""

import json
from pathlib import Path

import numpy as np

VECTORS = json.loads((Path(__file__).parent / "tf115_family_vectors.json").read_text())


def array(kept: dict | str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Big-endian float32 in hex, of the shape kept beside it or given."""
    text, shape = (kept["hex"], kept["shape"]) if isinstance(kept, dict) else (kept, shape)
    flat = np.frombuffer(bytes.fromhex(text), ">f4").astype(np.float32)
    return flat if shape is None else flat.reshape(shape)


def assert_within(limit: float, ours: np.ndarray, theirs: np.ndarray, least: float = 0.0) -> None:
    """Equal shapes, NaN and infinities alike, and the rest within `limit` of theirs' largest number, or `least`."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    largest = np.abs(theirs, where=np.isfinite(theirs), out=np.zeros_like(theirs)).max()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=max(limit * largest, least))
