"""A TensorFlow 1.15 process, waited for file by file, that takes nothing of this process's settings with it."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from parity.errors import OracleFailed
from parity.oracle.environment import untouched

PAUSE = 0.02  # seconds between two looks
KEPT = 1 << 14  # bytes of what it says: the last
LINES, LONGEST = 3, 400  # of these as many are told, in so many characters


class Process:
    """A started program, and the end of what it says."""

    def __init__(self, popen: subprocess.Popen[bytes]):
        assert popen.stdout
        self.popen, self._said = popen, bytearray()
        self._listener = threading.Thread(target=self._listen, args=(popen.stdout,), daemon=True)
        self._listener.start()

    def _listen(self, stream: IO[bytes]) -> None:
        """All of it, so that the program never waits for a full pipe."""
        with stream:
            while part := stream.read1(1 << 16):  # pyright: ignore[reportAttributeAccessIssue]
                self._said += part
                del self._said[:-KEPT]

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self.popen.poll()

    def wait_for(self, file: Path, seconds: float) -> bool:
        """Whether the file is there, after so long at the most; not once the program has ended without it."""
        last = time.monotonic() + seconds
        while not file.exists():
            if self.returncode is not None:
                return file.exists()
            if time.monotonic() > last:
                return False
            time.sleep(PAUSE)
        return True

    def end(self) -> str:
        """How a program that failed came to its end."""
        code = self.returncode
        assert code, "it failed"
        if code == -signal.SIGKILL:
            return "was killed, most likely for want of memory (try --images 10000)"
        return f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"

    def tail(self) -> str:
        """The end of what it said, in one line."""
        self._listener.join(timeout=1)  # longer only where a child of its own goes on
        lines = [" ".join(line.split()) for line in bytes(self._said).decode(errors="replace").splitlines()]
        said = " | ".join([line for line in lines if line][-LINES:])
        return "".join(letter for letter in said if letter.isprintable())[-LONGEST:] or "nothing"


@contextmanager
def started(command: list[str]) -> Iterator[Process]:
    """Runs it until the block ends, whatever ends it. Raises `OracleFailed` where it does not start.

    Its stdin ends when this process does, however it does: `py37/parent.py` waits for that.
    """
    pipe = subprocess.PIPE
    try:
        popen = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, env=untouched())
    except OSError as error:
        reason = f"{error.strerror}; `python -m parity setup` mends it"
        raise OracleFailed(f"{command[0]} does not run: {reason}") from None
    try:
        yield Process(popen)
    finally:
        popen.kill()
        popen.wait()
        if popen.stdin:
            popen.stdin.close()
