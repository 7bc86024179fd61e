"""Programs that stand in for TensorFlow 1.15's Python."""

import stat
from pathlib import Path

import pytest


@pytest.fixture
def stand_in(tmp_path):
    """Makes a program that is run in place of TensorFlow 1.15's Python."""

    def made(script: str) -> Path:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return made
