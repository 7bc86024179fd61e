"""Who watches a run, and the loop that drives one for them. Serves `session`, `experiments` and `classifier`."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from jaxmlp.trainer import Report, Run


class Observer(Protocol):
    """Told of a run as it goes; what it raises ends the run. A subclass writes the methods that it needs."""

    def on_step(self, report: Report) -> None:
        """After every step."""

    def on_report(self, report: Report) -> None:
        """After `on_step` of all observers, at the steps where the test accuracy was evaluated."""

    def close(self) -> None:
        """Once, when the run ends: done, stopped or failed."""


def drive(run: Run, observers: Sequence[Observer], stopping: Callable[[], bool] = lambda: False) -> Report | None:
    """Trains to the end, or to the first whole step at which `stopping()`, telling the observers in their order.

    Returns the last report, None where there was no step left. Raises DivergedError as the run does; the observers are
    closed on every way out.
    """
    last = None
    with contextlib.ExitStack() as stack:
        for observer in reversed(observers):
            stack.callback(observer.close)  # the stack turns them round again; each closes whatever another raises
        for last in run:
            for observer in observers:
                observer.on_step(last)
            for observer in observers if last.test_accuracy is not None else ():
                observer.on_report(last)
            if stopping() and last.step + 1 == int(run.state.step):  # not within a block: the weights are behind it
                break
    return last
