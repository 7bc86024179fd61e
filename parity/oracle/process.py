"""A TensorFlow 1.15 process, waited for file by file, that takes nothing of this process's settings with it."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parity.errors import OracleFailed
from parity.oracle.environment import untouched

PAUSE = 0.02  # seconds between two looks


class Process:
    """A started program, and the file that gets what it says."""

    def __init__(self, popen: subprocess.Popen[bytes], said: Path):
        self.popen, self.said = popen, said

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

    def tail(self, lines: int = 12) -> str:
        """The end of what it said."""
        said = self.said.read_text(errors="replace").strip().splitlines()
        return "\n".join(f"  {line}" for line in said[-lines:]) or "  (nothing)"


@contextmanager
def started(command: list[str], said: Path) -> Iterator[Process]:
    """Runs it until the block ends, whatever ends it. Raises `OracleFailed` where it does not start."""
    try:
        with said.open("wb") as file:
            popen = subprocess.Popen(command, stdout=file, stderr=file, env=untouched())
    except OSError as error:
        reason = f"{error.strerror}; `python -m parity setup` mends it"
        raise OracleFailed(f"{command[0]} does not run: {reason}") from None
    try:
        yield Process(popen, said)
    finally:
        popen.kill()
        popen.wait()
