"""The original's 301 steps by every contender, a few steps in turn: how long a step takes as the run goes on.

What a program computes is the same in each of its steps, but for ours: it passes over more and more images. So a table
of the first steps says nothing of a run. All processes stay alive and one computes at a time, as in `throughput`.
"""

import contextlib
import dataclasses
from pathlib import Path
from typing import NamedTuple

from bench.contender import Contender
from bench.end_to_end import agreeing
from bench.errors import ContenderFailed
from bench.lineup import PEERS, STAIRCASE, Peer
from jaxmlp.progress import Progress

TURN = 10  # steps
TOLERANCE = 1e-3  # relative, between the last losses: roundings of three hundred steps
SCREENED = dataclasses.replace(STAIRCASE, name="jaxmlp", options=(*STAIRCASE.options, "screening=auto"))
UNSCREENED = dataclasses.replace(STAIRCASE, name="jaxmlp without screening")
THEIRS = ("tf115", "tf2_graph", "jax_whole_batch", "torch_eager")


class Run(NamedTuple):
    """A contender's whole run, or as much of it as there was."""

    name: str
    version: str
    ours: bool
    status: str  # "ok", "not installed", "not for this device", "failed" or "wrong"
    reason: str
    ready_seconds: float  # from the process's start to its first step
    seconds: list[float]  # of every step
    last_loss: float | None  # the mean before the last step's update

    @property
    def total(self) -> float:
        """Seconds from `python …` to the end of the last step."""
        return self.ready_seconds + sum(self.seconds)


def contenders(names: tuple[str, ...] = ()) -> list[Peer]:
    """Ours twice, then the named of those whose whole run tells something, or all of these."""
    return [
        SCREENED,
        UNSCREENED,
        *(peer for peer in PEERS if peer.name in THEIRS and (not names or peer.name in names)),
    ]


def measure(peers: list[Peer], folder: Path, device: str, steps: int) -> list[Run]:
    """A run a peer, in their order; the first one's last loss is what the others' are held against."""
    absent = {peer.name: told for peer in peers if (told := peer.absence(device))}
    there = [peer for peer in peers if peer.name not in absent]
    with contextlib.ExitStack() as running:
        started = {}
        with Progress(len(there), "contender", "starting whole runs") as told:
            for peer in there:
                told.update(0, peer.name)
                started[peer.name] = _Going(peer, folder, running)
                told.update()
        _take_turns(list(started.values()), steps)
    missing = {name: Run(name, "", False, *told, 0.0, [], None) for name, told in absent.items()}
    runs = [missing.get(peer.name) or started[peer.name].run() for peer in peers]
    return [runs[0], *(agreeing(run, runs[0], TOLERANCE) for run in runs[1:])]


class _Going:
    """A contender between two turns."""

    def __init__(self, peer: Peer, folder: Path, running: contextlib.ExitStack):
        self.peer, self.reason, self._contender = peer, "", None
        self._seconds: list[float] = []
        self._loss: float | None = None
        with self._failing():
            self._contender = running.enter_context(Contender(peer, folder))

    def go(self, steps: int) -> None:
        """The next steps; none where it has failed."""
        with self._failing():
            if self._contender and not self.reason:
                answer = self._contender.run(steps, 1)
                self._seconds += answer["seconds"]
                self._loss = answer["losses"][-1]

    def run(self) -> Run:
        """What it has done."""
        version, ready = (c.version, c.ready_seconds) if (c := self._contender) else ("", 0.0)
        status = "failed" if self.reason else "ok"
        return Run(self.peer.name, version, self.peer.ours, status, self.reason, ready, self._seconds, self._loss)

    @contextlib.contextmanager
    def _failing(self):
        try:
            yield
        except ContenderFailed as failure:
            self.reason = str(failure)


def _take_turns(going: list[_Going], steps: int) -> None:
    with Progress(steps, "step", "timing whole runs") as told:
        for number, first in enumerate(range(0, steps, TURN)):
            turn = number % len(going)  # another one begins every round
            for one in going[turn:] + going[:turn]:
                one.go(min(TURN, steps - first))
            told.update(min(TURN, steps - first))
