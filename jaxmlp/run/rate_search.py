"""A range test from data to its last line: run, kept, told and drawn. The worker of `sweep --lr-range`."""

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path

import jax

from jaxmlp import progress
from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError
from jaxmlp.execution import Execution
from jaxmlp.placement import place_for
from jaxmlp.program import Program
from jaxmlp.progress import Progress
from jaxmlp.run.console import synthetic_notice
from jaxmlp.run.files import make_folder, write_json, write_whole
from jaxmlp.run.plots.range_curve import range_curve
from jaxmlp.run.range_test import RangeTest, measure, program_of
from jaxmlp.trainer import Run


def search(
    base: Program,
    ends: tuple[float, float],
    load: Callable[[int], Dataset],
    execution: Execution,
    device: jax.Device,
    folder: Path,
    plot: bool,
) -> None:
    """Prints where the loss falls fastest while the base program's rate grows from one end to the other.

    Writes range_test.json, .csv and, with `plot`, .png. Raises ConfigError where there is one already, DataError,
    DivergedError where the lowest rate is too high, OutputError.
    """
    if (folder / "range_test.json").exists():
        raise ConfigError(f"{folder / 'range_test.json'} is there already: give another --out")
    dataset = load(base.seed)
    if dataset.synthetic:
        _say(synthetic_notice(dataset.source))
    program = program_of(base, *ends, len(dataset.train.labels))
    run = Run(program, place_for(program, execution, dataset, device))
    with Progress(program.steps, "step", "range test") as told:
        test = measure(run, told)
    write(test, program, dataset.source, folder)
    if plot:
        range_curve(test, dataset.source, folder / "range_test.png")
    _say(finding(test))
    _say(f"Results: {folder / 'range_test.csv'}, {folder / 'range_test.json'}")


def _say(text: str) -> None:
    progress.write(text, sys.stdout)


def finding(test: RangeTest) -> str:
    """Where the loss falls fastest, and where it ends."""
    low, high = test.rates[[0, -1]]
    ended = f"It ended at a rate of {high:.3g}, as {test.ended}." if test.ended else f"It went on to {high:.3g}."
    rate = test.steepest()
    if rate is None:
        return f"The loss never falls from a rate of {low:.3g} on. {ended} Try other ends."
    lowest = f"it is lowest at {test.lowest():.3g}"
    return f"The loss falls fastest at a learning rate of {rate:.3g}; {lowest}. {ended}"


def write(test: RangeTest, program: Program, data: str, folder: Path) -> None:
    """range_test.json and range_test.csv, each whole or not at all. Raises OutputError naming the path."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "learning_rate", "loss_after"])
    writer.writerows(zip(range(len(test.rates)), test.rates.tolist(), test.losses.tolist(), strict=True))
    told = {"steepest": test.steepest(), "ended": test.ended, "data": data, "program": program.as_dict()}
    make_folder(folder)
    write_json(folder / "range_test.json", {**told, "rates": test.rates.tolist(), "losses": test.losses.tolist()})
    write_whole(folder / "range_test.csv", text.getvalue().encode())
