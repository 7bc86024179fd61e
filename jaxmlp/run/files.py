"""Files written whole or not at all: the one writer of every command, with the reader of JSON beside it. No jax."""

import errno
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

    `folders`: makes those on the way that are missing.
    """
    if folders:
        make_folder(path.parent)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from None


def require_writable(path: Path) -> None:
    """Before hours of work: raises OutputError where a file, or a folder's files, could not be written at `path`.

    What is missing on the way to it is left missing; a disk that fills later is noticed later.
    """
    there = next(one for one in (path, *path.absolute().parents) if one.exists() or one.is_symlink())
    try:
        if there.is_dir():
            tempfile.TemporaryFile(dir=there).close()  # permissions do not tell all: a file system may be read-only
        elif there == path and path.is_file():
            tempfile.TemporaryFile(dir=path.absolute().parent).close()  # it is replaced by renaming
        else:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {there}: {error.strerror or error}") from None


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
    except ValueError as error:  # not JSON, or not UTF-8
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
