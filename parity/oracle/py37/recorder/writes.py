"""Listens to what a script writes outside its own folders, by Python's functions and by TensorFlow's."""

from __future__ import annotations

import builtins
import io
import os
from typing import Any

from tensorflow.python import pywrap_tensorflow

WRITING = frozenset("wax+")
CREATES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
DEVICES = ("/dev/", "/proc/", "/sys/")


class Writes:
    """The files and folders, in order, and whether each was there before."""

    def __init__(self, private: list[str]):
        self.private = [os.path.join(os.path.realpath(folder), "") for folder in private]
        self.elsewhere: dict[str, bool] = {}

    def listen(self) -> None:
        """From now on."""
        self._listen_to_open()
        for name in ("mkdir", "rename", "replace", "link", "symlink"):
            self._listen_to(os, name, 0 if name == "mkdir" else 1)
        for name in ("CreateWritableFile", "RecursivelyCreateDir", "CreateDir"):
            self._listen_to(pywrap_tensorflow, name, 0)
        for name in ("CopyFile", "RenameFile"):
            self._listen_to(pywrap_tensorflow, name, 1)

    def saw(self, path: Any) -> None:
        """A script is about to write there."""
        if isinstance(path, int):
            return
        found = os.path.realpath(os.fsdecode(path))
        inside = any((found + os.sep).startswith(folder) for folder in self.private)
        if not inside and not found.startswith(DEVICES):
            self.elsewhere.setdefault(found, os.path.exists(found))

    def _listen_to_open(self) -> None:
        real, real_os = builtins.open, os.open

        def open(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if WRITING & set(mode):
                self.saw(file)
            return real(file, mode, *rest, **named)

        def os_open(path: Any, flags: int, *rest: Any, **named: Any) -> int:
            if flags & CREATES:
                self.saw(path)
            return real_os(path, flags, *rest, **named)

        builtins.open = io.open = open
        os.open = os_open

    def _listen_to(self, module: Any, name: str, position: int) -> None:
        real = getattr(module, name)

        def heard(*rest: Any, **named: Any) -> Any:
            if len(rest) > position:
                self.saw(rest[position])
            return real(*rest, **named)

        setattr(module, name, heard)
