"""The run users feel: from `python …` to the last line of the original's 301 steps, ours and TensorFlow 1.15.5's.

Ours twice: as it comes, and without screening, which is to say with all images computed in every step.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

import numpy as np

from bench.contender import ENVIRONMENT, ROOT
from jaxmlp.data import Dataset
from jaxmlp.progress import Progress
from parity.oracle import environment

LOSS = re.compile(r"Loss at step (?:0|\d+00): (\S+)")  # where both print: ours also prints its last step
TOLERANCE = 1e-4  # relative, between the last losses the two print

OURS = {"python -m jaxmlp.train": [], "… without screening": ["--screening=off"]}  # options by what a run is called


class EndToEnd(NamedTuple):
    """One whole run."""

    name: str
    steps: int
    status: str  # "ok", "not installed", "failed" or "wrong"
    reason: str
    seconds: float
    last_loss: float | None


def measure(dataset: Dataset, data_arguments: list[str], device: str, steps: int) -> list[EndToEnd]:
    """Ours, ours without screening, then TensorFlow's, one after the other, each reading its data from disk itself.

    `data_arguments` tell `jaxmlp.train` which data `dataset` was loaded from. Nothing is compiled beforehand for ours.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Progress(3, "run", "timing whole runs") as told:
        options = [f"--steps={steps}", f"--device={device}", "--no-compilation-cache", *data_arguments]
        runs = []
        for i, (name, own) in enumerate(OURS.items()):
            told.update(min(i, 1), name)  # the one before it is done
            out = f"--out={folder}/run{i}"
            one = _timed(name, [sys.executable, "-m", "jaxmlp.train", *options, *own, out], steps)
            runs.append(agreeing(one, runs[0], TOLERANCE) if runs else one)
        if not environment.is_set_up():
            absent = EndToEnd("TensorFlow 1.15.5", steps, "not installed", "python -m parity setup", 0.0, None)
            return [*runs, absent]
        told.update(1, "the original program in TensorFlow 1.15.5")
        for name, split in (("train", dataset.train), ("test", dataset.test)):
            np.save(f"{folder}/{name}_images.npy", split.images)
            np.save(f"{folder}/{name}_labels.npy", split.labels)
        command = [str(environment.require()), "-m", "bench.peers.tf115_original", folder, str(steps)]
        return [*runs, agreeing(_timed("TensorFlow 1.15.5", command, steps), runs[0], TOLERANCE)]


def _timed(name: str, command: list[str], steps: int) -> EndToEnd:
    began = time.perf_counter()
    variables = {**os.environ, **ENVIRONMENT}
    result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    losses = LOSS.findall(result.stdout)
    if result.returncode or not losses:
        words = result.stderr.strip().splitlines() or [f"exit code {result.returncode} and no line of a loss"]
        return EndToEnd(name, steps, "failed", words[-1], seconds, None)
    return EndToEnd(name, steps, "ok", "", seconds, float(losses[-1]))


def agreeing(theirs: Any, ours: Any, tolerance: float) -> Any:
    """`theirs`, or that it trained to another loss than ours; named tuples with `status`, `reason` and `last_loss`."""
    if theirs.last_loss is None or ours.last_loss is None:
        return theirs
    if abs(theirs.last_loss - ours.last_loss) <= tolerance * abs(ours.last_loss):
        return theirs
    return theirs._replace(status="wrong", reason=f"loss {theirs.last_loss:f} against {ours.last_loss:f}")
