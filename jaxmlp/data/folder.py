"""A folder with the four IDX files of a set, under the names people have them by, or in the folders archives make.

`train-images-idx3-ubyte`, `train-images.idx3-ubyte`, `emnist-letters-test-labels-idx1-ubyte.gz`, `NAME/NAME`, …; the
folder itself, one below it, or `raw` in one below it, as torchvision has `MNIST/raw`.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from jaxmlp.errors import DataError

ROLES = ("train-images", "train-labels", "test-images", "test-labels")
_FILE = re.compile(
    r"(?:(?P<set>.+?)[-_.])?(?P<split>train|t10k|test)[-_.](?P<what>images|labels)[-_.]?"
    r"idx\d?(?:[-_.](?:ubyte|byte|short|int))?(?:\.gz)?",
    re.IGNORECASE,
)
_SHOWN = 6  # names in a message


class Four(NamedTuple):
    """The files of one set that lie in one folder, as far as they are there."""

    folder: Path
    name: str  # what the names of the files begin with, in small letters: "emnist-letters", "qmnist"; or nothing
    files: Mapping[str, Path]  # by role

    @property
    def complete(self) -> bool:
        return len(self.files) == len(ROLES)

    def paths(self) -> list[Path]:
        """In the order of `ROLES`."""
        return [self.files[role] for role in ROLES]

    def lacking(self) -> str:
        """The files that are not there, by their common names."""
        wanted = (role.replace("test", "test" if self.name else "t10k") for role in ROLES if role not in self.files)
        start = f"{self.name}-" if self.name else ""
        return ", ".join(f"{start}{role}-idx{3 if 'images' in role else 1}-ubyte" for role in wanted)


def fours(folder: Path) -> list[Four]:
    """The sets whose files lie in this very folder, whole or not, by name. Raises `DataError` if it cannot be read."""
    sets: dict[str, dict[str, Path]] = {}
    for path in sorted((folder / name for name in listed(folder)), key=_preference):
        if found := _FILE.fullmatch(path.name):
            role = f"{found['split'].lower().replace('t10k', 'test')}-{found['what'].lower()}"
            sets.setdefault((found["set"] or "").lower(), {}).setdefault(role, _inner(path))
    return [Four(folder, name, files) for name, files in sorted(sets.items())]


def whole_below(folder: Path) -> list[Four]:
    """The complete sets in folders one below `folder`, or in `raw` below these, where archives put them."""
    below = [folder / name for name in listed(folder) if (folder / name).is_dir()]
    raw = [path / "raw" for path in below if (path / "raw").is_dir()]
    readable = [path for path in (*below, *raw) if os.access(path, os.R_OK | os.X_OK)]
    return [four for path in readable for four in fours(path) if four.complete]


def require_folder(folder: Path, called: str, right: str) -> None:
    """Raises `DataError` unless it is one; `right` says what is."""
    if not os.path.isdir(folder):
        wrong = "not a folder" if os.path.lexists(folder) else "not there"
        raise DataError(f"{called}: is {wrong}; {right}")


def listed(folder: Path) -> list[str]:
    """The names in the folder, sorted. Raises `DataError`."""
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror or error}") from None


def holds(names: Iterable[str]) -> str:
    """`; it holds a, b and 5 more`, for a message; or that it is empty."""
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"; it holds {', '.join(names[:_SHOWN])}{more}" if names else "; it is empty"


def _preference(path: Path) -> tuple[bool, bool, bool, str]:
    """Of several files for one role: a plain one, being the faster to read, and the commonest name."""
    name = path.name.lower()
    return name.endswith(".gz"), path.is_dir(), ".idx" in name, path.name


def _inner(path: Path) -> Path:
    """The file itself, or that of the same role in a folder called like it, which Kaggle's archives make."""
    if not path.is_dir():
        return path
    return next((path / name for name in listed(path) if _FILE.fullmatch(name)), path)
