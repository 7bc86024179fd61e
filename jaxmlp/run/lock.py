"""One process at a time in a run's folder. The system lets go of the lock when the process ends, however it ends.

So a file that a dead process has left holds nobody back. No numpy, no jax.
"""

import contextlib
import os
import socket
import sys
import time
import warnings
from pathlib import Path

from jaxmlp.errors import JaxmlpWarning, OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NAME = ".lock"
LOOK = 0.02  # seconds, in which whoever only looks has looked


class Lock:
    """Held from its making to `release`, or to the end of the process."""

    def __init__(self, folder: Path):
        """Raises OutputError where another process has it, or the folder takes no file."""
        self._path = folder / NAME
        try:
            self._handle = self._taken()
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror or error}") from None

    def _taken(self) -> int:
        """The file, open and locked: the one that has the name now, for whoever held it before removes it."""
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                if not any(_locked(handle) or time.sleep(LOOK) for _ in range(5)):
                    raise OutputError(f"{self._path.parent} is in use by {_owner(self._path)}: wait, or give another")
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(handle), os.stat(self._path)):
                        os.ftruncate(handle, 0)
                        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
                        return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def release(self) -> None:
        """The file goes first, while nobody else can have it."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        os.close(self._handle)

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(folder: Path) -> bool:
    """Whether a process that lives has the folder's lock."""
    try:
        handle = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    """Whether the file could be locked at once."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:  # a file system that knows no locks
        warnings.warn(f"this folder cannot be locked: {error.strerror or error}", JaxmlpWarning, stacklevel=2)
    return True


def _owner(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()[:100] or "another process"
    except OSError:
        return "another process"
