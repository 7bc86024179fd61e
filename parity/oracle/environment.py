"""Genuine TensorFlow 1.15.5 in an environment of its own: where it is, and `python -m parity setup`, which makes it.

TensorFlow 1.15.5 has wheels for Python 3.7 and nothing later, so it can never share an interpreter with JAX.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from parity.errors import CannotCompare

PACKAGES = ("tensorflow==1.15.5", "protobuf<3.21")  # later protobufs refuse TensorFlow 1.15's generated code
SETUP = "run `python -m parity setup`"


def folder() -> Path:
    """$PARITY_TF115, or a folder in the user's cache."""
    named = os.environ.get("PARITY_TF115")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("jaxmlp") / "tf115"


def interpreter(where: Path) -> Path:
    """The Python of a virtual environment."""
    return where / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_set_up() -> bool:
    """Whether there is an interpreter where TensorFlow 1.15's should be."""
    return interpreter(folder()).exists()


def require() -> Path:
    """TensorFlow 1.15's interpreter. Raises `CannotCompare`, saying how to get one."""
    if not is_set_up():
        remedy = f"{SETUP}, or name another folder in $PARITY_TF115"
        raise CannotCompare(f"there is no TensorFlow 1.15 at {folder()}: {remedy}")
    return interpreter(folder())


def set_up(python: Path | None, where: Path) -> str:
    """Makes the environment in `where` with Python 3.7; returns TensorFlow's version as it reports it itself.

    `python`: a Python 3.7, or None to look in $PARITY_PYTHON37, pyenv and uv. Raises `CannotCompare`.
    """
    base = _python37(python)
    _run([str(base), "-m", "venv", "--clear", str(where)], "the virtual environment could not be made")
    own = str(interpreter(where))
    install = [own, "-m", "pip", "install", "--disable-pip-version-check", "-q", *PACKAGES]
    _run(install, "pip could not install TensorFlow")
    version = _run([own, "-c", "import tensorflow; print(tensorflow.__version__)"], "TensorFlow does not start")
    return version.strip().splitlines()[-1]


def _python37(named: Path | None) -> Path:
    """The first of the places to look that is a Python 3.7; a place the user named must be one."""
    if named := named or (Path(os.environ["PARITY_PYTHON37"]) if "PARITY_PYTHON37" in os.environ else None):
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
