"""The private places of one run: a home, a folder for what is temporary, and a copy of the folder the script works in.

Every run starts alike: what one has written, the next does not find. Above the copy stand links to what stands beside
the original, three folders up, so that a script finds `../data` and makes a new `../runs` in private.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from parity.errors import CannotCompare

LEFT_OUT = {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".ipynb_checkpoints", ".tox"}
MOST_FILES = 20_000
LARGE = 64 << 20  # bytes; a larger file is linked to
LEVELS = 3
MOST_BESIDE = 1000  # of a folder with more, nothing is linked to


class Places(NamedTuple):
    """Of one run; all inside `root`."""

    root: Path
    home: Path
    temporary: Path
    work: Path


def make(root: Path, folder: Path) -> Places:
    """`folder`: what the script works in. Raises `CannotCompare` where it holds too much to be copied."""
    parents = list(folder.parents)[: min(LEVELS, len(folder.parents) - 1)]
    work = root.joinpath("above", *[parent.name for parent in reversed(parents)], folder.name or "root")
    places = Places(root, root / "home", root / "tmp", work)
    for place in (places.home, places.temporary, work):
        place.mkdir(parents=True)
    _copy(folder, work, root)
    original, copied = folder, work
    for _ in parents:
        _link_beside(original, copied.parent)
        original, copied = original.parent, copied.parent
    return places


def _copy(folder: Path, work: Path, root: Path) -> None:
    files = 0
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT and Path(at, name) not in (root, *root.parents)]
        files += len(names)
        if files > MOST_FILES:
            raise CannotCompare(f"{folder} holds more than {MOST_FILES} files to copy: call it from a smaller folder")
        into = work / Path(at).relative_to(folder)
        for name in folders:
            (into / name).mkdir()
        for name in names:
            _take(Path(at, name), into / name)


def _take(file: Path, into: Path) -> None:
    if not file.is_file():
        return
    if file.stat().st_size > LARGE:
        into.symlink_to(file)
    else:
        shutil.copy(file, into)


def _link_beside(original: Path, into: Path) -> None:
    try:
        beside = list(original.parent.iterdir())
    except OSError:
        return
    if len(beside) > MOST_BESIDE:
        return
    for one in beside:
        if not (into / one.name).exists():
            (into / one.name).symlink_to(one)
