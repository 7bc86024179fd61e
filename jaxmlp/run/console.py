"""What a run tells whoever watches: the original's log lines, JSON objects, how far it is. Serves `session`."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from jaxmlp import device, progress
from jaxmlp.data import Dataset
from jaxmlp.engine.minibatch import Pool
from jaxmlp.placement import Placed
from jaxmlp.program import Program
from jaxmlp.progress import Progress
from jaxmlp.run.observers import Observer
from jaxmlp.run.outline import outline
from jaxmlp.trainer import Report

RULE = "*" * 100
UNTOLD = ("last", "images", "stepping", "resumed")  # of an `Ending`, in JSON's last object


class Ending(NamedTuple):
    """How a run ended."""

    folder: Path
    last: Report  # of its last step, the test accuracy evaluated
    interrupted: bool
    images: int  # a step
    stepping: float  # seconds of all steps and reports, compiling apart
    seconds: float  # from laying out the data to the last prediction, compiling included
    compile_seconds: float
    complete: bool  # whether all files could be written
    resumed: int = 0  # steps that were done before

    def told(self) -> dict[str, Any]:
        """As JSON's last object has it."""
        own = {name: value for name, value in self._asdict().items() if name not in UNTOLD}
        reported = {name: value for name, value in self.last._asdict().items() if name != "step"}
        return {**own, "folder": str(self.folder), "steps": self.last.step + 1, **reported}


class Console(Observer):
    """The `Observer` that speaks: all on stdout, or only the JSON there, or only the folder's name (quiet)."""

    def __init__(self, program: Program, dataset: Dataset, quiet: bool = False, as_json: bool = False):
        """`program` is a settled one. Raises ConfigError where a batch is larger than the data set."""
        self._dataset, self._quiet, self._json = dataset, quiet, as_json
        self._progress = Progress(program.steps, "step", "training", hidden=quiet)
        self._batching = program.batching
        self._epoch = self._batching.steps_per_epoch(len(dataset.train.labels)) if self._batching else 0  # in steps
        self._epochs = -(-program.steps // self._epoch) if self._epoch else 0

    def resume(self, steps: int) -> None:
        """So many steps were done before."""
        self._progress.update(steps)
        self.say(f"Resumed after {steps:,} steps")

    def say(self, text: str) -> None:
        """A line about the run."""
        if not self._quiet:
            progress.write(text, sys.stderr if self._json else sys.stdout)

    def warn(self, text: str) -> None:
        """A line that even --quiet shows."""
        progress.write(text, sys.stderr if self._quiet or self._json else sys.stdout)

    def open(self) -> None:
        self._progress.__enter__()

    def on_step(self, report: Report) -> None:
        """Tells how far the run is, and its loss."""
        epoch = f"epoch {report.step // self._epoch + 1} of {self._epochs}, " if self._epoch else ""
        self._progress.update(note=f"{epoch}loss {report.loss:.6g}")

    def on_report(self, report: Report) -> None:
        """The original's three lines, character for character in form, or one JSON object on one line.

        Of a minibatch, the lines of Udacity's course, which the original's come from.
        """
        if self._json:
            self._object("report", report._asdict())
            return
        loss, accuracy = ("Minibatch loss", "Minibatch") if self._batching else ("Loss", "Training")
        self.say(f"{loss} at step {report.step}: {report.loss:f}")
        self.say(f"{accuracy} accuracy: {report.train_accuracy:.1f}%")
        self.say(f"Test accuracy: {report.test_accuracy:.1f}%")

    def close(self) -> None:
        self._progress.__exit__()

    def end(self, ending: Ending) -> None:
        """The last lines: how it ended, and where it is kept."""
        if self._dataset.synthetic:
            self.warn("These accuracies are of GENERATED digits, NOT of MNIST.")
        self.say(summary(ending))
        if self._json:
            self._object("end", ending.told())
        if ending.complete:
            self.say(f"Run folder: {ending.folder}")
        if ending.complete and self._quiet and not self._json:
            progress.write(str(ending.folder), sys.stdout)

    def _object(self, event: str, fields: dict[str, Any]) -> None:
        data = {"data": self._dataset.source, "mnist_replaced": self._dataset.synthetic}
        progress.write(json.dumps({"event": event, **fields, **data}), sys.stdout)


def introduction(program: Program, placed: Placed, dataset: Dataset) -> str:
    """The original's two lines of shapes, then what it runs on, what it reads, and when a report measures.

    A settled program that is not the original is named in two lines more.
    """
    execution = ", ".join(f"{name} {value}" for name, value in vars(placed.execution).items())
    if isinstance(placed.train, Pool) and placed.train.left_out:
        execution += f", {placed.train.left_out} blank pixels left out"
    train, test = (f"{split.images.shape} {(len(split.labels), placed.classes)}" for split in dataset[:2])
    measured = "loss and accuracy of the minibatch" if program.batching else "loss and training accuracy"
    lines = [
        f"Training set {train}",
        f"Test set {test}",
        f"Device: {device.full_name(placed.device)}; {execution}",
        f"Data: {dataset.source}",
        f"A report: {measured} before the step's update, test accuracy after it",
        *outline(program, len(dataset.train.labels), placed.classes),
    ]
    return "\n".join(lines)


def summary(ending: Ending) -> str:
    """Time, steps/s and images/s of the steps with their reports; compile time apart."""
    steps, stepping = ending.last.step + 1 - ending.resumed, max(ending.stepping, 1e-9)
    return (
        f"{steps} steps in {stepping:.1f} s: {steps / stepping:.2f} steps/s, "
        f"{steps * ending.images / stepping:,.0f} images/s; compiling took {ending.compile_seconds:.1f} s more"
    )


def synthetic_notice(source: str) -> str:
    """The lines nobody can overlook, for a run that wanted MNIST and did not get it."""
    return (
        f"{RULE}\nNOT MNIST: it is neither on this machine nor reachable, so this run trains on {source}.\n"
        f"For MNIST, put its four files in a folder and name it with --data-dir or JAXMLP_DATA_DIR.\n{RULE}"
    )
