"""One training run of a command: trained, watched, kept, and held to its target. The worker of `jaxmlp.train`."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmlp.compilation import CompileClock
from jaxmlp.data import Dataset
from jaxmlp.errors import DivergedError, OutputError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from jaxmlp.run.console import Console, Ending, introduction, synthetic_notice
from jaxmlp.run.folder import RunFolder, default_folder, describe
from jaxmlp.run.observers import Observer, drive
from jaxmlp.run.plots import Plots
from jaxmlp.run.recipe import recipe
from jaxmlp.signals import Interrupt
from jaxmlp.trainer import Report, Run, place_for


def train(
    program: Program,
    execution: Execution,
    dataset: Dataset,
    device: jax.Device,
    console: Console,
    plots: Plots | None = None,
    out: Path | None = None,
    target: float | None = None,
    *,
    asked: Mapping[str, Any],
) -> int:
    """Trains, reports, and leaves the run's folder `out`; draws with `plots`.

    `asked` are the options of data and program by name, for config.json. Returns the exit code: 1 where the test
    accuracy in percent is below `target`, 130 or 143 where a signal ended the run. Raises JaxmlpError where it
    diverged, or its files could not be written; then the results are printed all the same.
    """
    if dataset.synthetic:
        console.warn(synthetic_notice(dataset.source))
    started = time.perf_counter()
    with CompileClock() as clock:
        run = Run(program, place_for(program, execution, dataset, device))
        config = describe(run.program, run.placed, dataset.source, recipe(asked, run.placed, dataset))
        folder = RunFolder(out or default_folder(program.seed), config)
        console.say(introduction(run.program, run.placed, dataset))
        with Interrupt() as interrupt:
            observers = [folder, console, *([plots] if plots else [])]
            last, stepping = _watched(run, folder, interrupt, observers, clock)
            predictions = run.test_predictions()
            times = (stepping, time.perf_counter() - started, clock.seconds)
            failure = _kept(run, dataset, folder, predictions, plots)  # before the last lines: nobody may hear them
    interrupted = last.step + 1 < run.program.steps
    console.end(Ending(folder.path, last, interrupted, run.batch_size, *times, complete=failure is None))
    if failure:
        raise failure
    if interrupted:
        console.warn(f"interrupted after step {last.step}; {folder.path} is complete up to it")
        return interrupt.exit_code
    return _held_to(target, last, console)


def _watched(
    run: Run, folder: RunFolder, interrupt: Interrupt, observers: Sequence[Observer], clock: CompileClock
) -> tuple[Report, float]:
    """The last report, and the seconds without compiling. Raises DivergedError.

    A first Ctrl-C or SIGTERM ends the run after the step under way.
    """
    started, compiled = time.perf_counter(), clock.seconds
    try:
        last = drive(run, observers, lambda: interrupt.asked)
    except DivergedError as error:
        folder.require_complete()
        raise DivergedError(f"{error}. The steps before it are in {folder.path}", error.step) from None
    assert last is not None, "a program has at least one step"
    return last, time.perf_counter() - started - (clock.seconds - compiled)


def _kept(
    run: Run, dataset: Dataset, folder: RunFolder, predictions: np.ndarray, plots: Plots | None
) -> OutputError | None:
    """Writes what is known only in the end; returns what kept a file from being written."""
    try:
        folder.finish(run.program, run.state.params, predictions)
        if plots:
            plots.draw(run, dataset, predictions, folder.path)
    except OutputError as error:
        return error
    return None


def _held_to(target: float | None, last: Report, console: Console) -> int:
    if target is None or last.test_accuracy is None or last.test_accuracy >= target:
        return 0
    console.warn(f"Test accuracy {last.test_accuracy:.2f}% is below the target of {target:g}%")
    return 1
