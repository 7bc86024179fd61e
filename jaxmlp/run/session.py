"""One training run of a command: trained, watched, kept, and held to its target. The worker of `jaxmlp.train`."""

import contextlib
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmlp.compilation import CompileClock
from jaxmlp.data import Dataset
from jaxmlp.errors import DivergedError, OutputError
from jaxmlp.execution import Execution
from jaxmlp.placement import place_for
from jaxmlp.program import Program
from jaxmlp.run.cadence import DEFAULT, Cadence
from jaxmlp.run.cells import digest
from jaxmlp.run.checkpoints import Checkpoints
from jaxmlp.run.console import Console, Ending, introduction, synthetic_notice
from jaxmlp.run.folder import RunFolder, default_folder, describe
from jaxmlp.run.observers import Observer, drive
from jaxmlp.run.plots import Plots
from jaxmlp.run.recipe import recipe
from jaxmlp.run.resume import Earlier, go_on, newest, reports
from jaxmlp.signals import Interrupt
from jaxmlp.trainer import Report, Run


class Keeping(NamedTuple):
    """Where a run is kept, and how."""

    out: Path | None = None  # its folder; None: one by date and time
    resume: Path | None = None  # the folder of a run to go on with, in place of `out`
    cadence: Cadence = Cadence.of(DEFAULT)  # of checkpoints
    keep: int = 2  # of the newest


class Opened(NamedTuple):
    """A run at its start, or where an earlier process left it."""

    run: Run
    folder: RunFolder
    earlier: Earlier


def train(
    program: Program,
    execution: Execution,
    dataset: Dataset,
    device: jax.Device,
    console: Console,
    plots: Plots | None = None,
    keeping: Keeping = Keeping(),  # noqa: B008  (immutable)
    target: float | None = None,
    *,
    asked: Mapping[str, Any],
) -> int:
    """Trains, reports, and leaves the run's folder; draws with `plots`.

    `asked` are the options of data and program by name, for config.json. Returns the exit code: 1 where the test
    accuracy in percent is below `target`, 130 or 143 where a signal ended the run. Raises JaxmlpError where it
    diverged, or its files could not be written; then the results are printed all the same.
    """
    if dataset.synthetic:
        console.warn(synthetic_notice(dataset.source))
    started, fingerprint = time.perf_counter(), functools.cache(lambda: digest(dataset))
    with CompileClock() as clock, contextlib.ExitStack() as stack:
        run = Run(program, place_for(program, execution, dataset, device))
        opened = _opened(run, dataset, keeping, asked, fingerprint, stack)
        first, folder = run.done, opened.folder
        with Interrupt() as interrupt:
            _introduce(opened, dataset, console, plots)  # whose reader may go already
            checkpoints = _checkpoints(opened, keeping, fingerprint, lambda: interrupt.asked)
            observers = [folder, checkpoints, console, *([plots] if plots else [])]
            last, stepping = _watched(opened, interrupt, observers, clock)
            predictions = run.test_predictions()
            times = (stepping, time.perf_counter() - started, clock.seconds)
            failure = _kept(run, dataset, folder, predictions, plots) or checkpoints.failure
    interrupted = last.step + 1 < run.program.steps
    console.end(Ending(folder.path, last, interrupted, run.batch_size, *times, failure is None, first))
    if failure:
        raise failure
    if interrupted:
        console.warn(_interruption(last, folder))
    return interrupt.exit_code if interrupted else _held_to(target, last, console)


def _opened(
    run: Run,
    dataset: Dataset,
    keeping: Keeping,
    asked: Mapping[str, Any],
    fingerprint: Callable[[], str],
    stack: contextlib.ExitStack,
) -> Opened:
    """The run's folder, nobody else's until `stack` ends."""
    config = describe(run.program, run.placed, dataset.source, recipe(asked, run.placed, dataset))
    if keeping.resume is None:
        folder = RunFolder(keeping.out or default_folder(run.program.seed), config)
        stack.callback(folder.release)
        return Opened(run, folder, newest(folder.path))
    folder = RunFolder.of_earlier(keeping.resume)
    stack.callback(folder.release)
    return Opened(run, folder, go_on(run, folder, config, fingerprint))


def _introduce(opened: Opened, dataset: Dataset, console: Console, plots: Plots | None) -> None:
    for note in opened.earlier.notes:
        console.warn(note)
    console.say(introduction(opened.run.program, opened.run.placed, dataset))
    if found := opened.earlier.checkpoint:
        console.resume(found.facts.steps)
        for report in reports(opened.folder.path, found.facts) if plots else ():
            plots.on_step(report)  # pyright: ignore[reportOptionalMemberAccess]


def _checkpoints(
    opened: Opened, keeping: Keeping, fingerprint: Callable[[], str], stopping: Callable[[], bool]
) -> Checkpoints:
    run, folder, earlier = opened
    best = earlier.checkpoint and earlier.checkpoint.facts.best
    return Checkpoints(run, folder, keeping.cadence, keeping.keep, fingerprint, stopping, earlier.reading, best)


def _watched(
    opened: Opened, interrupt: Interrupt, observers: Sequence[Observer], clock: CompileClock
) -> tuple[Report, float]:
    """The last report, and the seconds without compiling. Raises DivergedError.

    A first Ctrl-C or SIGTERM ends the run after the step under way.
    """
    run, folder, earlier = opened
    started, compiled = time.perf_counter(), clock.seconds
    try:
        last = drive(run, observers, lambda: interrupt.asked)
    except DivergedError as error:
        folder.end(run.program, "diverged", error.step)
        raise DivergedError(f"{error}. The steps before it are in {folder.path}", error.step) from None
    if last is None:  # all were done before
        assert earlier.checkpoint, "a program has at least one step"
        last = run.tested(earlier.checkpoint.facts.last)
    return last, time.perf_counter() - started - (clock.seconds - compiled)


def _kept(
    run: Run, dataset: Dataset, folder: RunFolder, predictions: np.ndarray, plots: Plots | None
) -> OutputError | None:
    """Writes what is known only in the end; returns what kept a file from being written."""
    state = "finished" if run.done == run.program.steps else "interrupted"
    try:
        folder.finish(run.program, run.state.params, predictions)
        if plots:
            plots.draw(run, dataset, predictions, folder.path)
        folder.end(run.program, state, run.done)
    except OutputError as error:
        return error
    return None


def _interruption(last: Report, folder: RunFolder) -> str:
    done = f"interrupted after step {last.step}; {folder.path} is complete up to it"
    return f"{done}. Go on with --resume {folder.path}"


def _held_to(target: float | None, last: Report, console: Console) -> int:
    if target is None or last.test_accuracy is None or last.test_accuracy >= target:
        return 0
    console.warn(f"Test accuracy {last.test_accuracy:.2f}% is below the target of {target:g}%")
    return 1
