"""The first lines of a file that only grows: how many bytes they are, and their digest. No numpy, no jax."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from jaxmlp.errors import DataError


class Prefix(NamedTuple):
    """So many lines of metrics.jsonl."""

    lines: int = 0
    bytes: int = 0
    sha256: str = hashlib.sha256().hexdigest()


class Reading:
    """Goes through the file line by line, as it grows."""

    def __init__(self, path: Path):
        self._path, self._digest = path, hashlib.sha256()
        self._lines = self._bytes = 0

    def up_to(self, lines: int) -> Prefix:
        """So many lines from the start, no fewer than last time. Raises DataError where there are not as many."""
        assert lines >= self._lines, "what was read is not read again"
        with self._path.open("rb") as file:
            file.seek(self._bytes)
            while self._lines < lines:
                line = file.readline()
                if not line.endswith(b"\n"):
                    raise DataError(f"{self._path} has {self._lines} whole lines, and not {lines}")
                self._digest.update(line)
                self._lines, self._bytes = self._lines + 1, self._bytes + len(line)
        return Prefix(self._lines, self._bytes, self._digest.hexdigest())


def read_up_to(path: Path, prefix: Prefix) -> Reading:
    """A reading that has come to the end of the prefix. Raises DataError where the file begins with other lines."""
    reading = Reading(path)
    try:
        found = reading.up_to(prefix.lines)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if found != prefix:
        raise DataError(f"the first {prefix.lines} lines of {path} are not those that the run has written")
    return reading
