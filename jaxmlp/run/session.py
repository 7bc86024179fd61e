"""One training run of a command: trained, watched, kept, and held to its target. The worker of `jaxmlp.train`."""

import time
from collections.abc import Sequence
from pathlib import Path

import jax

from jaxmlp.compilation import CompileClock
from jaxmlp.data import Dataset
from jaxmlp.errors import DivergedError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from jaxmlp.run.console import Console, introduction, summary, synthetic_notice
from jaxmlp.run.folder import RunFolder, default_folder, describe
from jaxmlp.run.observers import Observer, drive
from jaxmlp.run.plots import Plots
from jaxmlp.signals import Interrupt
from jaxmlp.trainer import Report, Run, place


def train(
    program: Program,
    execution: Execution,
    dataset: Dataset,
    device: jax.Device,
    console: Console,
    plots: Plots | None = None,
    out: Path | None = None,
    target: float | None = None,
) -> int:
    """Trains, reports, and leaves the run's folder `out`; draws with `plots`.

    Returns the exit code: 1 where the test accuracy in percent is below `target`, 130 or 143 where a signal ended the
    run.
    Raises JaxmlpError where it diverged, or its files could not be written; then the results are printed all the same.
    """
    if dataset.synthetic:
        console.warn(synthetic_notice(dataset.source))
    started = time.perf_counter()
    with CompileClock() as clock:
        run = Run(program, place(execution, dataset, device))
        folder = RunFolder(out or default_folder(program.seed), describe(program, run.placed, dataset.source))
        console.say(introduction(run.placed, dataset))
        interrupt = Interrupt()
        last = _watched(run, folder, interrupt, [folder, console, *([plots] if plots else [])])
        predictions = run.test_predictions()
    ended = summary(last.step + 1, run.placed.train.size, time.perf_counter() - started, clock.seconds)
    try:
        folder.finish(program, run.state.params, predictions)
        if plots:
            plots.draw(dataset, folder.path)
    finally:
        if dataset.synthetic:
            console.warn("These accuracies are of GENERATED digits, NOT of MNIST.")
        console.say(ended)
    console.say(f"Run folder: {folder.path}")
    return _exit_code(run, last, folder, interrupt, console, target)


def _watched(run: Run, folder: RunFolder, interrupt: Interrupt, observers: Sequence[Observer]) -> Report:
    """The last report. A first Ctrl-C or SIGTERM ends the run after the step under way. Raises DivergedError."""
    with interrupt:
        try:
            last = drive(run, observers, lambda: interrupt.asked)
        except DivergedError as error:
            folder.require_complete()
            raise DivergedError(f"{error}. The steps before it are in {folder.path}", error.step) from None
    assert last is not None, "a program has at least one step"
    return last


def _exit_code(
    run: Run, last: Report, folder: RunFolder, interrupt: Interrupt, console: Console, target: float | None
) -> int:
    if last.step + 1 < run.program.steps:
        console.warn(f"interrupted after step {last.step}; {folder.path} is complete up to it")
        return interrupt.exit_code
    accuracy = run.test_accuracy()
    if target is None or accuracy >= target:
        return 0
    console.warn(f"Test accuracy {accuracy:.2f}% is below the target of {target:g}%")
    return 1
