"""Training goes on in JAX from the recorded start, on the script's own data: how long do the two loss curves agree?

Beside the evaluated graph an ensemble of it runs: from starts one unit in the last place away, and with the rows of
each batch in another order. As long as the curves part by no more than these do, rounding explains it.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from parity.compare.limits import LOSS, TINY
from parity.compare.recorded.recording import Program, starts
from parity.compare.recorded.runs import Given
from parity.compare.recorded.step import Step
from parity.compare.tensor import Named
from parity.noise.free import SEEDS, SLACK, nudged_arrays, permuted, rows

Losses = list[float]


class Trained(NamedTuple):
    """Two loss curves."""

    steps: list[int]
    theirs: np.ndarray  # float64 [n], NaN where the script's loss is not known
    ours: np.ndarray  # float64 [n]
    spread: np.ndarray  # float64 [n], the members' largest relative difference up to there
    limits: np.ndarray  # float64 [n], relative

    @property
    def apart(self) -> np.ndarray:
        """Relative."""
        return np.abs(self.ours - self.theirs) / np.maximum(np.abs(self.theirs), TINY)

    @property
    def agreed(self) -> int | None:
        """The last step up to which they agree within the ensemble's noise; None where they do not at the first."""
        parted = np.flatnonzero(self.apart > self.limits)
        end = int(parted[0]) if len(parted) else len(self.steps)
        return self.steps[end - 1] if end else None

    @property
    def verdict(self) -> str:
        """In a line."""
        last, known = self.steps[-1], np.flatnonzero(np.isfinite(self.theirs))
        if not len(known):
            return f"trained to step {last}; the script has no loss to compare with"
        if self.agreed == last:
            told = f"the loss curves agree to the end, step {last}"
        elif self.agreed is None:
            told = f"the loss curves part at once, at step {self.steps[0]}"
        else:
            told = f"the loss curves agree up to step {self.agreed} of {last}"
        end = known[-1]
        final = f"loss at step {self.steps[end]}: TensorFlow {self.theirs[end]:.6g}, JAX {self.ours[end]:.6g}"
        return f"{told}, within the noise of an ensemble that is {self.spread[-1]:.1e} apart there; {final}"


def trained(
    step: Step, program: Program, given: Mapping[int, Given], most: int, say: Callable[[str], None]
) -> Trained | None:
    """As far as it was kept what the runs were given, from the first recorded one on; None where they have no loss.

    `most`: no run from there on. `say` is told of every hundredth step.
    """
    first, runs = min(program.trace.steps), {**given, **_recorded(program)}
    steps = [n for n in range(first, most) if all(one in runs for one in range(first, n + 1))]
    start = starts(program.trace.steps[first])
    if not steps or not program.fields["losses"]:
        return None
    own, *others = _ensemble(step, program, start)
    streams = [_Stream(one, *state) for one, state in (own, *others)]
    for number in steps:
        for stream in streams:
            stream.run(runs[number])
        if number % 100 == 0:
            say(f"training: step {number}, loss {streams[0].losses[-1]:.6g}")
    ours, *members = (np.array(one.losses, np.float64) for one in streams)
    spread = np.maximum.accumulate(np.max([_relative(ours, one) for one in members], axis=0))
    return Trained(steps, _theirs(program, steps), ours, spread, _floor(program, first) + SLACK * spread)


class _Stream:
    """One free run."""

    def __init__(self, step: Step, weights: Named, slots: Named):
        self.step, self.weights, self.slots = step, weights, slots
        self.losses: Losses = []

    def run(self, given: Given) -> None:
        made = self.step(self.weights, self.slots, given.batch, given.draws)
        self.weights, self.slots = made["weights"], made["slots"]
        self.losses.append(float(made["loss"]))


def _ensemble(step: Step, program: Program, start: dict[str, Named]) -> list[tuple[Step, tuple[Named, Named]]]:
    """Steps, and what each starts from; the first is the graph's own."""
    state = start["weights"], start["slots"]
    moved = [(step, nudged_arrays(state, np.random.default_rng(seed))) for seed in SEEDS]
    return [(step, state), *moved, *([(permuted(step, 1), state)] if rows(start["batch"]) > 1 else [])]


def _recorded(program: Program) -> dict[int, Given]:
    """The runs that were recorded whole."""
    found = {number: starts(one) for number, one in program.trace.steps.items()}
    return {number: Given(one["batch"], one["draws"]) for number, one in found.items()}


def _theirs(program: Program, steps: list[int]) -> np.ndarray:
    losses = program.trace.series["losses"]
    found = np.array([losses[step] if step < len(losses) else np.nan for step in steps], np.float64)
    for place, step in enumerate(steps):
        one = program.trace.steps.get(step)
        if one is not None and "loss/loss" in one.got:
            found[place] = float(one.got["loss/loss"].array)
    return found


def _floor(program: Program, first: int) -> float:
    """What rounding does to one step's loss, relative."""
    spread = program.limits[first].spreads.get("loss/loss") if first in program.limits else None
    return LOSS + (spread.norm / max(spread.exact, TINY) if spread else 0.0)


def _relative(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(other - one) / np.maximum(np.abs(one), TINY)
