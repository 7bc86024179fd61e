"""Asks TensorFlow: hands `py37/serve.py` questions and brings back its answers, from either of two interpreters.

`Tf115` is genuine TensorFlow 1.15.5 in its own Python 3.7, a subprocess with a time limit; `Compat` is TensorFlow 2.x
in this process. `live.py` turns answers into a trace; a machine with neither opens a recording instead.
"""

import json
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from parity.compare.npz import Damaged
from parity.compare.tensor import Named
from parity.compare.trace import in_role
from parity.errors import CannotCompare, OracleFailed
from parity.oracle import answer
from parity.oracle.asked import Answers, Case, Question
from parity.oracle.environment import REMEDY, VERSION, require_version
from parity.oracle.process import Process, started

# Behind the standard library's on the path: this folder's select.py must not stand for it.
SERVE = (
    "import sys; sys.path.append(sys.argv.pop(1)); from py37 import parent; parent.end_with_it(*sys.argv[1:]); "
    "from py37 import serve; serve.main(*sys.argv[1:])"
)
FOLDER = Path(__file__).parent
INSTALL = "pip install -e '.[parity]'"


Asked = tuple[Case, Sequence[Question]]


class Oracle(Protocol):
    """Someone who answers for TensorFlow."""

    name: str
    threads: int  # 0: all

    def ask(self, case: Case, questions: Sequence[Question]) -> Answers:
        """Raises `OracleFailed` or `CannotCompare`, one line saying why."""
        ...

    def ask_all(self, asked: Sequence[Asked]) -> Iterator[Answers]:
        """Of one case after the other, in one process. A program that fails is told in its `error` and harms no other.

        Raises as `ask` does where no answers come at all.
        """
        ...


class Tf115:
    """Genuine TensorFlow 1.15.5: the program runs under a Python 3.7 that knows nothing of this project.

    `time_limit`: seconds for all questions about one case.
    """

    name = "tf115"

    def __init__(self, python: Path, threads: int = 0, time_limit: float = 3600):
        self.python, self.threads, self.time_limit = python, threads, time_limit

    def ask(self, case: Case, questions: Sequence[Question]) -> Answers:
        return _answered(self.ask_all([(case, questions)]), "TensorFlow 1.15")

    def ask_all(self, asked: Sequence[Asked]) -> Iterator[Answers]:
        with tempfile.TemporaryDirectory(prefix="parity-") as folder:
            _write(Path(folder), asked, self.threads)
            with started([str(self.python), "-c", SERVE, str(FOLDER), folder]) as process:
                for i, (case, questions) in enumerate(asked):
                    file = Path(folder, f"answer-{i}.npz")
                    self._wait(process, file)
                    yield self._read(file, case, questions)

    def _wait(self, process: Process, answer: Path) -> None:
        """For the answer, which appears whole or not at all."""
        if process.wait_for(answer, self.time_limit):
            return
        if process.returncode is None:
            raise OracleFailed(f"TensorFlow 1.15 gave no answer within {self.time_limit:g} s; see --time-limit")
        if process.returncode == 0:
            raise OracleFailed(f"{self.python} ran the program and left no answer; is it a Python?")
        raise OracleFailed(f"TensorFlow 1.15 {process.end()}; the end of what it said: {process.tail()}")

    def _read(self, file: Path, case: Case, questions: Sequence[Question]) -> Answers:
        try:
            found = answer.read(file, case, questions)
        except Damaged as error:
            raise OracleFailed(f"what TensorFlow 1.15 answered cannot be used: {error}; ask it again") from None
        file.unlink()  # a family's are gigabytes
        require_version(found.provenance["tensorflow"], VERSION, str(self.python), REMEDY)
        return found


class Compat:
    """TensorFlow 2.x, through `tensorflow.compat.v1`, in this process."""

    name = "compat"

    def __init__(self, threads: int = 0):
        self.threads = threads

    def ask(self, case: Case, questions: Sequence[Question]) -> Answers:
        return _answered(self.ask_all([(case, questions)]), "TensorFlow 2.x")

    def ask_all(self, asked: Sequence[Asked]) -> Iterator[Answers]:
        for case, questions in asked:
            header, arrays = _request(case, questions, self.threads)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # TensorFlow's own, about itself
                answers = Answers(*_server().answer(header, {**case.data, **arrays}))
            yield answers


def require_compat() -> None:
    """Raises `CannotCompare` unless this Python's `tensorflow` is TensorFlow 2.x with `compat.v1`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        require_version(_version(), "2", "this Python", INSTALL)


def _server() -> Any:
    """`py37.serve` in this process; raises as `require_compat` does."""
    require_version(_version(), "2", "this Python", INSTALL)
    from parity.oracle.py37 import serve

    return serve


def _version() -> str:
    """Of the TensorFlow of this process. Raises `CannotCompare` where it does not come up, for any reason."""
    try:
        from parity.oracle.py37 import version
    except Exception as error:  # a stand-in named tensorflow, or a broken install, raises whatever it likes
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CannotCompare(f"TensorFlow 2.x cannot be imported ({reason}): {INSTALL}") from None
    return version.VERSION


def _answered(answers: Iterator[Answers], who: str) -> Answers:
    """Of one case. Raises `OracleFailed` where that failed."""
    (only,) = answers
    if only.error:
        raise OracleFailed(f"{who} does not run this program: {' '.join(only.error.split())}")
    return only


def _request(case: Case, questions: Sequence[Question], threads: int) -> tuple[dict[str, Any], Named]:
    """Header and arrays, all but the data."""
    asked = [question.ask for question in questions]
    header = {"program": case.program, "classes": case.classes, "threads": threads, "questions": asked}
    arrays: Named = {}
    for i, question in enumerate(questions):
        arrays |= in_role(str(i), question.arrays)
    return header, arrays


def _write(folder: Path, asked: Sequence[Asked], threads: int) -> None:
    """The requests, and their data: once where cases share it."""
    written: dict[int, str] = {}
    for i, (case, questions) in enumerate(asked):
        name = written.setdefault(id(case.data), f"data-{i}.npz")
        if name == f"data-{i}.npz":
            np.savez(folder / name, **case.data)  # pyright: ignore[reportArgumentType]
        header, arrays = _request(case, questions, threads)
        header["data"] = name
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        np.savez(folder / f"request-{i}.npz", **arrays)  # pyright: ignore[reportArgumentType]
