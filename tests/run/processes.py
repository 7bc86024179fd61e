"""Runs in processes of their own: forked from one that has imported all, with what the first of them has compiled."""

import dataclasses
import multiprocessing
import os
import re
import resource
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import jax
from kept_runs import DIGITS, RICH, final, train

from jaxmlp.data import Dataset
from jaxmlp.errors import OutputError
from jaxmlp.failures import failure
from jaxmlp.program import Dense, Momentum, Program

# Traced in half a second, so that most kills come while it trains and writes.
LONG = dataclasses.replace(
    RICH, layers=(Dense(6),), optimizer=Momentum(0.01), input_keep_prob=1.0, steps=500, report_every=20
)


class Limits(NamedTuple):
    """What the system gives a process; None: as much as it has."""

    file: int | None = None  # bytes of one
    memory: int | None = None  # bytes beyond what it has before its run
    cores: int | None = None


class Processes:
    """Starts them; all have ended when it is left."""

    def __init__(self, compiled: Path):
        self._compiled, self._started = compiled, list[BaseProcess]()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["processes"])

    def start(
        self,
        code: Path,
        program: Program = LONG,
        limits: Limits = Limits(),  # noqa: B008  (immutable)
        dataset: Dataset = DIGITS,
        **where: Path,
    ) -> BaseProcess:
        """One run, see `kept_runs.train`; what became of it stands in `code` then, see `read`."""
        code.unlink(missing_ok=True)
        process = self._context.Process(target=_child, args=(program, limits, dataset, self._compiled, code, where))
        process.start()
        self._started.append(process)
        return process

    def ended(self, code: Path, *how, **where) -> str:
        """What became of a run, when it has."""
        self.start(code, *how, **where).join()
        return read(code)

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.kill()


def read(code: Path) -> str:
    """An exit code, an error's words, or a traceback."""
    return code.read_text() if code.exists() else "it ended without a word"


def uninterrupted(start: Processes, folder: Path) -> tuple[dict[str, bytes], float]:
    """What a run leaves that nobody ends; and the seconds that it takes where all is compiled."""
    began = 0.0
    for name in ("compiling", "run"):
        began = time.monotonic()
        assert start.ended(folder / "code", out=folder / name) == "0"
    assert final(folder / "run") == final(folder / "compiling")
    return dict(final(folder / "run")), time.monotonic() - began


def waited(until: Callable[[], object], seconds: float = 300) -> None:
    last = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < last, "it did not come"
        time.sleep(0.002)


def _child(program: Program, limits: Limits, dataset: Dataset, compiled: Path, code: Path, where: dict) -> None:
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    os.dup2(sys.stderr.fileno(), 2)  # where XLA says what it dies of
    before = _limited(limits)
    try:
        ended = str(train(program, dataset=dataset, **where))
    except OutputError as error:
        ended = str(error)
    except Exception as error:
        told = failure(error, (OutputError,))
        ended = told.line if told.exit_code == 2 else traceback.format_exc()
    except BaseException:
        ended = traceback.format_exc()
    for kind, limit in before.items():
        resource.setrlimit(kind, limit)
    code.write_text(ended)


def _limited(limits: Limits) -> dict[int, tuple[int, int]]:
    """What was allowed before."""
    if limits.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: limits.cores])
    there = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text())[1]) << 10  # pyright: ignore[reportOptionalSubscript]
    wanted = {resource.RLIMIT_FSIZE: limits.file, resource.RLIMIT_AS: limits.memory and there + limits.memory}
    before = {kind: resource.getrlimit(kind) for kind in wanted}
    for kind, limit in wanted.items():
        if limit:
            resource.setrlimit(kind, (limit, before[kind][1]))
    return before
