"""XLA's compiled programs on disk, each with a seal: a digest of its name and bytes. JAX itself believes any bytes.

An entry in which a bit has flipped may end the process that loads it, at every start. So what is in the folder at a
start is held against its seal before JAX looks at it; what has none, or another, is removed and compiled anew.
"""

import contextlib
import hashlib
import os
import threading
from pathlib import Path

ENTRY, SEAL = "-cache", ".sha256"  # ends of names: an entry of JAX's, and its seal's


class Seals:
    """Of one folder, from a start on."""

    def __init__(self, folder: Path):
        """Removes what is not sealed. Raises OSError where the folder cannot be read, or what is wrong not removed."""
        self._folder, self._turn = folder, threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        names = set(os.listdir(folder))
        entries = {name for name in names if name.endswith(ENTRY)}
        self._sealed = {name for name in entries if name + SEAL in names and self._is_sound(name)}
        lost = {name for name in names if name.endswith(SEAL) and name.removesuffix(SEAL) not in self._sealed}
        for name in sorted((entries - self._sealed) | lost):
            (folder / name).unlink(missing_ok=True)

    def add(self) -> None:
        """Seals what has come since. What cannot be sealed is compiled anew at the next start."""
        with self._turn, contextlib.suppress(OSError):
            for name in os.listdir(self._folder):
                if name.endswith(ENTRY) and name not in self._sealed:
                    with contextlib.suppress(FileNotFoundError):
                        (self._folder / (name + SEAL)).write_text(self._digest(name))
                    self._sealed.add(name)

    def _is_sound(self, name: str) -> bool:
        try:
            return (self._folder / (name + SEAL)).read_bytes() == self._digest(name).encode()
        except FileNotFoundError:  # another process was quicker
            return False

    def _digest(self, name: str) -> str:
        with (self._folder / name).open("rb") as file:
            return hashlib.sha256(name.encode() + hashlib.file_digest(file, "sha256").digest()).hexdigest()
