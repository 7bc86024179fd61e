"""Recordings that several tests look at, made once a session."""

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from recordings import Recorder, recorder


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Path:
    """The four files of a tiny MNIST, for downloads."""
    folder, rng = tmp_path_factory.mktemp("served"), np.random.default_rng(0)
    for name, count in (("train", 60), ("t10k", 12)):
        for kind, shape in {"images-idx3": (count, 28, 28), "labels-idx1": (count,)}.items():
            content = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
            content += rng.integers(0, 10, shape, np.uint8).tobytes()
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(content))
    return folder


@pytest.fixture(scope="session")
def record(tf115, tmp_path_factory, served) -> Iterator[Recorder]:
    with recorder(tmp_path_factory.mktemp("recordings"), served) as made:
        yield made
