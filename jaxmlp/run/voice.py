"""Lines on stdout and stderr. A stream that breaks ends no work: what was to be kept is kept, and then it is told."""

import sys
from pathlib import Path
from typing import TextIO

from jaxmlp import progress
from jaxmlp.errors import OutputError


class Voice:
    """Writes lines; once stdout or stderr has failed (a full disk, a reader that has gone), it is left alone."""

    def __init__(self):
        self._failures: dict[str, OSError] = {}

    def out(self, text: str) -> None:
        """A line on stdout."""
        self._write("stdout", sys.stdout, text)

    def err(self, text: str) -> None:
        """A line on stderr."""
        self._write("stderr", sys.stderr, text)

    def require_heard(self, kept: Path) -> None:
        """Raises where stdout failed: BrokenPipeError where its reader has gone, else OutputError.

        `kept`: the folder whose files are whole all the same.
        """
        failure = self._failures.get("stdout")
        if isinstance(failure, BrokenPipeError):
            raise failure
        if failure:
            cause = failure.strerror or failure
            raise OutputError(f"standard output cannot be written: {cause}; the files in {kept} are whole")

    def _write(self, name: str, stream: TextIO, text: str) -> None:
        if name in self._failures:
            return
        try:
            progress.write(text, stream)
        except OSError as error:
            self._failures[name] = error
