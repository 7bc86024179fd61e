"""What ended a command, told in one line and an exit code: a user's mistake, a broken install, or a bug of ours."""

import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from jaxmlp.errors import JaxmlpError

Mistakes = tuple[type[Exception], ...]  # bases of exceptions, each of which has an `exit_code`
BUG = 70  # EX_SOFTWARE of sysexits.h: no command means anything else by it
OURS = ("jaxmlp", "parity", "bench")
_HERE = Path(__file__).resolve().parents[1]
_LONGEST = 300  # characters of a message that somebody else wrote


class Failure(NamedTuple):
    """How a command ended."""

    exit_code: int
    line: str


def failure(error: Exception, mistakes: Mistakes) -> Failure:
    """`mistakes` tell for themselves; for a bug the traceback is kept in a file that the line names."""
    if isinstance(error, mistakes):
        return Failure(error.exit_code, str(error))  # pyright: ignore[reportAttributeAccessIssue]
    mended = _memory(error) or _variable(error) or _library(error)
    return Failure(JaxmlpError.exit_code, mended) if mended else Failure(BUG, _bug(error))


def _memory(error: Exception) -> str | None:
    """In the host's words, or in XLA's."""
    short = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error)
    return "not enough memory for this run: lower the hidden units or the images" if short else None


def _variable(error: Exception) -> str | None:
    """JAX reads its switches from the environment, and refuses a value with a traceback."""
    frames = [frame for frame in _frames(error) if Path(frame.f_code.co_filename).parts[-3:] == _JAX_CONFIG]
    said = str(error).replace("jax.", "jax_")
    if not frames or not isinstance(error, ValueError):
        return None
    for name in sorted(os.environ, key=len, reverse=True):  # JAX_TRANSFER_GUARD is the beginning of another's name
        if re.search(rf"\b{name}\b", said, re.IGNORECASE):
            known = [str(value) for frame in frames for value in frame.f_locals.get("enum_values", ())]
            right = f"one of {', '.join(known)} is right" if known else _first_line(error)
            return f"{name}={os.environ[name]} is nothing that JAX knows: {right}; or unset it"
    return None


_JAX_CONFIG = ("jax", "_src", "config.py")


def _library(error: Exception) -> str | None:
    """A library that is missing, or fails while it is imported."""
    missing = error.name if isinstance(error, ImportError) else None
    imported = [frame.f_globals.get("__name__", "") for frame in _frames(error) if frame.f_code.co_name == "<module>"]
    names = [name.split(".")[0] for name in [*imported, *([missing] if missing else [])]]
    foreign = [name for name in names if name not in (*OURS, *sys.stdlib_module_names, "__main__")]
    if not foreign:
        return None
    cause = f"{type(error).__name__}: {_first_line(error)}"
    return f"the library {foreign[0]} cannot be imported ({cause}): install it again with pip install -e . in the clone"


def _bug(error: Exception) -> str:
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_HERE)]
    where = f" at {Path(ours[-1].filename).relative_to(_HERE)}:{ours[-1].lineno}" if ours else ""
    what = f"{type(error).__name__}: {_first_line(error)}"
    return f"this is a bug in jaxmlp, not an answer: {what}{where}. Please report it with {_kept(error)}"


def _kept(error: Exception) -> str:
    """Where the traceback is; on stderr where no file can be written, or JAXMLP_TRACEBACK is set."""
    text = f"command: {' '.join(sys.argv)}\npython: {sys.version}\n\n{''.join(traceback.format_exception(error))}"
    if not os.environ.get("JAXMLP_TRACEBACK"):
        try:
            handle, name = tempfile.mkstemp(prefix="jaxmlp-bug-", suffix=".txt")
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            return name
        except OSError:
            pass
    print(text, file=sys.stderr)
    return "the lines above"


def _frames(error: BaseException) -> Iterator[FrameType]:
    """From where it was caught to where it was raised."""
    return (frame for frame, _ in traceback.walk_tb(error.__traceback__))


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else "no message"
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
