"""What the operating system may do to a run's files, by a shim of `os`: an error, a short write, an end at any call.

A process that is killed leaves what its calls have written so far. So a copy of the folder, taken before a call, is
what a kill at that call would leave: one run gives all of them.
"""

import contextlib
import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CALLS = ("open", "write", "fsync", "chmod", "replace", "unlink", "mkdir", "ftruncate")  # that change what a disk holds

Real = Callable[..., Any]
Fault = Callable[[int, str, Real, tuple[Any, ...]], Any]  # number and name of the call, the call itself, arguments


@contextlib.contextmanager
def shim(folder: Path, fault: Fault) -> Iterator[list[str]]:
    """While entered, each of `CALLS` below the folder goes through `fault`, one at a time; yields their names."""
    turn, made, before = threading.RLock(), [], {name: getattr(os, name) for name in CALLS}

    def shimmed(name: str) -> Real:
        def call(*arguments: Any, **named: Any) -> Any:
            if not _is_below(arguments[0], folder) or (name == "open" and not arguments[1] & os.O_CREAT):
                return before[name](*arguments, **named)
            with turn:
                made.append(name)
                return fault(len(made) - 1, name, lambda *given: before[name](*given, **named), arguments)

        return call

    try:
        for name in CALLS:
            setattr(os, name, shimmed(name))
        yield made
    finally:
        for name in CALLS:
            setattr(os, name, before[name])


def _is_below(target: Any, folder: Path) -> bool:
    if isinstance(target, int):
        try:
            target = os.readlink(f"/proc/self/fd/{target}")
        except OSError:
            return False
    return Path(target).is_relative_to(folder)


def failing(at: int, code: int, for_good: bool = False) -> Fault:
    """An error at the n-th call; `for_good`: at every one from there that needs room on the disk."""

    def fault(number: int, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:
        if number == at or (for_good and number > at and name in ("write", "open", "mkdir")):
            raise OSError(code, os.strerror(code))
        return real(*arguments)

    return fault


def short_at(at: int) -> Fault:
    """The n-th call, where it is a write, takes a part only."""

    def fault(number: int, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:
        if number == at and name == "write":
            return real(arguments[0], bytes(arguments[1])[: max(1, len(arguments[1]) // 3)])
        return real(*arguments)

    return fault


def read_only(_number: int, _name: str, _real: Real, _arguments: tuple[Any, ...]) -> Any:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def copying(folder: Path, copies: Path) -> Fault:
    """Keeps what a kill at each call would leave; at a write also what it would leave in the middle of it."""

    def fault(number: int, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:
        _copy(folder, copies / f"{number:04}-{name}")
        if name == "write" and len(arguments[1]) > 1:
            torn = copies / f"{number:04}-torn"
            _copy(folder, torn)
            written = torn / Path(os.readlink(f"/proc/self/fd/{arguments[0]}")).relative_to(folder)
            with written.open("ab") as file:
                file.write(bytes(arguments[1])[: len(arguments[1]) // 2])
        return real(*arguments)

    return fault


def _copy(folder: Path, copy: Path) -> None:
    shutil.copytree(folder, copy) if folder.exists() else copy.mkdir(parents=True)
