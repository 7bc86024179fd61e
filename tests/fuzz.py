"""`python -m tests.fuzz`: damaged and hostile inputs for every reader of files, by the thousand.

A reader may take an input, or refuse it with its own exception, in one line. Anything else is a bug: another exception,
more than `SECONDS`, more than `MEMORY`, or what is written from an accepted value and read again being another value.
Inputs that once were bugs lie in `tests/corpus/READER/`; they are tried first, here and in the suite.
"""

import argparse
import collections
import contextlib
import hashlib
import importlib.util
import json
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "parity")]  # as pytest has it
from readers import READERS, Reader  # noqa: E402

CORPUS = Path(__file__).parent / "corpus"
SECONDS, MEMORY = 10, 3 << 30  # of the processor for an input; of all, beyond what is there at the start
TOKENS = (
    b"\0",
    b"\xff" * 8,
    b"{",
    b"[" * 2000,
    b"]",
    b'"',
    b"NaN",
    b"-1",
    b"1e999",
    b"9" * 400,
    b"9" * 5000,  # more digits than Python makes a number of
    b"\r\n",
    b"\xe9",
    b"null",
)
NUMBERS = (0, -1, 1.5, 1e308, float("inf"), float("nan"), 2**63, 10**400)
VALUES = (None, True, False, *NUMBERS, "", "x", "../x", "1", [], {}, [[]])


class Bug(Exception):
    """What no reader may do."""


def mutated(chance: random.Random, content: bytes) -> bytes:
    """Another file, like this one: by its bytes, or where it is JSON by its values, too."""
    if chance.random() < 0.6:
        with contextlib.suppress(ValueError, RecursionError):
            told = json.loads(content)
            for _ in range(chance.randint(1, 3)):
                told = _other(chance, told)
            return json.dumps(told).encode()
    for _ in range(chance.randint(1, 4)):
        content = _damaged(chance, content)
    return content


def _damaged(chance: random.Random, content: bytes) -> bytes:
    at, end = sorted(chance.randint(0, len(content)) for _ in range(2))
    end = min(end, at + chance.choice([1, 2, 4, 8, 100, len(content)]))
    kind = chance.randrange(6)
    if kind == 0 and content:
        at = min(at, len(content) - 1)
        return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
    if kind == 1:
        return content[:at] + chance.choice(TOKENS) + content[at:]
    if kind == 2:
        return content[:at] + content[end:]
    if kind == 3:
        return content[:end] + content[at:]
    if kind == 4:
        return content[:at]
    return content[:at] + bytes(chance.randrange(256) for _ in range(min(8, end - at))) + content[end:]


def _other(chance: random.Random, told: Any) -> Any:
    """With one value changed, taken away, moved or doubled, at any depth."""
    if not isinstance(told, dict | list) or not told or chance.random() < 0.15:
        return chance.choice(VALUES)
    keys = list(told) if isinstance(told, dict) else list(range(len(told)))
    key, kind = chance.choice(keys), chance.random()
    told = told.copy()
    if kind < 0.7:
        told[key] = _other(chance, told[key])
    elif kind < 0.8:
        del told[key]
    elif kind < 0.9 or isinstance(told, list):
        told[key] = told[chance.choice(keys)]
    else:
        told[chance.choice(["", "x", "é", *keys])] = told.pop(key)
    return told


def tried(reader: Reader, content: bytes, folder: Path) -> bool:
    """Whether the reader takes the input. Raises `Bug`."""
    file = folder / reader.file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = reader.read(file)
    except reader.mistakes as refusal:
        if not str(refusal) or "\n" in str(refusal):
            raise Bug(f"refused in other than one line: {refusal!r}") from None
        return False
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise Bug(f"{type(error).__name__}: {error}") from error
    if reader.again is not None:
        try:
            np.testing.assert_equal(reader.again(value, folder), value)
        except Exception as error:
            raise Bug(f"written and read again it is another: {type(error).__name__}: {error}") from error
    return True


def kept(reader: Reader) -> list[bytes]:
    """Inputs that once were bugs."""
    return [file.read_bytes() for file in sorted((CORPUS / reader.name).glob("*"))]


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """In time for each input, see `Tries`, and in memory for all."""
    there = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text())[1]) << 10  # pyright: ignore[reportOptionalSubscript]
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (there + MEMORY, before[1]))
    signal.signal(signal.SIGPROF, _too_long)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} seconds of the processor")


class Tries:
    """Of one reader: what became of its inputs, and one of each kind that was a bug."""

    def __init__(self, reader: Reader, folder: Path):
        self._reader, self._folder, self._started = reader, folder, time.monotonic()
        self.count, self.bugs = collections.Counter[str](), dict[str, bytes]()

    def one(self, content: bytes) -> None:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            self.count["taken" if tried(self._reader, content, self._folder) else "refused"] += 1
        except Bug as bug:
            self.count["bugs"] += 1
            kind = re.sub(r"[\d']+", "0", str(bug))[:60]
            if kind not in self.bugs:
                print(f"{self._reader.name}: {bug}", file=sys.stderr)
            self.bugs.setdefault(kind, content)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def tell(self) -> None:
        """Prints the outcome, and keeps the bugs in the corpus."""
        told = ", ".join(f"{self.count[word]:,} {word}" for word in ("refused", "taken", "bugs"))
        print(f"{self._reader.name:16} {told}, {time.monotonic() - self._started:.0f} s", flush=True)
        for content in self.bugs.values():
            (CORPUS / self._reader.name).mkdir(parents=True, exist_ok=True)
            (CORPUS / self._reader.name / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def by_chance(reader: Reader, inputs: int, seed: int) -> bool:
    """Whether there was a bug."""
    chance = random.Random(f"{seed} {reader.name}")
    with tempfile.TemporaryDirectory() as folder, bounded():
        tries, seeds = Tries(reader, Path(folder) / "tried"), reader.seeds(Path(folder) / "seeds")
        for old in [*kept(reader), *seeds, *([None] * inputs)]:
            tries.one(mutated(chance, chance.choice(seeds)) if old is None else old)
    tries.tell()
    return bool(tries.bugs)


def guided(reader: Reader, inputs: int, seed: int) -> bool:
    """Whether there was a bug, or atheris has ended in another way than it should."""
    command = [sys.executable, "-m", "tests.guided", reader.name, str(inputs), str(seed)]
    return subprocess.run(command, cwd=CORPUS.parents[1], check=False).returncode != 0


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where there was a bug: its input is kept in the corpus. 2 without atheris where it was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="for all readers together")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--only", nargs="*", default=[reader.name for reader in READERS])
    parser.add_argument("--atheris", action="store_true", help="guided by what an input reaches in the readers' code")
    options = parser.parse_args(arguments)
    if options.atheris and not importlib.util.find_spec("atheris"):
        print("error: atheris is not installed: pip install atheris, or leave --atheris out", file=sys.stderr)
        return 2
    chosen = [reader for reader in READERS if reader.name in options.only]
    print(f"seed {options.seed}", flush=True)
    found = [
        (guided if options.atheris else by_chance)(reader, options.inputs // len(chosen), options.seed)
        for reader in chosen
    ]
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
