"""What a run tells whoever watches: the original's log lines, JSON objects, a progress bar. Serves `train`."""

import json
import sys
from typing import Any

from tqdm import tqdm

from jaxmlp.trainer import Record

RULE = "*" * 100


def report_lines(record: Record) -> str:
    """The original's three lines, character for character in form."""
    return (
        f"Loss at step {record.step}: {record.loss:f}\n"
        f"Training accuracy: {record.train_accuracy:.1f}%\n"
        f"Test accuracy: {record.test_accuracy:.1f}%"
    )


def report_object(record: Record, data: str, stand_in: bool) -> str:
    """The same as one JSON object on one line; accuracies in percent. `mnist_replaced`: generated digits stood in."""
    return json.dumps({**record._asdict(), "data": data, "mnist_replaced": stand_in})


def stand_in_notice(source: str) -> str:
    """The lines nobody can overlook, for a run that wanted MNIST and did not get it."""
    return (
        f"{RULE}\nNOT MNIST: it is neither on this machine nor reachable, so this run trains on {source}.\n"
        f"For MNIST, put its four files in a folder and name it with --data-dir or JAXMLP_DATA_DIR.\n{RULE}"
    )


class Screen:
    """Where a run's words go: all to stdout, or only the reports when they are JSON; a bar on a terminal."""

    def __init__(self, steps: int, quiet: bool, as_json: bool):
        self._quiet = quiet
        self._json = as_json
        self._steps = steps
        self._bar: Any = None

    def say(self, text: str) -> None:
        """A line about the run."""
        if not self._quiet:
            self._print(text, sys.stderr if self._json else sys.stdout)

    def warn(self, text: str) -> None:
        """A line that even --quiet shows."""
        self._print(text, sys.stderr if self._quiet or self._json else sys.stdout)

    def step(self, record: Record) -> None:
        """Moves the progress bar: loss and steps/s, on a terminal only."""
        if self._bar is None:
            hidden = self._quiet or not sys.stderr.isatty()
            self._bar = tqdm(total=self._steps, unit="step", disable=hidden, leave=False, dynamic_ncols=True)
        self._bar.set_postfix_str(f"loss {record.loss:.1f}", refresh=False)
        self._bar.update()

    def report(self, record: Record, data: str, stand_in: bool) -> None:
        """What a reporting step prints."""
        if self._json:
            self._print(report_object(record, data, stand_in), sys.stdout)
        else:
            self.say(report_lines(record))

    def close(self) -> None:
        """Takes the bar off the screen."""
        if self._bar is not None:
            self._bar.close()

    @staticmethod
    def _print(text: str, stream) -> None:
        tqdm.write(text, file=stream)
        stream.flush()
