"""How far a long task has come: a bar on a terminal or in a notebook, elsewhere a line every ten seconds.

Always on stderr, so that what a program reads from stdout stays whole.
"""

import sys
import threading
import time
from typing import Any

from tqdm import auto, tqdm

INTERVAL = 10.0  # seconds a reader of a log is left without a word


class Progress:
    """While it is entered, told of by `update`; on its own thread, so that one long piece does not silence it."""

    def __init__(self, total: int, unit: str, what: str, hidden: bool = False):
        """`what` is done, in `total` pieces that are each a `unit`; `hidden` says nothing at all."""
        self._total, self._unit, self._what, self._hidden = total, unit, what, hidden
        self._done, self._note, self._started = 0, "", time.monotonic()
        self._ended = threading.Event()
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        if self._hidden:
            return self
        if "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty()):
            kind: Any = auto.tqdm
            self._bar = kind(total=self._total, unit=self._unit, desc=self._what, leave=False, dynamic_ncols=True)
        else:
            self._thread = threading.Thread(target=self._speak, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.close()

    def update(self, pieces: int = 1, note: str = "") -> None:
        """So many pieces more are done; `note` stands behind the count until the next one."""
        self._done, self._note = self._done + pieces, note
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=not pieces)  # what begins is told before its first piece is done
            self._bar.update(pieces)

    def describe(self, what: str) -> None:
        """What is being done from now on."""
        self._what = what
        if self._bar is not None:
            self._bar.set_description_str(what, refresh=False)

    def _speak(self) -> None:
        while not self._ended.wait(INTERVAL):
            write(self.line(), sys.stderr)

    def line(self) -> str:
        """For example `… drawing digits: 30,000 of 60,000 images in 12 s, about 12 s left`."""
        seconds = time.monotonic() - self._started
        left = f", about {seconds / self._done * (self._total - self._done):.0f} s left" if self._done else ""
        note = f"; {self._note}" if self._note else ""
        return f"… {self._what}: {self._done:,} of {self._total:,} {self._unit}s in {seconds:.0f} s{left}{note}"


def write(text: str, stream: Any) -> None:
    """A line that does not run into a bar."""
    tqdm.write(text, file=stream)
    stream.flush()
