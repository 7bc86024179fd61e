"""What the recorder is told to do: one JSON object, given as its only argument."""

from __future__ import annotations

import json
from typing import NamedTuple


class Order(NamedTuple):
    """Paths are absolute; `script` is a file, or the name of a module where `kind` is "module"."""

    out: str  # the folder that gets raw.json and raw.npz
    script: str
    kind: str  # "script", "module" or "notebook"
    arguments: list[str]  # the script's own
    steps: list[int]  # runs of each program, counted from 0
    private: list[str]  # folders in which the script may write unnoticed
    data: str | None = None  # downloads are answered from this folder
    max_steps: int | None = None  # training runs of all programs together
    time_limit: float | None = None  # seconds
    seed: int | None = 1  # for what the script leaves unseeded; None: left so
    shim: bool = False  # names of TensorFlow 0.x
    plain: bool = False  # records nothing but the variables at the end
    lifeline: str | None = None  # a descriptor that ends when the one who waits for the recording is gone
    train: int = 0  # of so many first runs of each program it keeps what they are given, and their loss
    most_programs: int = 8  # further ones are counted only


def read(text: str) -> Order:
    """Raises TypeError where a field is missing or unknown."""
    return Order(**json.loads(text))
