"""`--oracle`: who answers for TensorFlow on this machine. It says which version it is before anything else is asked."""

import importlib.util

from parity.errors import CannotCompare
from parity.oracle import environment
from parity.oracle.ask import INSTALL, Compat, Oracle, Tf115, require_compat

WAYS = (  # on from a machine that lacks something
    "for all of MNIST, name the folder of its four files in $JAXMLP_DATA_DIR; "
    "for genuine TensorFlow 1.15.5, `python -m parity setup`; "
    f"for TensorFlow 2.x, {INSTALL} and `python -m parity --oracle compat --data generated:600`"
)


def choose(name: str, threads: int, time_limit: float, recorded: bool = False) -> Oracle | None:
    """The oracle of that name; None for a recording. `recorded`: whether what will be asked was recorded.

    "auto" takes genuine 1.15, live before recorded, before TensorFlow 2.x. Raises `CannotCompare` where the one that
    was asked for is not there, or is another TensorFlow than its name says.
    """
    if name == "auto":
        name = _best(recorded)
    if name == "tf115":
        return Tf115(environment.require(), threads, time_limit)
    if name == "compat":
        if not has_tensorflow():
            raise CannotCompare(f"TensorFlow 2.x is not installed: {INSTALL}")
        require_compat()
        return Compat(threads)
    return None


def live(name: str, threads: int, time_limit: float) -> Oracle:
    """As `choose`, for commands that ask questions nobody recorded."""
    oracle = None if name == "auto" and not any_tensorflow() else choose(name, threads, time_limit)
    if oracle is None:
        raise CannotCompare(f"this asks TensorFlow what nobody recorded: {environment.SETUP}, or {INSTALL}")
    return oracle


def has_tensorflow() -> bool:
    """Whether TensorFlow 2.x can be found, without importing it."""
    return importlib.util.find_spec("tensorflow") is not None


def any_tensorflow() -> bool:
    """Whether one of the live oracles can be found."""
    return environment.is_set_up() or has_tensorflow()


def _best(recorded: bool) -> str:
    if environment.is_set_up():
        return "tf115"
    if recorded:
        return "recording"
    if has_tensorflow():
        return "compat"
    raise CannotCompare(f"no TensorFlow is here, and no recording is of this program, seed and data: {WAYS}")
