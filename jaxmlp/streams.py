"""stdout and stderr as they may be: closed, on a full disk, with a narrow encoding, or with a reader who has gone.

No command loses its results by them: what cannot be said is noted once, and told by the exit code.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any


class Stream:
    """A text stream that swallows everything after its first failure, which it keeps.

    A reader who has gone raises BrokenPipeError, once, unless the stream is `patient`.
    """

    def __init__(self, stream: Any, patient: bool = False):
        self._stream, self.patient = stream, patient
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def reader_gone(self) -> bool:
        return isinstance(self.failure, BrokenPipeError)

    def write(self, text: str) -> int:
        self._attempt(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def _attempt(self, action: Callable[..., object], *arguments: str) -> None:
        if self.failure is not None:
            return
        try:
            action(*arguments)
        except OSError as error:
            self.failure = error
            self._let_go()
            if self.reader_gone and not self.patient:
                raise

    def _let_go(self) -> None:
        """What is left in the buffer would fail again when Python ends, and be reported: let it go to nowhere."""
        with contextlib.suppress(OSError, ValueError):  # a stream without a file behind it
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def guarded() -> Iterator[Stream]:
    """While entered, sys.stdout, which is yielded, and sys.stderr are a `Stream`; what cannot be encoded is a ?."""
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as stack:
        if None in before:
            _open_what_is_closed()
        real = [one or stack.enter_context(open(os.devnull, "w", encoding="utf-8")) for one in before]
        for one in real:
            stack.enter_context(_replacing(one))
        sys.stdout, sys.stderr = out, _ = Stream(real[0]), Stream(real[1], patient=True)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            yield out
        finally:
            sys.stdout, sys.stderr = before


@contextlib.contextmanager
def readers_departure() -> Iterator[Callable[[], bool]]:
    """While entered, a reader of stdout who goes raises nothing; the function that is yielded says whether he has."""
    out: Any = sys.stdout
    if not isinstance(out, Stream):  # not within a command
        yield lambda: False
        return
    before, out.patient = out.patient, True
    try:
        yield lambda: out.reader_gone
    finally:
        out.patient = before


@contextlib.contextmanager
def _replacing(stream: Any) -> Iterator[None]:
    """Strict is what Python makes of stdout; of stderr it makes something that never fails."""
    if not isinstance(stream, io.TextIOWrapper) or stream.errors not in ("strict", "surrogateescape"):
        yield
        return
    before = stream.errors
    stream.reconfigure(errors="replace")
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):  # closed meanwhile, or what is buffered cannot be written
            stream.reconfigure(errors=before)


def _open_what_is_closed() -> None:
    """Takes descriptors 0 to 2 where they are free: a file opened later would get one, and be printed into."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
