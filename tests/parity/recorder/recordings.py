"""Recordings of the scripts in tests/scripts, made by genuine TensorFlow 1.15.5 and shared by the tests."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parity.oracle import environment
from parity.oracle.foreign.record import ORACLE

SCRIPTS = Path(__file__).parents[2] / "scripts"
FORK = Path(__file__).parent / "recorder_fork.py"


class Raw(NamedTuple):
    """A raw folder, read."""

    about: dict[str, Any]
    arrays: dict[str, np.ndarray]
    said: str

    @property
    def program(self) -> dict[str, Any]:
        """The only one."""
        (program,) = self.about["programs"]
        return program

    @property
    def notes(self) -> dict[str, int]:
        return dict(self.about["notes"])

    def step(self, role: str, step: int = 0, program: int = 0) -> dict[str, np.ndarray]:
        """Of one role, by name."""
        head = f"{program}|{step}|{role}|"
        return {name.removeprefix(head): array for name, array in self.arrays.items() if name.startswith(head)}

    def finals(self, program: int = 0) -> dict[str, np.ndarray]:
        head = f"{program}|final|"
        return {name.removeprefix(head): array for name, array in self.arrays.items() if name.startswith(head)}


class Recorder:
    """Records scripts one after the other; each name once."""

    def __init__(self, process: subprocess.Popen[str], root: Path, data: Path):
        self.process, self.root, self.data = process, root, data
        self.made: dict[str, Raw] = {}

    def __call__(self, name: str, plain: bool = False, **order: Any) -> Raw:
        """Of tests/scripts/`name`, a module where it has no suffix."""
        key = f"{name}-{plain}-{json.dumps(order, sort_keys=True)}"
        if key not in self.made:
            self.made[key] = self._record(name, SCRIPTS, plain, order, self.root / str(len(self.made)))
        return self.made[key]

    def folder(self, name: str) -> Path:
        """Where the recorder left what it recorded of a script."""
        self(name)
        names = [key.removesuffix("-False-{}") for key in self.made]
        return self.root / str(names.index(name)) / "out"

    def text(self, source: str, folder: Path, **order: Any) -> Raw:
        """Of a script that is written into a folder first."""
        (folder / "source").mkdir(parents=True)
        (folder / "source" / "script.py").write_text(source, encoding="utf-8")
        return self._record("script.py", folder / "source", False, order, folder / "run")

    def _record(self, name: str, source: Path, plain: bool, order: dict[str, Any], root: Path) -> Raw:
        work, out = root / "work", root / "out"
        shutil.copytree(source, work)
        out.mkdir()
        kind = {".py": "script", ".ipynb": "notebook"}.get(Path(name).suffix, "module")
        own = {"arguments": [], "steps": [0, 1, 2, 5], "train": 5, "data": str(self.data), **order}
        script = name if kind == "module" else str(work / name)
        full = {**own, "out": str(out), "script": script, "kind": kind, "private": [str(root)], "plain": plain}
        self._ask({"where": str(work), "log": str(root / "log"), "order": full})
        said = (root / "log").read_text(errors="replace")
        assert (out / "raw.json").exists(), said[-3000:]
        with np.load(out / "raw.npz") as stored:
            return Raw(json.loads((out / "raw.json").read_text()), dict(stored), said)

    def _ask(self, asked: dict[str, Any]) -> None:
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        assert self.process.stdout.readline(), "the recorder's process ended"


@contextmanager
def recorder(root: Path, data: Path) -> Iterator[Recorder]:
    """`data`: the folder that downloads are answered from."""
    command = [str(environment.require()), "-W", "ignore", str(FORK), str(ORACLE)]
    settings = {**environment.untouched(), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Recorder(process, root, data)
        finally:
            process.kill()
