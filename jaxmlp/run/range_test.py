"""The learning-rate range test (L. N. Smith, arXiv:1506.01186): the rate grows from step to step, the loss tells which.

The rate of step t of N is low * (high / low) ** (t / (N - 1)), which is `tf.train.exponential_decay` with a decay above
1. So a range test is a `Program`, and trains as any other.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from jaxmlp.checks import require
from jaxmlp.errors import DivergedError
from jaxmlp.program import ExponentialDecay, Program
from jaxmlp.progress import Progress
from jaxmlp.trainer import Run

FEWEST = 10  # steps
WORSE = 4.0  # times the best loss: a test ends there, for what follows is no news
REACH = 0.05  # of the steps, on each side of one: those whose losses a line is laid through


class RangeTest(NamedTuple):
    """The losses of a run whose rate grew."""

    rates: np.ndarray  # float64 [n], of each step
    losses: np.ndarray  # float64 [n], after it: what the next step measures
    ended: str | None = None  # why steps are missing; None where none are

    def smoothed(self) -> np.ndarray:
        """Each step's loss on the line through its neighbours', float64 [n]."""
        return self._lines()[:, 1]

    def steepest(self) -> float | None:
        """The rate where the loss falls fastest over the rate's logarithm; None where it never falls, or too few steps.

        Of the steps with all their neighbours: near an end the slope is that of few losses.
        """
        slopes = self._lines()[self._reach : -self._reach, 0]
        if not len(slopes) or slopes.min() >= 0:
            return None
        return float(self.rates[self._reach + slopes.argmin()])

    def lowest(self) -> float:
        """The rate of the lowest smoothed loss."""
        return float(self.rates[self.smoothed().argmin()])

    @property
    def _reach(self) -> int:
        return max(2, round(REACH * len(self.losses)))

    def _lines(self) -> np.ndarray:
        """Each step's least squares through its neighbours' losses: slope and height there, float64 [n, 2]."""
        steps, reach = np.arange(len(self.losses)), self._reach
        near = [slice(max(0, i - reach), i + reach + 1) for i in steps]
        return np.array([np.polyfit(steps[one] - i, self.losses[one], 1) for i, one in enumerate(near)])


def program_of(base: Program, low: float, high: float, images: int) -> Program:
    """The program of a range test in as many steps as the base has, its rate in place of the base's.

    One step longer, as a step's rate is judged by the loss that the next one measures. Raises ConfigError.
    """
    steps = base.settled(images).steps
    require("steps", steps, steps >= FEWEST, f"{FEWEST} or more for a range test")
    rate = ExponentialDecay(low, steps - 1, high / low)
    optimizer = dataclasses.replace(base.optimizer, learning_rate=rate)
    return dataclasses.replace(base, optimizer=optimizer, epochs=None, steps=steps + 1, report_every=steps + 1)


def measure(run: Run, progress: Progress) -> RangeTest:
    """Drives the run of a `program_of`, to its end or to a loss that is not finite or `WORSE`.

    Raises DivergedError where no step has a finite loss after it.
    """
    losses, ended = [], None
    try:
        for report in run:
            losses.append(report.loss)
            progress.update(note=f"rate {rate_of(run.program, report.step):.3g}, loss {report.loss:.4g}")
            if report.loss > WORSE * min(losses):
                ended = f"the loss after step {report.step - 1} is {report.loss / min(losses):.3g} times its best"
                break
    except DivergedError as error:
        if len(losses) < 2:
            raise
        ended = f"the loss after step {error.step - 1} is not finite"
    rates = [rate_of(run.program, step) for step in range(len(losses) - 1)]
    return RangeTest(np.array(rates), np.array(losses[1:]), ended)


def rate_of(program: Program, step: int) -> float:
    """The rate of a step."""
    growth = program.optimizer.learning_rate
    assert isinstance(growth, ExponentialDecay), "a range test's rate grows"
    return growth.learning_rate * growth.decay_rate ** (step / growth.decay_steps)
