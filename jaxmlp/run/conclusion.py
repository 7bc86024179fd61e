"""What a sweep says in the end: means, the write-up's claim, the best and how to run it alone; and its picture."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxmlp import progress
from jaxmlp.errors import ConfigError
from jaxmlp.run import claim
from jaxmlp.run.cells import Cell
from jaxmlp.run.configurations import best, configurations, summary
from jaxmlp.run.grid import Point
from jaxmlp.run.plots.field_curves import field_curves
from jaxmlp.run.plots.heat_map import heat_map


def conclude(
    points: Sequence[Point], done: Sequence[Cell], command: Callable[[Point], str], is_original: bool, folder: Path
) -> None:
    """Prints it; `done` has a cell for each point. Raises ConfigError where every one of them failed."""
    found = configurations(done)
    if len(done) > len(found):
        _say(summary(found))
    if is_original:
        _say(claim.finding(done))
    if (one := best(found)) is not None:
        first = one.cells[0]
        _say(f"Best on the test images: {one.told()}: {one.outcome()}")
        _say(f"Alone, seed {first.seed}, {first.test_accuracy:.2f} %: {command(points[done.index(first)])}")
    _say(f"Results: {folder / 'results.csv'}, {folder / 'results.json'}")
    if all(cell.failure for cell in done):
        raise ConfigError(f"not one cell could be trained: {done[0].failure}")


def draw(done: Sequence[Cell], is_grid: bool, path: Path) -> None:
    """A heat map of a grid over two fields, else curves over each field. Raises OutputError."""
    found = configurations(done)
    picture = heat_map if is_grid and len(found[0].settings) == 2 else field_curves
    seeds = len(found[0].cells)
    means = f", means over {seeds} seeds" if seeds > 1 else ""
    picture(found, f"{done[0].data}{means}", path)


def _say(text: str) -> None:
    progress.write(text, sys.stdout)
