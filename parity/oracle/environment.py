"""Genuine TensorFlow 1.15.5 in an environment of its own: where it is, and `python -m parity setup`, which makes it.

TensorFlow 1.15.5 has wheels for Python 3.7 and nothing later, so it can never share an interpreter with JAX.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from parity.errors import CannotCompare

VERSION = "1.15"  # of TensorFlow, in whose name this answers
PIECES = ("make a virtual environment", "download and install", "start TensorFlow")  # of a set-up
PACKAGES = ("tensorflow==1.15.5", "protobuf<3.21")  # later protobufs refuse TensorFlow 1.15's generated code
SETUP = "run `python -m parity setup`"
REMEDY = f"{SETUP}, or name another folder in $PARITY_TF115"
ASK = "import tensorflow; print(tensorflow.__version__)"
PATIENCE = 120  # seconds for an import that takes two


def folder() -> Path:
    """$PARITY_TF115, or a folder in the user's cache."""
    named = os.environ.get("PARITY_TF115")
    return Path(os.path.expanduser(named)) if named else platformdirs.user_cache_path("jaxmlp") / "tf115"


def interpreter(where: Path) -> Path:
    """The Python of a virtual environment."""
    return where / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_set_up() -> bool:
    """Whether there is an interpreter where TensorFlow 1.15's should be."""
    return interpreter(folder()).exists()


def require() -> Path:
    """TensorFlow 1.15's interpreter, once it has said that it is one. Raises `CannotCompare`, saying how to get one."""
    where, python = folder(), interpreter(folder())
    called = "$PARITY_TF115" if "PARITY_TF115" in os.environ else str(where)
    if not is_set_up():
        raise CannotCompare(f"there is no TensorFlow 1.15 at {where}: {REMEDY}")
    try:
        require_version(_version(python), VERSION, called, REMEDY)
    except subprocess.TimeoutExpired:
        raise CannotCompare(f"{python} does not say within {PATIENCE} s which TensorFlow it has: {REMEDY}") from None
    except OSError as error:
        raise CannotCompare(f"{python} does not run ({error.strerror}): {REMEDY}") from None
    return python


def require_version(told: str, wanted: str, called: str, remedy: str) -> None:
    """Raises `CannotCompare` unless TensorFlow's own word for its version, empty where there is none, is the wanted."""
    if not told:
        raise CannotCompare(f"{called} holds no TensorFlow that starts: {remedy}")
    if f"{told}.".startswith(f"{wanted}."):
        return
    raise CannotCompare(f"{called} holds TensorFlow {told}, not {wanted}: {remedy}")


def untouched() -> dict[str, str]:
    """The variables TensorFlow 1.15 runs under.

    Importing TensorFlow 2 sets TF2_BEHAVIOR for its children, under which 1.15 makes other ops and draws other weights:
    nothing of this process's TensorFlow or Python settings may reach the reference.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(("TF", "PYTHON"))}


def _version(python: Path) -> str:
    """As the TensorFlow of that Python says itself; empty where none starts. Raises OSError or TimeoutExpired."""
    asked = subprocess.run([str(python), "-c", ASK], capture_output=True, text=True, timeout=PATIENCE, env=untouched())
    return "" if asked.returncode else (asked.stdout.strip().splitlines() or [""])[-1]


def set_up(python: Path | None, where: Path, tell: Callable[[], None] = lambda: None) -> str:
    """Makes the environment in `where` with Python 3.7; returns TensorFlow's version as it reports it itself.

    `python`: a Python 3.7, or None to look in $PARITY_PYTHON37, pyenv and uv. `tell` hears of each of the `PIECES` when
    it is done. Raises `CannotCompare`, also where another TensorFlow than 1.15 was installed.
    """
    base = _python37(python)
    _run([str(base), "-m", "venv", "--clear", str(where)], "the virtual environment could not be made")
    tell()
    own = str(interpreter(where))
    install = [own, "-m", "pip", "install", "--disable-pip-version-check", "-q", *PACKAGES]
    _run(install, "pip could not install TensorFlow")
    tell()
    version = _run([own, "-c", ASK], "TensorFlow does not start").strip().splitlines()[-1]
    require_version(version, VERSION, str(where), f"pip was asked for {PACKAGES[0]}; look at its settings")
    tell()
    return version


def _python37(named: Path | None) -> Path:
    """The first of the places to look that is a Python 3.7; a place the user named must be one."""
    told = os.environ.get("PARITY_PYTHON37")
    if named := named or (None if told is None else Path(os.path.expanduser(told))):
        if not _is_37(named):
            raise CannotCompare(f"{named} is not a Python 3.7, the last that TensorFlow 1.15.5 was built for")
        return named
    for candidate in _places():
        if _is_37(candidate):
            return candidate
    raise CannotCompare(
        "no Python 3.7 found in pyenv or uv: `pyenv install 3.7` or `uv python install 3.7` gets one; "
        "or name one with --python or $PARITY_PYTHON37"
    )


def _places() -> Iterator[Path]:
    """pyenv's versions, not its `python3.7` shim, which resolves only where a project asks for it; then uv's."""
    roots = [os.environ.get("PYENV_ROOT"), _output(["pyenv", "root"]), os.path.expanduser("~/.pyenv")]
    for root in filter(None, roots):
        yield from sorted(Path(root).glob("versions/3.7*/bin/python3.7"), reverse=True)
    if found := _output(["uv", "python", "find", "3.7"]):
        yield Path(found)
    if on_path := shutil.which("python3.7"):
        yield Path(on_path)


def _is_37(python: Path) -> bool:
    return _output([str(python), "-c", "import sys; print(sys.version_info[:2] == (3, 7))"]) == "True"


def _output(command: list[str]) -> str:
    """What a command prints; nothing where it fails or is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _run(command: list[str], complaint: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()[-1]
        raise CannotCompare(f"{complaint}: {last}")
    return result.stdout
