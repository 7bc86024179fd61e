"""Ctrl-C, and the signals by which others end a program: an exception at once, or held back to the end of a step.

Python takes handlers in its main thread only; anywhere else all of this is left out.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from jaxmlp import streams

Handler = Callable[[int, FrameType | None], None]
# A scheduler's or a container's stop, and the end of the terminal. Windows has no SIGHUP.
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(KeyboardInterrupt):
    """One of `ENDING` has come. What cleans up after Ctrl-C does so after this."""

    def __init__(self, number: int):
        super().__init__()
        self.exit_code = 128 + number


def end(number: int, _frame: FrameType | None = None) -> None:
    """The handler that raises: KeyboardInterrupt for Ctrl-C, else Terminated."""
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)


@contextlib.contextmanager
def handled(handler: Handler, numbers: Sequence[int] = ENDING) -> Iterator[None]:
    """While entered, these signals go to `handler`; one that is ignored, as by nohup, stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    taken = {number: old for number, old in before.items() if old not in (signal.SIG_IGN, None)}  # None: of C's
    try:
        for number in taken:
            signal.signal(number, handler)
        yield
    finally:
        for number, old in taken.items():
            signal.signal(number, old)


class Interrupt:
    """While entered, a first signal to end only sets `asked`, so that a step is never cut in two; a second one ends.

    A reader of stdout that goes counts as asking, too: what a run has computed is worth more than its last lines.
    """

    def __init__(self):
        self._number: int | None = None
        self._entered = contextlib.ExitStack()
        self._reader_gone: Callable[[], bool] = lambda: False

    @property
    def asked(self) -> bool:
        return self._number is not None or self._reader_gone()

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM; a reader that is gone is `command_line.run`'s to tell."""
        return 128 + (self._number or signal.SIGINT)

    def __enter__(self) -> "Interrupt":
        self._reader_gone = self._entered.enter_context(streams.readers_departure())
        self._entered.enter_context(handled(self._on_signal, (signal.SIGINT, *ENDING)))
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            end(number, frame)
        self._number = number
