"""One program after another, each a row as it ends and on disk; the worker of `sweep`.

Programs of one shape share a compiled step, for `trainer.step` has their numbers as data. They train in turn: see
docs/experiments.md for what training them at once by `vmap` was measured to cost.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax

from jaxmlp import progress
from jaxmlp.data import Dataset
from jaxmlp.errors import DivergedError
from jaxmlp.execution import Execution
from jaxmlp.placement import Pixels, Placed, execution_for, place_for, pooled
from jaxmlp.program import Program
from jaxmlp.progress import Progress
from jaxmlp.run import cells, rows
from jaxmlp.run.cells import Cell
from jaxmlp.run.console import synthetic_notice
from jaxmlp.run.grid import Point
from jaxmlp.run.observers import Observer, drive
from jaxmlp.trainer import Report, Run

Told = Callable[[Exception], str]  # what ended a run, in one line


class Sets:
    """The data of each seed, laid out once: `generated` digits are drawn from the seed, other sets are one."""

    def __init__(self, load: Callable[[int], Dataset], execution: Execution, device: jax.Device):
        self._load, self._execution, self._device = load, execution, device
        self._digests: dict[int, str] = {}
        self._datasets: dict[str, Dataset] = {}
        self._placed: dict[tuple[str, Pixels | None, Execution], Placed] = {}

    def of(self, seed: int) -> tuple[Dataset, str]:
        """The data set and its digest. Raises DataError."""
        if seed not in self._digests:
            dataset = self._load(seed)
            self._digests[seed] = cells.digest(dataset)
            self._datasets.setdefault(self._digests[seed], dataset)
        return self._datasets[self._digests[seed]], self._digests[seed]

    def placed(self, program: Program) -> Placed:
        """The data laid out for this program."""
        dataset, digest = self.of(program.seed)
        execution = execution_for(program, self._execution, dataset, self._device)
        # All are the program's own, whatever programs came before.
        key = digest, pooled(program), execution
        if key not in self._placed:
            self._placed[key] = place_for(program, execution, dataset, self._device)
        return self._placed[key]


class Ticker(Observer):
    """The `Observer` that tells how far a run of a sweep is."""

    def __init__(self, told: Progress, steps: int):
        self._progress, self._steps = told, steps

    def on_step(self, report: Report) -> None:
        self._progress.update(0, note=f"step {report.step + 1:,} of {self._steps:,}, loss {report.loss:.4g}")


def sweep(points: Sequence[Point], sets: Sets, folder: Path, resume: bool, told: Told) -> list[Cell]:
    """A cell for each point, in their order, a row for each printed; with `resume` only those not in `folder` are run.

    All are kept there, earlier cells of other programs, steps or data behind these. Raises DataError, OutputError, and
    ConfigError where a program asks for what the data has not.
    """
    ended = {_key(cell): cell for cell in cells.read_cells(folder, resume)}
    known = {i: ended.pop(key) for i, point in enumerate(points) if (key := _asked(point, sets)) in ended}
    known = {i: cell for i, cell in known.items() if cell.done}
    if (dataset := sets.of(points[0].program.seed)[0]).synthetic:
        _say(synthetic_notice(dataset.source))
    if ended:
        _say(_left(list(ended.values()), points, sets))
    table = rows.Table(points)
    _say(table.header)
    done: list[Cell] = []
    for i, cell in enumerate(_cells(points, known, sets, told)):
        done.append(cell)
        to_come = [cell for j, cell in known.items() if j > i]
        cells.write_cells(folder, [*done, *to_come, *ended.values()])
        _say(table.row(cell) + ("  from an earlier sweep" if i in known else ""))
    return done


def _left(ended: Sequence[Cell], points: Sequence[Point], sets: Sets) -> str:
    """What becomes of cells that are not asked for, and in what those differ that have the settings of one that is."""
    told = f"Earlier cells that are no part of this sweep: {len(ended)}. They stay in the files, behind these."
    asked = {(tuple(p.settings.items()), p.program.seed): p.program for p in points}
    pairs = [(cell, asked.get((tuple(cell.settings.items()), cell.seed))) for cell in ended]
    differing = dict.fromkeys(n for cell, program in pairs if program for n in _differing(cell, program, sets))
    return f"{told} Run anew, for these differ: {', '.join(differing)}." if differing else told


def _differing(cell: Cell, program: Program, sets: Sets) -> list[str]:
    """The fields of a program, and the data, that an earlier cell had otherwise."""
    now = {**program.as_dict(), "data": sets.of(program.seed)[1]}
    return [name for name, value in {**cell.program, "data": cell.data_digest}.items() if now.get(name) != value]


def _say(text: str) -> None:
    progress.write(text, sys.stdout)


def _key(cell: Cell) -> tuple[str, int, str]:
    return cell.program_digest, cell.steps, cell.data_digest


def _asked(point: Point, sets: Sets) -> tuple[str, int, str]:
    """The key of the cell that the point will be. Raises ConfigError, for example where a batch is too large."""
    dataset, digest = sets.of(point.program.seed)
    return point.program.digest(), point.program.settled(len(dataset.train.labels)).steps, digest


def _cells(points: Sequence[Point], known: dict[int, Cell], sets: Sets, told: Told) -> Iterator[Cell]:
    """A cell for each point, in their order: the known one, or what comes of running it now."""
    with Progress(len(points) - len(known), "cell", "sweep") as bar:
        for i, point in enumerate(points):
            if i in known:
                yield known[i]._replace(settings=dict(point.settings))
                continue
            bar.describe(point.told())
            yield run_cell(point, sets, bar, told)
            bar.update()


def run_cell(point: Point, sets: Sets, bar: Progress, told: Told) -> Cell:
    """Trains one program; one that diverges or fails is a result, not an error."""
    started, (digest, steps, data_digest) = time.perf_counter(), _asked(point, sets)
    cell = Cell(
        settings=dict(point.settings),
        seed=point.program.seed,
        steps=steps,
        data=sets.of(point.program.seed)[0].source,
        final_loss=None,
        train_accuracy=None,
        test_accuracy=None,
        diverged_at=None,
        failure=None,
        seconds=0.0,
        program=point.program.as_dict(),
        program_digest=digest,
        data_digest=data_digest,
    )
    try:
        last = drive(Run(point.program, sets.placed(point.program)), [Ticker(bar, steps)])
        assert last is not None, "a program has at least one step"
        found = {"final_loss": last.loss, "train_accuracy": last.train_accuracy, "test_accuracy": last.test_accuracy}
    except DivergedError as error:
        found = {"diverged_at": error.step}
    except Exception as error:  # out of memory, say: the other cells are not to blame
        found = {"failure": told(error)}
    return cell._replace(**found, seconds=round(time.perf_counter() - started, 3))
