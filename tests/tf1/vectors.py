"""What genuine TensorFlow 1.15.5 gave: tests/tf1/tf115_family_vectors.json."""

import json
from pathlib import Path

import numpy as np

FAMILY = json.loads((Path(__file__).parent / "tf115_family_vectors.json").read_text())


def floats(big_endian_hex: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(big_endian_hex), ">f4").astype(np.float32)
