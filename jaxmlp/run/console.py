"""What a run tells whoever watches: the original's log lines, JSON objects, a progress bar. Serves `session`."""

import json
import sys
from typing import Any, TextIO

from tqdm import tqdm

from jaxmlp import device
from jaxmlp.data import Dataset
from jaxmlp.run.observers import Observer
from jaxmlp.trainer import Placed, Report

RULE = "*" * 100


class Console(Observer):
    """The `Observer` that speaks: all on stdout, or only the reports when they are JSON; a bar on a terminal."""

    def __init__(self, steps: int, dataset: Dataset, quiet: bool = False, as_json: bool = False):
        self._steps, self._dataset = steps, dataset
        self._quiet, self._json = quiet, as_json
        self._bar: Any = None

    def say(self, text: str) -> None:
        """A line about the run."""
        if not self._quiet:
            self._print(text, sys.stderr if self._json else sys.stdout)

    def warn(self, text: str) -> None:
        """A line that even --quiet shows."""
        self._print(text, sys.stderr if self._quiet or self._json else sys.stdout)

    def on_step(self, report: Report) -> None:
        """Moves the progress bar: loss and steps/s, on a terminal only."""
        if self._bar is None:
            hidden = self._quiet or not sys.stderr.isatty()
            self._bar = tqdm(total=self._steps, unit="step", disable=hidden, leave=False, dynamic_ncols=True)
        self._bar.set_postfix_str(f"loss {report.loss:.1f}", refresh=False)
        self._bar.update()

    def on_report(self, report: Report) -> None:
        """The original's three lines, character for character in form, or one JSON object on one line."""
        if self._json:
            data = {"data": self._dataset.source, "mnist_replaced": self._dataset.synthetic}
            self._print(json.dumps({**report._asdict(), **data}), sys.stdout)
        else:
            self.say(f"Loss at step {report.step}: {report.loss:f}")
            self.say(f"Training accuracy: {report.train_accuracy:.1f}%")
            self.say(f"Test accuracy: {report.test_accuracy:.1f}%")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    @staticmethod
    def _print(text: str, stream: TextIO) -> None:
        tqdm.write(text, file=stream)
        stream.flush()


def introduction(placed: Placed, dataset: Dataset) -> str:
    """The original's two lines of shapes, then what it runs on and what it reads."""
    execution = ", ".join(f"{name} {value}" for name, value in vars(placed.execution).items())
    train, test = (f"{split.images.shape} {(len(split.labels), placed.classes)}" for split in dataset[:2])
    shapes, where = f"Training set {train}\nTest set {test}", device.full_name(placed.device)
    return f"{shapes}\nDevice: {where}; {execution}\nData: {dataset.source}"


def summary(steps: int, images: int, seconds: float, compile_seconds: float) -> str:
    """Time, steps/s and images/s with compile time apart."""
    stepping = max(seconds - compile_seconds, 1e-9)
    return (
        f"{steps} steps in {stepping:.1f} s: {steps / stepping:.2f} steps/s, "
        f"{steps * images / stepping:,.0f} images/s; compiling took {compile_seconds:.1f} s more"
    )


def synthetic_notice(source: str) -> str:
    """The lines nobody can overlook, for a run that wanted MNIST and did not get it."""
    return (
        f"{RULE}\nNOT MNIST: it is neither on this machine nor reachable, so this run trains on {source}.\n"
        f"For MNIST, put its four files in a folder and name it with --data-dir or JAXMLP_DATA_DIR.\n{RULE}"
    )
