"""Why a script could not be recorded: one clear line for each way in which that happens."""

import signal
from pathlib import Path
from typing import Any

from parity.errors import CannotCompare, OracleFailed
from parity.oracle import environment
from parity.oracle.foreign.child import MOST_WRITTEN, Ended

NO_MODULE = "ModuleNotFoundError: No module named "
PACKAGES = {  # whose names are others than their modules'
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "cv2": "opencv-python-headless",
    "bs4": "beautifulsoup4",
}


def require_raw(name: str, ended: Ended, written: bool, limit: float | None, log: Path) -> None:
    """Raises where the recorder did not come to its own end; `written`: whether it left its folder."""
    if ended.why == "disk":
        raise CannotCompare(f"{name} wrote more than {MOST_WRITTEN >> 30} GB and was stopped")
    if written:
        return
    if ended.why == "time":
        raise CannotCompare(f"{name} did not stop at --time-limit {limit:g} and was killed; its output: {log}")
    raise OracleFailed(f"{name} {_end(ended.returncode)} without an exception of Python's; its output: {log}")


def _end(code: int) -> str:
    code = code - 128 if code > 128 else -code if code < 0 else 0
    if code == signal.SIGKILL:
        return "was killed, most likely for want of memory,"
    return f"was ended by signal {code}" if code else "ended"


def require_training(name: str, raw: dict[str, Any], traceback: Path) -> None:
    """Raises `CannotCompare` where not one training run was made; `traceback`: where the script's own is kept."""
    if raw["programs"]:
        return
    if raw["failure"]:
        raise CannotCompare(_failed(name, raw, traceback))
    raise CannotCompare(_never(name, raw))


def _failed(name: str, raw: dict[str, Any], traceback: Path) -> str:
    last = raw["failure"].strip().splitlines()[-1]
    if raw["python_2"]:
        return f"{name} is written for Python 2 ({last}): convert it with 2to3 first"
    if NO_MODULE in last:
        missing = last.split(NO_MODULE)[1].strip("'\"").split(".")[0]
        python = environment.interpreter(environment.folder())
        package = PACKAGES.get(missing, missing)
        return f"{name} needs the module {missing}: `{python} -m pip install {package}`, or put it beside the script"
    if refused := raw["downloads"]["refused"]:
        return f"{name} downloads {refused[0]}: name a folder that holds a file of this name with --data"
    if raw["shimmable"]:
        return f"{name} fails by itself ({last}), a name of TensorFlow 0.x: try --shim; its traceback: {traceback}"
    return f"{name} fails by itself before it trains: {last}; its own traceback: {traceback}"


def _never(name: str, raw: dict[str, Any]) -> str:
    if raw["eager"]:
        return f"{name} runs eagerly, without a graph: only programs of graphs and sessions can be recorded"
    if raw["windows"]:
        return f"{name} trains only in a shown window ({raw['windows'][0]}), and none is shown to a recorded script"
    if raw["forks"]:
        return f"{name} trains in no session of its own process; it started {raw['forks']} others, not recorded"
    if "Session.partial_run is not recorded" in dict(raw["notes"]):
        return f"{name} trains by Session.partial_run only, which is not recorded"
    if raw["status"] != "ended":
        return f"{name} {raw['status']} before it trained"
    return f"{name} never trains: no run of a session moves a trainable variable"


def require_recorded(name: str, raw: dict[str, Any], steps: tuple[int, ...]) -> None:
    """Raises `CannotCompare` where it trains, and none of the wanted steps was reached."""
    if any(program["steps"] for program in raw["programs"]):
        return
    most = max(program["runs"] for program in raw["programs"])
    wanted = ", ".join(map(str, steps))
    raise CannotCompare(f"{name} made {most} training runs, counted from 0, and none is among --steps {wanted}")
