"""The original's 301 steps by every contender, a few steps in turn: how long a step takes as the run goes on.

What a program computes is the same in each of its steps, but for ours: it passes over more and more images. So a table
of the first steps says nothing of a run. All processes stay alive and one computes at a time, as in `throughput`.
"""

import contextlib
import itertools
from pathlib import Path
from typing import NamedTuple

from bench.contender import Contender
from bench.errors import ContenderFailed
from bench.lineup import PEERS, STAIRCASE, Peer
from jaxmlp.progress import Progress

TURN = 10  # steps
STEPS = 301  # the original's
TOLERANCE = 1e-3  # relative, between the last losses: roundings of three hundred steps
SCREENED = Peer("jaxmlp", "bench.peers.ours", ("layout=staircase", "screening=auto"), ours=True)
UNSCREENED = Peer("jaxmlp without screening", STAIRCASE.module, STAIRCASE.options, ours=True)
THEIRS = ("tf115", "tf2_graph", "jax_whole_batch", "torch_eager")


class Run(NamedTuple):
    """A contender's whole run, or as much of it as there was."""

    name: str
    version: str
    ours: bool
    status: str  # "ok", "not installed", "failed" or "wrong"
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
    there = [peer for peer in peers if not peer.missing() and device in peer.devices]
    with contextlib.ExitStack() as running:
        started = {}
        with Progress(len(there), "contender", "starting whole runs") as told:
            for peer in there:
                told.update(0, peer.name)
                started[peer.name] = _Going(peer, folder, running)
                told.update()
        _take_turns(list(started.values()), steps)
    runs = [started[peer.name].run() if peer.name in started else _absent(peer, device) for peer in peers]
    return [runs[0], *(_agreeing(run, runs[0]) for run in runs[1:])]


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
            for one in itertools.chain(going[turn:], going[:turn]):
                one.go(min(TURN, steps - first))
            told.update(min(TURN, steps - first))


def _absent(peer: Peer, device: str) -> Run:
    reason = peer.missing() or f"runs on {', '.join(peer.devices)}, not {device}"
    return Run(peer.name, "", peer.ours, "not installed", reason, 0.0, [], None)


def _agreeing(theirs: Run, ours: Run) -> Run:
    """`theirs`, or that it trained to another loss than ours."""
    if theirs.last_loss is None or ours.last_loss is None:
        return theirs
    if abs(theirs.last_loss - ours.last_loss) <= TOLERANCE * abs(ours.last_loss):
        return theirs
    return theirs._replace(status="wrong", reason=f"loss {theirs.last_loss:f} against {ours.last_loss:f}")
