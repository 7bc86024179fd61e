"""A first Ctrl-C asks, a second one interrupts. Serves `session`."""

import signal
from types import FrameType


class Interrupt:
    """While entered, a first Ctrl-C only sets `asked`, so that a step is never cut in two; a second one interrupts."""

    def __init__(self):
        self.asked = False

    def __enter__(self) -> "Interrupt":
        self._previous = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
