"""Records somebody's script: twice plain, to see whether it is reproducible, then once under the flight recorder."""

import hashlib
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parity.errors import CannotCompare
from parity.oracle import environment
from parity.oracle.foreign import child, places, reproduced, sandbox, verdict
from parity.oracle.foreign.script import Script

ORACLE = Path(__file__).parent.parent
RECORD = "import sys; sys.path.append(sys.argv.pop(1)); from py37.recorder import main; sys.path.pop(); main.main()"
BESIDES = 180  # seconds beyond its limit that a run has to import TensorFlow and to write down what it saw
MOST_PLAIN = 5  # runs, where two agree and the recorded one differs: a race seldom shows
HIDDEN = ("DISPLAY", "WAYLAND_DISPLAY", "LD_PRELOAD")


class Wishes(NamedTuple):
    """How a script is recorded."""

    steps: tuple[int, ...] = (0, 1, 5, 50)  # of each program, counted from 0
    max_steps: int | None = None  # training runs of all programs together
    time_limit: float | None = 600.0  # seconds of each run
    data: Path | None = None  # downloads are answered from it by base name
    seed: int | None = 1  # of all that the script leaves unseeded
    shim: bool = False  # names of TensorFlow 0.x
    once: bool = False  # without the two plain runs
    sandbox: bool = False
    train: int = 0  # of so many first runs it keeps what they are given


def record(script: Script, wishes: Wishes, out: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Writes raw.json, raw.npz and log.txt into `out` and returns what raw.json says.

    It runs somebody's code with the user's rights. Raises `CannotCompare` where the script cannot be recorded.
    """
    python = environment.require()
    if wishes.data is not None and not wishes.data.is_dir():
        raise CannotCompare(f"--data {wishes.data}: no such folder")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        root, plain = Path(name).resolve(), []
        for number in () if wishes.once else (1, 2):
            say(f"running {script.name} as it is, {number} of 2")
            plain.append(_plain(python, script, wishes, root / f"plain-{number}", out))
        say(f"running {script.name} under the recorder")
        raw, arrays = _flown(python, script, wishes, root / "recorded", out, plain=False)
        verdict.require_recorded(script.name, raw, wishes.steps)
        raw.update(_provenance(script, wishes))
        if plain and raw["status"] != "stopped at --time-limit":
            found = reproduced.compared(plain, reproduced.finals(arrays))
            while found.by_recording and len(plain) < MOST_PLAIN:
                say(f"running {script.name} as it is once more, to tell a race from the recorder")
                plain.append(_plain(python, script, wishes, root / f"plain-{len(plain) + 1}", out))
                found = reproduced.compared(plain, reproduced.finals(arrays))
            raw["reproduced"] = {"plain_runs": len(plain), **found.told()}
        shutil.move(root / "recorded" / "out" / "raw.npz", out / "raw.npz")
    (out / "raw.json").write_text(json.dumps(raw), encoding="utf-8")
    return raw


def _plain(python: Path, script: Script, wishes: Wishes, root: Path, out: Path) -> reproduced.Finals:
    _, arrays = _flown(python, script, wishes, root, out, plain=True)
    return reproduced.finals(arrays)


def _flown(python: Path, script: Script, wishes: Wishes, root: Path, out: Path, plain: bool) -> Any:
    """raw.json and the arrays of one run in private places of its own."""
    made = places.make(root, script.folder)
    into, log, traceback = root / "out", out / "log.txt", out / "traceback.txt"
    into.mkdir()
    where = made.work if script.kind != "notebook" else Path(script.in_copy(made.work)).parent
    command = [str(python), "-c", RECORD, str(ORACLE), json.dumps(_order(script, wishes, made, into, plain))]
    if wishes.sandbox:
        command = sandbox.inside(command, where, _readable(python, wishes), [root])
    limit = None if wishes.time_limit is None else wishes.time_limit + BESIDES
    ended = child.run(command, where, _settings(made), log, root, limit)
    verdict.require_raw(script.name, ended, (into / "raw.json").exists(), wishes.time_limit, log)
    raw = json.loads((into / "raw.json").read_text(encoding="utf-8"))
    if raw["failure"]:
        traceback.write_text(raw["failure"], encoding="utf-8")
    verdict.require_training(script.name, raw, traceback)
    _take_back(raw["elsewhere"], root / "elsewhere")
    raw["said"] = ended.said
    with np.load(into / "raw.npz", allow_pickle=False) as stored:
        return raw, {name: stored[name] for name in stored.files if "|final|" in name}


def _order(script: Script, wishes: Wishes, made: places.Places, into: Path, plain: bool) -> dict[str, Any]:
    return {
        "out": str(into),
        "script": script.in_copy(made.work),
        "kind": script.kind,
        "arguments": list(script.arguments),
        "steps": sorted(wishes.steps),
        "private": [str(made.root)],
        "data": None if wishes.data is None else str(wishes.data.resolve()),
        "max_steps": wishes.max_steps,
        "time_limit": wishes.time_limit,
        "seed": wishes.seed,
        "shim": wishes.shim,
        "plain": plain,
        "train": wishes.train,
        "lifeline": "{lifeline}",
    }


def _settings(made: places.Places) -> dict[str, str]:
    kept = {name: value for name, value in environment.untouched().items() if not name.startswith(("XDG_", *HIDDEN))}
    private = dict.fromkeys(("TMPDIR", "TMP", "TEMP", "TEST_TMPDIR"), str(made.temporary))
    fixed = {"PYTHONHASHSEED": "0", "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    return {**kept, **private, **fixed, "HOME": str(made.home)}


def _readable(python: Path, wishes: Wishes) -> list[Path]:
    """What TensorFlow's interpreter needs, and the data."""
    base = python.resolve().parent.parent
    return [python.parent.parent, base, ORACLE, *([] if wishes.data is None else [wishes.data.resolve()])]


def _take_back(elsewhere: list[Any], into: Path) -> None:
    """What the script made outside is moved away, so that the next run starts alike; what was there before stays."""
    made = [Path(path) for path, there in elsewhere if not there]
    outermost = [path for path in made if not any(parent in path.parents for parent in made)]
    into.mkdir()
    for number, path in enumerate(path for path in outermost if path.exists()):
        shutil.move(path, into / f"{number}-{path.name}")


def _provenance(script: Script, wishes: Wishes) -> dict[str, Any]:
    files = sorted(wishes.data.iterdir()) if wishes.data else []
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}
    told = {"path": script.name, "kind": script.kind, "arguments": list(script.arguments), "sha256": script.sha256}
    return {"script": told, "data": digests, "command": shlex.join(sys.argv)}
