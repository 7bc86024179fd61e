"""One run of a script under the recorder, and its end, by the script, its failure, a limit or `os._exit`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import OrderedDict
from typing import Any

import tensorflow as tf

from . import failure, folder
from .downloads import Downloads
from .gradients import Gradients
from .launch import launch
from .order import Order
from .recorder import Recorder
from .seeds import seed_the_rest
from .sessions import hook
from .shim import shim
from .stand_ins import stand_in
from .writes import Writes

GRACE = 10  # seconds that a script may take to its next training run once its time is up
WINDOWS = ("matplotlib.animation", "tkinter", "pygame", "pyglet", "PyQt5", "gym")
real_exit = os._exit


class Flight:
    """From take-off to the raw folder."""

    def __init__(self, order: Order):
        self.order, self.process, self.over = order, os.getpid(), False
        self.notes: dict[str, int] = OrderedDict()
        self.downloads, self.writes = Downloads(order.data), Writes([*order.private, order.out])
        self.failure: str | None = None
        self.python_2 = self.shimmable = False
        self.children = 0
        gradients = Gradients()
        gradients.listen()
        self.recorder = Recorder(order, gradients, self.notes, self.land)
        hook(self.recorder)
        self._prepare()

    def fly(self) -> None:
        """Runs the script to whichever end; does not return."""
        os._exit = self._exits
        os.register_at_fork(after_in_parent=self._forked, after_in_child=self._child)
        if self.order.lifeline is not None:
            threading.Thread(target=_end_with, args=(int(self.order.lifeline),), daemon=True).start()
        if self.order.time_limit is not None:
            threading.Thread(target=self._watch, args=(self.order.time_limit,), daemon=True).start()
        try:
            launch(self.order, self.recorder.tell)
        except SystemExit as error:
            self.failure = failure.of_exit(error)
        except BaseException as error:
            self.failure, self.python_2 = failure.told(error), failure.is_python_2(error)
            self.shimmable = not self.order.shim and failure.is_older_than_1_0(error)
            sys.stderr.write(self.failure)
        self.land("failed" if self.failure else "ended")

    def _prepare(self) -> None:
        tell = self.recorder.tell
        self.downloads.answer()
        stand_in(tell)
        if self.order.shim:
            shim(tell)
        if self.order.seed is not None:
            seed_the_rest(self.order.seed, tell)
        self.writes.listen()

    def land(self, status: str) -> None:
        """Writes the raw folder and ends the process: nothing of the script's can catch that."""
        if os.getpid() != self.process:
            real_exit(0)
        with self.recorder.lock:
            if not self.over:
                self.over = True
                for program in self.recorder.programs.values():
                    self.recorder.finish(program)
                folder.write(self.order, self.recorder, self._told(status))
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            real_exit(0)

    def _told(self, status: str) -> dict[str, Any]:
        trained = self.recorder.threads
        if len(trained) > 1:
            self.notes["trained from several threads"] = len(trained)
        return {
            "script": {"path": self.order.script, "kind": self.order.kind, "arguments": self.order.arguments},
            "status": status,
            "failure": self.failure,
            "python_2": self.python_2,
            "shimmable": self.shimmable,
            "eager": tf.executing_eagerly(),
            "windows": [name for name in WINDOWS if name in sys.modules],
            "forks": self.children,
            "seed": self.order.seed,
            "notes": [[what, count] for what, count in self.notes.items()],
            "downloads": self.downloads.told,
            "elsewhere": [[path, there] for path, there in self.writes.elsewhere.items()],
        }

    def _exits(self, code: int) -> None:
        if os.getpid() != self.process:
            real_exit(code)
        self.failure = None if code == 0 else f"os._exit({code!r})\n"
        self.land("failed" if self.failure else "ended")

    def _forked(self) -> None:
        self.children += 1

    def _child(self) -> None:
        self.recorder.around = lambda run: run.plain()  # a child's training is its own

    def _watch(self, limit: float) -> None:
        time.sleep(limit + GRACE)
        self.land("stopped at --time-limit")


def _end_with(lifeline: int) -> None:
    """Ends the process group once nobody waits for it any more."""
    os.read(lifeline, 1)
    os.killpg(os.getpgid(0), signal.SIGKILL)
