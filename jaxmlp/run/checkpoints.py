"""The `Observer` that keeps a run while it goes on: copies at the end of a step, written on a thread beside it.

The newest are kept, and the best by test accuracy apart. What cannot be written does not stop a run: it is tried anew.
"""

import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jaxmlp import progress
from jaxmlp.errors import DataError, OutputError
from jaxmlp.run import checkpoint
from jaxmlp.run.cadence import Cadence
from jaxmlp.run.checkpoint import Best, Checkpoint, Facts
from jaxmlp.run.files import make_folder, write_whole
from jaxmlp.run.folder import RunFolder
from jaxmlp.run.leftovers import remove, strays
from jaxmlp.run.lines import Reading
from jaxmlp.run.observers import Observer
from jaxmlp.run.status import CHECKPOINTS
from jaxmlp.run.tensor_file import Tensors
from jaxmlp.trainer import Report, Run

BEST = "best.safetensors"
_NAME = re.compile(r"step-(\d{9,})\.safetensors")


def files(run_folder: Path) -> list[Path]:
    """The checkpoints of a run, the newest first: by their steps, for clocks may jump."""
    found = [
        (int(match[1]), file) for file in (run_folder / CHECKPOINTS).glob("*") if (match := _NAME.fullmatch(file.name))
    ]
    return [file for _, file in sorted(found, reverse=True)]


def name(steps: int) -> str:
    """Of the file, after so many steps."""
    return f"step-{steps:09}.safetensors"


class Copy(NamedTuple):
    """What a checkpoint will be, but for what only the disk can tell."""

    tensors: Tensors
    last: Report
    best: Best | None


class Checkpoints(Observer):
    """Copies where `cadence` says so, at reports unless that costs too much, and at the end."""

    def __init__(
        self,
        run: Run,
        folder: RunFolder,
        cadence: Cadence,
        keep: int,
        fingerprint: Callable[[], str],
        stopping: Callable[[], bool],
        reading: Reading,
        best: Best | None = None,
    ):
        """`fingerprint` of the data is asked for on the thread; `stopping`: whether this step may be the last."""
        self._run, self._folder, self._keep = run, folder, keep
        self._cadence, self._stopping = cadence, stopping
        self._fingerprint, self._data = fingerprint, ""
        self._path = folder.path / CHECKPOINTS
        self._lines, self._best, self._is_due = reading, best, False
        self._at, self._when = run.done, time.monotonic()  # the last copy's step and time
        self._copying = self._cost = 0.0  # seconds that the last copy took, and with its writing
        self._wake, self._closed = threading.Condition(), False
        self._copy: Copy | None = None
        self._best_copy: Copy | None = None
        self._bug: BaseException | None = None
        self.failure: OutputError | None = None  # of the last one that was tried
        self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)

    def open(self) -> None:
        """Raises OutputError where the folder takes none."""
        if self._cadence != Cadence():
            make_folder(self._path)
            self._thread.start()

    def on_step(self, report: Report) -> None:
        """Copies the state where it is time: within a block of steps at its end, at a report behind it."""
        done = report.step + 1
        self._is_due = self._is_due or self._cadence.due(done - self._at, time.monotonic() - self._when)
        if self._is_due and report.test_accuracy is None and self._run.done == done:
            self._hand_over(report)

    def on_report(self, report: Report) -> None:
        """Copies what is best so far, and the last step; others where it is time, or the last one cost little."""
        assert report.test_accuracy is not None
        is_best = self._run.program.reports(report.step) and (
            self._best is None or report.test_accuracy > self._best.test_accuracy
        )
        if is_best:
            self._best = Best(report.step, report.test_accuracy)
        is_last = report.step + 1 == self._run.program.steps or self._stopping()
        is_due = self._is_due or self._cadence.due_at_report(time.monotonic() - self._when, self._cost)
        if self._cadence != Cadence() and (is_best or is_last or is_due):
            self._hand_over(report, is_best)

    def close(self) -> None:
        """What was copied is written; raises what a bug of ours has raised on the thread."""
        if self._thread.ident is None:
            return
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        if self._bug:
            raise self._bug

    def _hand_over(self, report: Report, is_best: bool = False) -> None:
        """A newer copy takes the place of one that was not written yet: the disk may be slower than steps are."""
        started = time.monotonic()
        own = report if self._run.program.reports(report.step) else report._replace(test_accuracy=None)
        copy = Copy(checkpoint.tensors_of(self._run), own, self._best)
        self._at, self._when, self._is_due = report.step + 1, time.monotonic(), False
        self._copying = self._when - started
        with self._wake:
            self._copy, self._best_copy = copy, copy if is_best else self._best_copy
            self._wake.notify()

    def _work(self) -> None:
        try:
            while self._next():
                pass
        except BaseException as error:
            self._bug = error

    def _next(self) -> bool:
        """Waits for copies and writes them; False where there will be none."""
        with self._wake:
            self._wake.wait_for(lambda: self._copy or self._closed)
            copy, best, self._copy, self._best_copy = self._copy, self._best_copy, None, None
        if copy is None:
            return False
        self._data = self._data or self._fingerprint()
        started = time.thread_time()
        self._try_to_write(copy, best)
        self._cost = self._copying + time.thread_time() - started
        return True

    def _try_to_write(self, copy: Copy, best: Copy | None) -> None:
        try:
            content = None
            if best is not None:
                content = self._content(best)
                write_whole(self._path / BEST, content)
                content, best = content if best is copy else None, None
            write_whole(self._path / name(copy.last.step + 1), content or self._content(copy))
            for file in [*files(self._folder.path)[self._keep :], *strays(self._path)]:
                remove(file)
            self.failure = None
        except (OSError, OutputError, DataError) as error:
            if self.failure is None:
                progress.write(f"warning: {error}; the run goes on, and tries again", sys.stderr)
            self.failure = OutputError(f"the checkpoint after step {copy.last.step} is not as it should be: {error}")
            with self._wake:
                self._best_copy = self._best_copy or best

    def _content(self, copy: Copy) -> bytes:
        """Of its file. The lines that it goes on from are on the disk before it is."""
        self._folder.sync()
        prefix, placed = self._lines.up_to(copy.last.step), self._run.placed
        facts = Facts(self._run.program, placed.execution, self._data, copy.last, prefix, copy.best)
        return checkpoint.to_bytes(Checkpoint(facts, copy.tensors))
