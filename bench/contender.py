"""A contender's process, kept alive from round to round: started, asked to run steps, ended. Serves `throughput`."""

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.errors import ContenderFailed
from bench.lineup import Peer

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 10.0  # seconds that a contender has to end by itself
SILENCE = 900  # seconds after which a contender that has not answered is given up
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # Compile times are those of a first run.
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
    # Contenders share a GPU: none may claim all of its memory at the start.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


class Contender:
    """One peer's running process.

    Attributes:
      version: what the peer says it is, such as "PyTorch 2.13.0".
      ready_seconds: from the start of the process until it could take its first step: imports, data, preparation.
      prepare_seconds: the part of it after the imports.

    As a context manager it ends with the block, and at once where that ends by an exception. Raises ContenderFailed,
    from any method, with the reason.
    """

    def __init__(self, peer: Peer, folder: Path):
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [str(peer.python()), "-m", peer.module, str(folder), *peer.options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT},
            text=True,
            start_new_session=True,  # so that it ends with all that it started itself
        )
        try:
            hello = self._answer()
        except BaseException:
            self.close(patience=0)
            raise
        self.version: str = hello["ready"]
        self.ready_seconds = time.perf_counter() - began
        self.prepare_seconds: float = hello["prepare_seconds"]

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(patience=PATIENCE if kind is None else 0)

    def run(self, steps: int, block: int, arithmetic: bool = False) -> dict[str, Any]:
        """The next `steps` steps, `block` to a dispatch: see `peers.protocol` for the answer's fields.

        `arithmetic` asks a contender that leaves some of the formula out what it really computes.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"steps": steps, "block": block, "arithmetic": arithmetic}) + "\n")
            self._process.stdin.flush()
        except OSError:  # it has died: reading its answer finds out why
            pass
        return self._answer()

    def close(self, patience: float = PATIENCE) -> None:
        """Ends the process, politely for some seconds and then not, with all that it started; a second time is none."""
        if self._log.closed:
            return
        try:
            if patience:
                self._process.communicate(timeout=patience)  # the end of its input is its sign to go
        except (subprocess.TimeoutExpired, OSError):
            pass
        finally:
            with contextlib.suppress(ProcessLookupError):  # all are gone
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._log.close()

    def _answer(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        # One line answers one request, so nothing is left in Python's buffer that `select` could miss.
        if not select.select([stdout], [], [], SILENCE)[0]:
            raise ContenderFailed(f"no answer within {SILENCE} s")
        line = stdout.readline()
        if not line.endswith("\n"):
            raise ContenderFailed(self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise ContenderFailed(answer["error"])
        return answer

    def _last_words(self) -> str:
        """Why a process ended without an answer: its signal, or the last line of what it wrote."""
        code = self._process.wait()
        if code < 0:
            return f"ended by signal {-code}"
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else f"ended with exit code {code}"
