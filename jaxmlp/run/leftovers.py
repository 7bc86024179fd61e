"""What killed runs leave behind: parts of files, locks of nobody, folders without a step. No numpy, no jax."""

import re
import shutil
from pathlib import Path

from jaxmlp.errors import OutputError
from jaxmlp.run import lock
from jaxmlp.run.status import CHECKPOINTS, CONFIG, METRICS, status_of

_PART = re.compile(r"\.[\w.-]+\.(safetensors|json|npy|png|csv|toml)-[a-z0-9_]{8}")


def strays(folder: Path) -> list[Path]:
    """Parts that a `files.write_whole` which was killed has left in the folder, in order."""
    return sorted(file for file in folder.glob(".?*-????????") if _PART.fullmatch(file.name))


def of_runs(runs: Path) -> list[Path]:
    """All in a folder of runs that belongs to none which goes on now."""
    folders = sorted(runs.iterdir()) if runs.is_dir() else []
    return [left for folder in folders if folder.is_dir() and not lock.is_held(folder) for left in _of_run(folder)]


def remove(path: Path) -> None:
    """A file, or a folder and all in it. Raises OutputError."""
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise OutputError(f"{path} cannot be removed: {error.strerror or error}") from None


def _of_run(folder: Path) -> list[Path]:
    """The folder itself where a run was killed before its first line."""
    own = {CONFIG, METRICS, CHECKPOINTS, lock.NAME}
    parts = strays(folder)
    status, names = status_of(folder), {file.name for file in folder.iterdir() if file not in parts}
    nothing = status.state == "killed" and status.done == 0 if status else not names - {lock.NAME}
    if nothing and names <= own and not any((folder / CHECKPOINTS).glob("[!.]*")):
        return [folder]
    stale = [folder / lock.NAME] if (folder / lock.NAME).exists() else []
    return [*stale, *parts, *strays(folder / CHECKPOINTS)]
