"""Which script is run: a file, a notebook or a module, and the folder in which it works."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from parity.errors import CannotCompare

KINDS = {".py": "script", ".ipynb": "notebook"}


class Script(NamedTuple):
    """`file` is inside `folder`, which every run gets a copy of."""

    name: str  # as the user wrote it
    kind: str  # "script", "notebook" or "module"
    file: Path
    folder: Path
    arguments: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Of the file's bytes."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    def in_copy(self, folder: Path) -> str:
        """What the recorder launches where `folder` is the copy."""
        return self.name if self.kind == "module" else str(folder / self.file.relative_to(self.folder))


def find(name: str, arguments: tuple[str, ...], module: bool, here: Path) -> Script:
    """`here`: the user's folder, in which the script works where it stands below. Raises `CannotCompare`."""
    if module:
        return Script(name, "module", _module(name, here), here, arguments)
    file = Path(here, name).expanduser()
    kind = KINDS.get(file.suffix)
    if not file.is_file():
        raise CannotCompare(f"{name}: no such file; name a .py or .ipynb file, or a module with --module")
    if kind is None:
        raise CannotCompare(f"{name}: neither a Python script (.py) nor a notebook (.ipynb)")
    file = file.resolve()
    inside = kind == "script" and file.is_relative_to(here)
    return Script(name, kind, file, here if inside else file.parent, arguments)


def _module(name: str, here: Path) -> Path:
    path = here.joinpath(*name.split("."))
    for file in (path.with_suffix(".py"), path / "__main__.py"):
        if file.is_file():
            return file
    raise CannotCompare(
        f"{name}: no such module here: {path.with_suffix('.py')} and {path / '__main__.py'} are missing"
    )
