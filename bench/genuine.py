"""Where genuine TensorFlow 1.15.5 lives on this machine: a Python 3.7 made by `python -m parity setup`."""

import os
from pathlib import Path


def python() -> Path | None:
    named = os.environ.get("PARITY_TF115")
    if not named:
        return None
    path = Path(named).expanduser()
    return path / "bin" / "python" if path.is_dir() else path
