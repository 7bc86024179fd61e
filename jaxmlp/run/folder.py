"""A run on disk: config.json, metrics.jsonl, model.safetensors, test_predictions.npy; each whole or not there."""

import collections
import dataclasses
import datetime
import json
import sys
import threading
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import numpy as np

from jaxmlp import __version__, device
from jaxmlp.errors import OutputError
from jaxmlp.model import Params
from jaxmlp.program import Program
from jaxmlp.run import model_file
from jaxmlp.run.files import make_folder, write_json, write_npy
from jaxmlp.run.observers import Observer
from jaxmlp.trainer import Placed, Report

UNWRITTEN_SECONDS = 0.5  # that a step's line may wait


class RunFolder(Observer):
    """The `Observer` that keeps a run.

    What cannot be written (the disk is full, say) does not stop a run of minutes: in the end `require_complete` tells.
    """

    def __init__(self, path: Path, config: dict[str, Any]):
        """Makes the folder and writes config.json. Raises OutputError where it cannot, or the folder is not empty."""
        self.path = path
        self._failure: OutputError | None = None
        self._unwritten: collections.deque[Report] = collections.deque()
        self._writing, self._closed = threading.Lock(), threading.Event()
        self._file = path / "metrics.jsonl"
        make_folder(path)
        try:
            if any(path.iterdir()):
                raise OutputError(f"{path} is not empty: give another --out, so that no run is overwritten")
            write_json(path / "config.json", config)
            self._metrics: IO[str] = open(self._file, "x", encoding="utf-8")  # noqa: SIM115  (open for the run)
        except OSError as error:
            raise OutputError(f"{error.filename or path} cannot be written: {error.strerror or error}") from None

    def open(self) -> None:
        """Writes lines from now on, on a thread: a thousand steps a second do not wait for a disk."""
        threading.Thread(target=self._write_now_and_then, name="metrics", daemon=True).start()

    def on_step(self, report: Report) -> None:
        """One line of metrics.jsonl, written within half a second: test_accuracy only where it was evaluated."""
        self._unwritten.append(report)

    def on_report(self, report: Report) -> None:
        """Its line is written at once."""
        self._write()

    def close(self) -> None:
        self._closed.set()
        self._write()
        try:
            self._metrics.close()
        except OSError as error:
            self._failed(error)

    def _write_now_and_then(self) -> None:
        while not self._closed.wait(UNWRITTEN_SECONDS):
            self._write()

    def _write(self) -> None:
        """Whole lines, so that a run that is killed leaves no torn one."""
        with self._writing:
            lines = [_line(self._unwritten.popleft()) for _ in range(len(self._unwritten))]
            try:
                if lines:
                    self._metrics.write("".join(lines))
                    self._metrics.flush()
            except OSError as error:
                self._failed(error)

    def finish(self, program: Program, params: Params, test_predictions: np.ndarray) -> None:
        """Tries to write the model and the predictions, float32 [N, C]. Raises what `require_complete` does."""
        for write in (
            lambda: model_file.write_model(self.path / model_file.NAME, program, params),
            lambda: write_npy(self.path / "test_predictions.npy", test_predictions),
        ):
            try:
                write()
            except OutputError as error:
                self._failure = self._failure or error
        self.require_complete()

    def require_complete(self) -> None:
        """Raises OutputError when anything before could not be written; names the path."""
        if self._failure:
            raise OutputError(f"{self._failure}; this run's files are incomplete")

    def _failed(self, error: OSError) -> None:
        self._failure = self._failure or OutputError(f"{self._file} cannot be written: {error.strerror or error}")


def _line(report: Report) -> str:
    told = {name: value for name, value in report._asdict().items() if value is not None}
    return json.dumps(told) + "\n"


def default_folder(seed: int) -> Path:
    """runs/<date-time>-<seed>, with a number behind it where two runs start in the same second."""
    name = f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{seed}"
    candidates = (Path("runs") / (name if n == 1 else f"{name}-{n}") for n in range(1, 1000))
    return next(path for path in candidates if not path.exists())


def describe(program: Program, placed: Placed, source: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """config.json: what is computed, what `auto` came to, and the `options` that repeat it (`recipe`)."""
    return {
        "program": program.as_dict(),
        "program_digest": program.digest(),
        "execution": dataclasses.asdict(placed.execution),
        "data": source,
        "device": device.full_name(placed.device),
        "versions": {"jaxmlp": __version__, "jax": version("jax"), "python": sys.version.split()[0]},
        "options": dict(options),
    }
