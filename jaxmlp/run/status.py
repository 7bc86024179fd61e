"""What a run's folder tells of it: how far it is, how it ended, what it measured last. No numpy, no jax."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from jaxmlp import environment
from jaxmlp.errors import ConfigError
from jaxmlp.run import lock

RUNS = Path("runs")  # where runs lie unless they are told where
# In a run's folder.
CONFIG, METRICS, MODEL, CHECKPOINTS = "config.json", "metrics.jsonl", "model.safetensors", "checkpoints"
ENDING = "ending.json"  # state, steps done, steps planned
ENDED = ("finished", "interrupted", "diverged")
_TAIL = 1 << 20  # bytes at the end of metrics.jsonl that are looked at


class Status(NamedTuple):
    """Of one run. Accuracies in percent, of the last line and of the last report; None where there is none."""

    folder: Path
    state: str  # running, killed, or one of ENDED
    done: int
    planned: int
    loss: float | None
    train_accuracy: float | None
    test_accuracy: float | None
    size: int  # bytes
    changed: float  # when its newest file was, seconds since 1970

    @property
    def unfinished(self) -> bool:
        """Whether it can go on as it was planned."""
        return self.state in ("killed", "interrupted")


def all_of(runs: Path) -> list[Status]:
    """Of every run in the folder, the one that changed last behind the others."""
    folders = sorted(runs.iterdir()) if runs.is_dir() else []
    found = [status for folder in folders if (status := status_of(folder))]
    return sorted(found, key=lambda one: one.changed)


def status_of(folder: Path) -> Status | None:
    """None for what is no run's folder, or has no config.json that can be read: nothing of it was done."""
    config = _object(folder / CONFIG)
    planned = _whole(_table(config.get("program")).get("steps"))
    if planned is None:
        return None
    lines = _last_lines(folder / METRICS)
    last = lines[-1] if lines else {}
    tested = next((line for line in reversed(lines) if "test_accuracy" in line), {})
    done = (_whole(last.get("step")) or 0) + 1 if last else 0
    files = [file.stat() for file in folder.rglob("*") if file.is_file() and file.name != lock.NAME]
    return Status(
        folder,
        _state(folder, done, planned),
        done,
        planned,
        _number(last.get("loss")),
        _number(last.get("train_accuracy")),
        _number(tested.get("test_accuracy")),
        sum(one.st_size for one in files),
        max(one.st_mtime for one in files),
    )


def to_resume(word: str, runs: Path = RUNS) -> Path:
    """The folder that --resume means: itself, or of `auto` the unfinished run that changed last.

    Raises ConfigError where there is none.
    """
    if word != "auto":
        folder = environment.home("resume", Path(word))
        if not (folder / CONFIG).exists():
            raise ConfigError(f"resume = {word}: there is no run with a config.json; name a run's folder, or auto")
        return folder
    unfinished = [one.folder for one in all_of(runs) if one.unfinished]
    if not unfinished:
        raise ConfigError(f"resume = auto: there is no unfinished run in {runs.absolute()}; name a run's folder")
    return unfinished[-1]


def ended(folder: Path, planned: int) -> str | None:
    """How a run of so many steps ended, one of `ENDED`; None where it was killed, or has not ended."""
    ending = _object(folder / ENDING)
    return ending["state"] if ending.get("state") in ENDED and ending.get("planned") == planned else None


def _state(folder: Path, done: int, planned: int) -> str:
    if lock.is_held(folder):
        return "running"
    before_endings = not (folder / CHECKPOINTS).exists() and (folder / MODEL).exists()
    return ended(folder, planned) or ("finished" if before_endings and done == planned else "killed")


def _object(file: Path) -> dict[str, Any]:
    """A file's JSON object; nothing where it is none."""
    try:
        return _table(json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _last_lines(file: Path) -> list[dict[str, Any]]:
    """The last whole lines' objects."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(0, size - _TAIL))
            lines = opened.read().splitlines(keepends=True)[1 if size > _TAIL else 0 :]
        return [_table(json.loads(line)) for line in lines if line.endswith(b"\n")]
    except (OSError, ValueError, RecursionError):
        return []


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) else None
