"""Who watches a run, and the loop that drives one for them. Serves `session`, `experiments` and `classifier`."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from jaxmlp.trainer import Report, Run


class Observer(Protocol):
    """Told of a run as it goes; what it raises ends the run. A subclass writes the methods that it needs."""

    def open(self) -> None:
        """Once, before the first step."""

    def on_step(self, report: Report) -> None:
        """After every step."""

    def on_report(self, report: Report) -> None:
        """After `on_step` of all observers, at the steps where the test accuracy was evaluated."""

    def close(self) -> None:
        """Once, when the run ends: done, stopped or failed."""


def drive(run: Run, observers: Sequence[Observer], stopping: Callable[[], bool] = lambda: False) -> Report | None:
    """Trains to the end, or to the first whole step at which `stopping()`, telling the observers in their order.

    The last step is a report too, whatever the program's `report_every`: of the weights that are kept. Returns it, or
    None where there was no step left. Raises DivergedError as the run does; observers are closed on every way out.
    """
    with contextlib.ExitStack() as stack:
        for observer in reversed(observers):
            stack.callback(observer.close)  # the stack turns them round again; each closes whatever another raises
        for observer in observers:
            observer.open()
        for report in run:
            ends = _ends(run, report, stopping)
            told = run.tested(report) if ends else report
            for observer in observers:
                observer.on_step(told)
            for observer in observers if told.test_accuracy is not None else ():
                observer.on_report(told)
            if ends:
                return told
    return None


def _ends(run: Run, report: Report, stopping: Callable[[], bool]) -> bool:
    """Whether no step follows. A run is not stopped within a block of steps: the weights are those behind it."""
    done = report.step + 1
    return done == run.program.steps or (stopping() and done == run.done)
