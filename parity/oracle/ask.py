"""Asks TensorFlow: hands `py37/serve.py` questions and brings back its answers, from either of two interpreters.

`Tf115` is genuine TensorFlow 1.15.5 in its own Python 3.7, a subprocess with a time limit; `Compat` is TensorFlow 2.x
in this process. `live.py` turns answers into a trace; a machine with neither opens a recording instead.
"""

import json
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from parity.compare.tensor import Named
from parity.compare.trace import in_role, of_role
from parity.errors import CannotCompare, OracleFailed
from parity.oracle.environment import REMEDY, VERSION, require_version, untouched

# Behind the standard library's on the path: this folder's select.py must not stand for it.
SERVE = "import sys; sys.path.append(sys.argv.pop(1)); from py37 import serve; serve.main(*sys.argv[1:])"
FOLDER = Path(__file__).parent
INSTALL = "pip install -e '.[parity]'"


class Case(NamedTuple):
    """What TensorFlow is asked about: a program and the data it runs on."""

    program: Mapping[str, Any]  # as `jaxmlp.program.Program.as_dict` has it
    digest: str  # the program's identity
    data: Named  # train_images uint8 [N, P], train_labels uint8 [N], test_images, test_labels
    classes: int
    source: str  # of the data, in words


class Question(NamedTuple):
    """One question to `py37/serve.py`, which describes them, and the arrays it carries."""

    ask: dict[str, Any]
    arrays: Named = {}  # noqa: RUF012  (never changed)


class Answers(NamedTuple):
    """The arrays that answer each question, and which TensorFlow it was."""

    arrays: list[Named]
    provenance: dict[str, Any]


class Oracle(Protocol):
    """Someone who answers for TensorFlow."""

    name: str
    threads: int  # 0: all

    def ask(self, case: Case, questions: Sequence[Question]) -> Answers:
        """Raises `OracleFailed` or `CannotCompare`, one line saying why."""
        ...


class Tf115:
    """Genuine TensorFlow 1.15.5: the program runs under a Python 3.7 that knows nothing of this project."""

    name = "tf115"

    def __init__(self, python: Path, threads: int = 0, time_limit: float = 3600):
        self.python, self.threads, self.time_limit = python, threads, time_limit

    def ask(self, case: Case, questions: Sequence[Question]) -> Answers:
        with tempfile.TemporaryDirectory(prefix="parity-") as folder:
            request, answer = Path(folder, "request.npz"), Path(folder, "answer.npz")
            header, arrays = _request(case, questions, self.threads)
            arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
            np.savez(request, **arrays)  # pyright: ignore[reportArgumentType]
            self._run(["-c", SERVE, str(FOLDER), str(request), str(answer)])
            if not answer.exists():
                raise OracleFailed(f"{self.python} ran the program and left no answer; is it a Python?")
            with np.load(answer, allow_pickle=False) as npz:
                answers = dict(npz.items())
            provenance = json.loads(answers.pop("header").tobytes())
            require_version(provenance["tensorflow"], VERSION, str(self.python), REMEDY)
            return Answers([of_role(answers, str(i)) for i in range(len(questions))], provenance)

    def _run(self, arguments: list[str]) -> None:
        command = [str(self.python), *arguments]
        limit = self.time_limit
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=untouched())
        except subprocess.TimeoutExpired:
            raise OracleFailed(f"TensorFlow 1.15 gave no answer within {limit:g} s; see --time-limit") from None
        except OSError as error:
            reason = f"{error.strerror}; `python -m parity setup` mends it"
            raise OracleFailed(f"{self.python} does not run: {reason}") from None
        if done.returncode:
            said = f"the end of what it said:\n{_tail(done.stderr)}"
            raise OracleFailed(f"TensorFlow 1.15 {_end_of(done.returncode)}; {said}")


class Compat:
    """TensorFlow 2.x, through `tensorflow.compat.v1`, in this process."""

    name = "compat"

    def __init__(self, threads: int = 0):
        self.threads = threads

    def ask(self, case: Case, questions: Sequence[Question]) -> Answers:
        header, arrays = _request(case, questions, self.threads)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's own, about itself
            answers = Answers(*_server().answer(header, arrays))
            require_version(answers.provenance["tensorflow"], "2", "this Python", INSTALL)
            return answers


def require_compat() -> None:
    """Raises `CannotCompare` unless this Python's `tensorflow` is TensorFlow 2.x with `compat.v1`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        require_version(_server().VERSION, "2", "this Python", INSTALL)


def _server() -> Any:
    """`py37.serve` in this process. Raises `CannotCompare` where its TensorFlow does not come up, for any reason."""
    try:
        from parity.oracle.py37 import serve
    except Exception as error:  # a stand-in named tensorflow, or a broken install, raises whatever it likes
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CannotCompare(f"TensorFlow 2.x cannot be imported ({reason}): {INSTALL}") from None
    return serve


def _request(case: Case, questions: Sequence[Question], threads: int) -> tuple[dict[str, Any], Named]:
    asked = [question.ask for question in questions]
    header = {"program": case.program, "classes": case.classes, "threads": threads, "questions": asked}
    arrays = dict(case.data)
    for i, question in enumerate(questions):
        arrays |= in_role(str(i), question.arrays)
    return header, arrays


def _end_of(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "was killed, most likely for want of memory (try --images 10000)"
    return f"was ended by signal {-returncode}" if returncode < 0 else f"failed with exit code {returncode}"


def _tail(stderr: str, lines: int = 12) -> str:
    return "\n".join(f"  {line}" for line in stderr.strip().splitlines()[-lines:]) or "  (nothing)"
