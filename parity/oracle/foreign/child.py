"""A process group and whatever it starts: bounded in time, in what it says and in what it writes; gone at the end."""

import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

MOST_SAID = 8 << 20  # bytes of the log; the rest is counted
MOST_WRITTEN = 4 << 30  # bytes below `watched`
LOOK = 0.2  # seconds between two looks
MARK = "PARITY_RUN"  # in the environment of all that a run starts


class Ended(NamedTuple):
    """`why`: empty where it ended by itself, else which bound ended it."""

    returncode: int
    why: str
    said: int  # bytes


def run(
    command: Sequence[str], where: Path, settings: Mapping[str, str], log: Path, watched: Path, limit: float | None
) -> Ended:
    """Waits for it in `where`; `{lifeline}` in the command is a descriptor that ends when this process does.

    `limit`: seconds. Whatever ends this call, Ctrl-C too, nothing that it started is left.
    """
    mark = uuid.uuid4().hex
    ours, theirs = os.pipe()
    try:
        with log.open("wb") as file, _started(command, where, {**settings, MARK: mark}, ours) as popen:
            os.close(ours)
            ours = -1
            assert popen.stdout
            said = [0]
            reader = threading.Thread(target=_drain, args=(popen.stdout, file, said), daemon=True)
            reader.start()
            why = _wait(popen, watched, limit)
            _end(popen, mark)
            reader.join(timeout=5)
            return Ended(popen.wait(), why, said[0])
    finally:
        os.close(theirs)
        if ours >= 0:
            os.close(ours)
        _end_marked(mark)


@contextmanager
def _started(
    command: Sequence[str], where: Path, settings: Mapping[str, str], lifeline: int
) -> Iterator[subprocess.Popen]:
    words = [word.replace("{lifeline}", str(lifeline)) for word in command]
    popen = subprocess.Popen(
        words,
        cwd=where,
        env=dict(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[lifeline],
        start_new_session=True,
    )
    try:
        yield popen
    finally:
        _kill_group(popen.pid)
        popen.wait()


def _wait(popen: subprocess.Popen, watched: Path, limit: float | None) -> str:
    last, looked = None if limit is None else time.monotonic() + limit, time.monotonic()
    while popen.poll() is None:
        time.sleep(LOOK)
        now = time.monotonic()
        if last is not None and now > last:
            return "time"
        if now - looked > 10 * LOOK:
            looked = now
            if _size(watched) > MOST_WRITTEN:
                return "disk"
    return ""


def _size(folder: Path) -> int:
    """Bytes that its files take on the disk."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(at, name)).st_blocks * 512
            except OSError:
                continue
    return total


def _drain(stream: IO[bytes], file: IO[bytes], said: list[int]) -> None:
    """Keeps the beginning, and reads the rest so that nobody waits for a full pipe."""
    with stream:
        while part := os.read(stream.fileno(), 1 << 16):
            if said[0] < MOST_SAID and not file.closed:
                file.write(part[: MOST_SAID - said[0]])
                file.flush()
            said[0] += len(part)


def _end(popen: subprocess.Popen, mark: str) -> None:
    _kill_group(popen.pid)
    _end_marked(mark)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _end_marked(mark: str) -> None:
    """Those that left the group, where the system tells whose they are (Linux)."""
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={mark}".encode() in entry.read_bytes():
                os.kill(int(entry.parent.name), signal.SIGKILL)
        except OSError:
            continue
