"""`--oracle`: who answers for TensorFlow on this machine."""

import importlib.util

from parity.errors import CannotCompare
from parity.oracle import environment
from parity.oracle.ask import INSTALL, Compat, Oracle, Tf115


def choose(name: str, threads: int, time_limit: float) -> Oracle | None:
    """The oracle of that name; None for a recording. "auto" takes genuine 1.15 before compat before a recording.

    Raises `CannotCompare` where the one that was asked for is not there.
    """
    if name == "auto":
        name = "tf115" if environment.is_set_up() else "compat" if has_tensorflow() else "recording"
    if name == "tf115":
        return Tf115(environment.require(), threads, time_limit)
    if name == "compat" and not has_tensorflow():
        raise CannotCompare(f"TensorFlow 2.x is not installed: {INSTALL}")
    return Compat(threads) if name == "compat" else None


def live(name: str, threads: int, time_limit: float) -> Oracle:
    """As `choose`, for commands that ask questions nobody recorded."""
    oracle = choose(name, threads, time_limit)
    if oracle is None:
        raise CannotCompare(f"this asks TensorFlow what nobody recorded: {environment.SETUP}, or {INSTALL}")
    return oracle


def has_tensorflow() -> bool:
    """Whether TensorFlow 2.x can be found, without importing it."""
    return importlib.util.find_spec("tensorflow") is not None
