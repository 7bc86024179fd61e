"""Files written whole or not at all: the one writer of every command, with the reader of JSON beside it. No jax."""

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from jaxmlp.errors import DataError, OutputError


def write_whole(path: Path, content: bytes, folders: bool = False) -> None:
    """Writes beside `path` and renames: a reader sees the old file or the new, never a part. Raises OutputError.

    When it returns, file and name are on the disk. `folders`: makes those on the way that are missing.
    """
    if folders:
        make_folder(path.parent)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            try:
                _write(handle, content)
                os.fsync(handle)
            finally:
                os.close(handle)
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):  # the signal came behind the renaming
                os.unlink(temporary)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from None


def _write(handle: int, content: bytes) -> None:
    """A disk may take less at a time than it is given."""
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def sync_folder(path: Path) -> None:
    """Names that were made, changed or removed in a folder are on the disk. Raises OSError."""
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened, and its names are journalled
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Growing:
    """A file to which bytes are appended. What the disk does not take is kept, and tried again with the next."""

    def __init__(self, path: Path, size: int | None = None):
        """A new file; with `size` one that is there, cut back to so many bytes. Raises OSError."""
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._unwritten = b""
        self._handle = os.open(path, flags | (os.O_CREAT | os.O_EXCL if size is None else os.O_CREAT), 0o666)
        if size is not None and os.fstat(self._handle).st_size > size:
            os.ftruncate(self._handle, size)

    def append(self, content: bytes) -> None:
        """Raises OSError where not all that was appended so far is written now."""
        self._unwritten += content
        while self._unwritten:
            self._unwritten = self._unwritten[os.write(self._handle, self._unwritten) :]

    def sync(self) -> None:
        """All that is written is on the disk. Raises OSError."""
        os.fsync(self._handle)

    def close(self) -> None:
        os.close(self._handle)


def require_writable(path: Path) -> None:
    """Before hours of work: whether `write_whole` could write the file `path`, its folders made. Raises OutputError.

    What is missing on the way to it is left missing; a disk that fills later is noticed later.
    """
    if path.is_dir():
        raise OutputError(f"{path} cannot be written: it is a folder; name a file")
    _require_room_below(path.absolute().parent, path)


def require_writable_folder(path: Path) -> None:
    """The same for the files of a folder, which need not be there yet."""
    _require_room_below(path.absolute(), path)


def _require_room_below(folder: Path, asked: Path) -> None:
    there = next(one for one in (folder, *folder.parents) if one.exists() or one.is_symlink())
    try:
        tempfile.TemporaryFile(dir=there).close()  # permissions do not tell all: a file system may be read-only
    except OSError as error:
        raise OutputError(f"{asked} cannot be written: {there}: {error.strerror or error}") from None


def make_folder(path: Path) -> None:
    """With its parents; one that is there already is left alone. Raises OutputError naming the path."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{error.filename or path} cannot be written: {error.strerror or error}") from None


def write_json(path: Path, value: Any) -> None:
    """Raises OutputError naming the path."""
    write_whole(path, (json.dumps(value, indent=2) + "\n").encode())


def read_json(path: Path) -> Any:
    """What `write_json` wrote. Raises DataError naming the path."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or nested without end
        raise DataError(f"{path} is not JSON: {error}") from None


def write_npy(path: Path, array: np.ndarray) -> None:
    """For `np.load(path, allow_pickle=False)`. Raises OutputError naming the path."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_whole(path, buffer.getvalue())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
