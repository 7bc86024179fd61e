"""One program after another on the same data, and the write-up's claim beside what came out; the worker of `sweep`."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jax

from jaxmlp import progress
from jaxmlp.data import Dataset
from jaxmlp.errors import DivergedError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from jaxmlp.progress import Progress
from jaxmlp.run import cells
from jaxmlp.run.cells import Cell
from jaxmlp.run.console import synthetic_notice
from jaxmlp.run.observers import Observer, drive
from jaxmlp.trainer import Placed, Report, Run, place

CLAIM = "only this config achieved accuracy higher than 80 %"
CLAIMED = (1024, 0.0001)  # hidden units and learning rate
CLAIMED_ACCURACY = 80.0
CLAIMED_STEPS = 301  # "all for 300 epochs": steps 0 to 300

HEADER = "hidden      rate    final loss   training       test   seconds"


class Ticker(Observer):
    """The `Observer` that tells how far a sweep is, over its runs."""

    def __init__(self, told: Progress):
        self._progress, self._steps = told, 0

    def on_step(self, report: Report) -> None:
        self._progress.update(note=f"loss {report.loss:.4g}")
        self._steps += 1

    def ended(self, steps: int) -> None:
        """A run of so many steps has ended, at its last or before it."""
        self._progress.update(steps - self._steps)
        self._steps = 0


def sweep(
    programs: Sequence[Program], dataset: Dataset, device: jax.Device, folder: Path, earlier: Sequence[Cell]
) -> None:
    """Runs what is not among the `earlier` cells, keeps all in `folder`, prints a row a cell and then the finding.

    Earlier cells of other programs or data stay in its files, behind these. Raises OutputError.
    """
    data_digest = cells.digest(dataset)
    if dataset.synthetic:
        _say(synthetic_notice(dataset.source))
    others = {(cell.program_digest, cell.steps, cell.data_digest): cell for cell in earlier}
    known = {p: others.pop(key) for p in programs if (key := (p.digest(), p.steps, data_digest)) in others}
    _say(HEADER)
    done: list[Cell] = []
    for cell in _cells(programs, known, dataset, device):
        done.append(cell)
        cells.write_cells(folder, [*done, *others.values()])
        _say(row(cell) + ("  from an earlier sweep" if cell in known.values() else ""))
    _say(finding(done, dataset.source))
    if dataset.synthetic:
        _say("These accuracies are of GENERATED digits, NOT of MNIST.")
    _say(f"Results: {folder / 'results.csv'}, {folder / 'results.json'}")


def _say(text: str) -> None:
    progress.write(text, sys.stdout)


def _cells(
    programs: Sequence[Program], known: Mapping[Program, Cell], dataset: Dataset, device: jax.Device
) -> Iterator[Cell]:
    """A cell for each program, in their order: the known one, or what comes of running it now."""
    placed, data_digest = place(Execution(), dataset, device), cells.digest(dataset)
    with Progress(sum(p.steps for p in programs if p not in known), "step", "sweep") as told:
        ticker = Ticker(told)
        for program in programs:
            if program in known:
                yield known[program]
                continue
            told.describe(f"{program.layers[0].units} hidden, rate {program.optimizer.learning_rate:g}")
            yield run_cell(program, placed, dataset.source, data_digest, ticker)
            ticker.ended(program.steps)


def run_cell(program: Program, placed: Placed, source: str, data_digest: str, watching: Observer) -> Cell:
    """Trains one program; one that diverges is a result, not an error."""
    started = time.perf_counter()
    run = Run(program, placed)
    loss = train_accuracy = test_accuracy = diverged_at = None
    try:
        last = drive(run, [watching])
        assert last is not None, "a program has at least one step"
        loss, train_accuracy, test_accuracy = last.loss, last.train_accuracy, last.test_accuracy
    except DivergedError as error:
        diverged_at = error.step
    return Cell(
        hidden=program.layers[0].units,
        learning_rate=float(program.optimizer.learning_rate),  # pyright: ignore[reportArgumentType]
        steps=program.steps,
        seed=program.seed,
        data=source,
        final_loss=loss,
        train_accuracy=train_accuracy,
        test_accuracy=test_accuracy,
        diverged_at=diverged_at,
        seconds=round(time.perf_counter() - started, 3),
        program_digest=program.digest(),
        data_digest=data_digest,
    )


def row(cell: Cell) -> str:
    """A line below HEADER; the final loss and training accuracy are those before the last update."""
    head = f"{cell.hidden:6d} {cell.learning_rate:9g}"
    if cell.diverged_at is not None:
        body = f"diverged at step {cell.diverged_at}".ljust(35)
    else:
        body = f"{cell.final_loss:13.6g} {cell.train_accuracy:9.2f}% {cell.test_accuracy:9.2f}%"
    return f"{head} {body} {cell.seconds:8.1f}"


def finding(done: Sequence[Cell], source: str) -> str:
    """The write-up's claim beside what came out here: a verdict only where both are of the same data and steps."""
    above = [cell for cell in done if cell.test_accuracy is not None and cell.test_accuracy > CLAIMED_ACCURACY]
    names = ", ".join(f"{cell.hidden} hidden at {cell.learning_rate:g} ({cell.test_accuracy:.1f} %)" for cell in above)
    holds = [(cell.hidden, cell.learning_rate) for cell in above] == [CLAIMED]
    verdict = f"The claim {'holds' if holds else 'does not hold'}."
    return (
        f"The write-up, of {CLAIMED[0]} hidden at {CLAIMED[1]:g}: “{CLAIM}”.\n"
        f"Here, {done[0].steps} steps on {source}: above {CLAIMED_ACCURACY:g} % "
        f"{'is' if len(above) == 1 else 'are'} {names or 'none'}.\n{_beside_the_claim(done[0], source) or verdict}"
    )


def _beside_the_claim(cell: Cell, source: str) -> str | None:
    """Why there is no verdict: what the claim is not about."""
    if cell.data_digest != cells.MNIST:
        return f"No verdict: the write-up's claim is about MNIST, this was {source}."
    if cell.steps != CLAIMED_STEPS:
        wanted = f"300 epochs ({CLAIMED_STEPS} steps)"
        return f"No verdict: the write-up's claim is about {wanted}, these were {cell.steps} steps."
    return None
