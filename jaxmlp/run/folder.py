"""A run on disk: config.json, metrics.jsonl, model.safetensors, test_predictions.npy; each whole or not there.

ending.json says how it ended, checkpoints/ is `checkpoints`', .lock keeps others out while it runs.
"""

import collections
import contextlib
import dataclasses
import datetime
import itertools
import json
import sys
import threading
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from jaxmlp import __version__, device
from jaxmlp.errors import OutputError
from jaxmlp.model import Params
from jaxmlp.placement import Placed
from jaxmlp.program import Program
from jaxmlp.run import model_file, status
from jaxmlp.run.files import Growing, make_folder, sync_folder, write_json, write_npy
from jaxmlp.run.leftovers import strays
from jaxmlp.run.lock import NAME as LOCK
from jaxmlp.run.lock import Lock
from jaxmlp.run.observers import Observer
from jaxmlp.run.status import RUNS
from jaxmlp.trainer import Report

UNWRITTEN_SECONDS = 0.5  # that a step's line may wait


class RunFolder(Observer):
    """The `Observer` that keeps a run.

    What cannot be written (the disk is full, say) does not stop a run of minutes: in the end `require_complete` tells.
    """

    def __init__(self, path: Path, config: dict[str, Any]):
        """Makes the folder and writes config.json. Raises OutputError where it cannot, or the folder is not empty."""
        make_folder(path)
        self._begin(path)
        try:
            require_free(path)
            write_json(path / status.CONFIG, config)
            self._metrics = Growing(self._file)
            sync_folder(path)
            sync_folder(path.absolute().parent)
        except BaseException as error:
            self.release()
            raise _told(error, path) from None

    def _begin(self, path: Path) -> None:
        self.path, self._file = path, path / status.METRICS
        self._lock = Lock(path)
        self._failure: OutputError | None = None
        self._late: OutputError | None = None  # why lines wait to be written
        self._unwritten: collections.deque[Report] = collections.deque()
        self._writing, self._closed = threading.RLock(), threading.Event()

    @classmethod
    def of_earlier(cls, path: Path) -> "RunFolder":
        """The folder of a run that was begun, and may go on with `cut`. Raises OutputError where it is in use."""
        made = cls.__new__(cls)
        made._begin(path)
        return made

    def cut(self, size: int, config: dict[str, Any]) -> None:
        """Goes on behind so many bytes of metrics.jsonl, as what `config` says. Raises OutputError."""
        try:
            for stray in strays(self.path):
                stray.unlink()
            (self.path / status.ENDING).unlink(missing_ok=True)
            write_json(self.path / status.CONFIG, config)
            self._metrics = Growing(self._file, size)
        except OSError as error:
            raise _told(error, self.path) from None

    def open(self) -> None:
        """Writes lines from now on, on a thread: a thousand steps a second do not wait for a disk."""
        threading.Thread(target=self._write_now_and_then, name="metrics", daemon=True).start()

    def on_step(self, report: Report) -> None:
        """One line of metrics.jsonl, written within half a second: test_accuracy only where it was evaluated."""
        self._unwritten.append(report)

    def on_report(self, report: Report) -> None:
        """Its line is written at once."""
        self._write()

    def sync(self) -> None:
        """All lines so far are on the disk. Raises OutputError."""
        with self._writing:
            if not self._closed.is_set():
                self._write()
                self._sync()
            if failure := self._failure or self._late:
                raise failure

    def _sync(self) -> None:
        try:
            if not self._late:
                self._metrics.sync()
        except OSError as error:  # what the disk has lost, the system does not offer it again
            self._failure = self._failure or self._cannot(error)

    def close(self) -> None:
        with self._writing:
            with contextlib.suppress(OutputError):  # `require_complete` tells
                self.sync()
            self._closed.set()
            self._metrics.close()

    def release(self) -> None:
        """Others may have the folder."""
        self._lock.release()

    def _write_now_and_then(self) -> None:
        while not self._closed.wait(UNWRITTEN_SECONDS):
            self._write()

    def _write(self) -> None:
        """Whole lines, so that a run that is killed leaves no torn one. What fails is tried again with the next."""
        with self._writing:
            if self._closed.is_set():
                return
            lines = [line(self._unwritten.popleft()) for _ in range(len(self._unwritten))]
            try:
                self._metrics.append("".join(lines).encode())
                self._late = None
            except OSError as error:
                self._late = self._cannot(error)

    def finish(self, program: Program, params: Params, test_predictions: np.ndarray) -> None:
        """Tries to write the model and the predictions, float32 [N, C]. Raises what `require_complete` does."""
        for write in (
            lambda: model_file.write_model(self.path / status.MODEL, program, params),
            lambda: write_npy(self.path / "test_predictions.npy", test_predictions),
        ):
            try:
                write()
            except OutputError as error:
                self._failure = self._failure or error
        self.require_complete()

    def end(self, program: Program, state: str, steps: int) -> None:
        """Writes how it ended, see `status`, after so many steps. Raises OutputError where a file is missing."""
        self.require_complete()
        write_json(self.path / status.ENDING, {"state": state, "steps": steps, "planned": program.steps})

    def require_complete(self) -> None:
        """Raises OutputError when anything before could not be written; names the path."""
        if failure := self._failure or self._late:
            raise OutputError(f"{failure}; this run's files are incomplete")

    def _cannot(self, error: OSError) -> OutputError:
        return OutputError(f"{self._file} cannot be written: {error.strerror or error}")


def require_free(path: Path) -> None:
    """Raises OutputError where the folder is there and holds anything that is not of a run just beginning."""
    try:
        if path.is_dir() and any(file.name != LOCK for file in path.iterdir()):
            is_run = (path / status.CONFIG).exists()
            on = f", or go on with --resume {path}" if is_run else ""
            raise OutputError(f"{path} is not empty: give another --out, so that no run is overwritten{on}")
    except OSError as error:
        raise _told(error, path) from None


def line(report: Report) -> str:
    """As metrics.jsonl has it: test_accuracy only where it was evaluated."""
    told = {name: value for name, value in report._asdict().items() if value is not None}
    return json.dumps(told) + "\n"


def _told(error: BaseException, path: Path) -> BaseException:
    """An error of the system's as ours; any other as it is."""
    if not isinstance(error, OSError):
        return error
    return OutputError(f"{error.filename or path} cannot be written: {error.strerror or error}")


def default_folder(seed: int) -> Path:
    """runs/<date-time>-<seed>, made here: the number behind it is nobody else's where runs start in one second."""
    name = f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{seed}"
    make_folder(RUNS)
    for n in itertools.count(1):
        try:
            (path := RUNS / (name if n == 1 else f"{name}-{n}")).mkdir()
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise _told(error, RUNS) from None
    raise AssertionError("numbers end")


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
