"""One program after another on the same data, and the write-up's claim beside what came out; the worker of `sweep`."""

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jax
from tqdm import tqdm

from jaxmlp.data import Dataset
from jaxmlp.errors import DivergedError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from jaxmlp.run import cells
from jaxmlp.run.cells import Cell
from jaxmlp.run.console import synthetic_notice
from jaxmlp.run.observers import Observer, drive
from jaxmlp.trainer import Placed, Report, Run, place

CLAIM = "only this config achieved accuracy higher than 80 %"
CLAIMED = (1024, 0.0001)  # hidden units and learning rate
CLAIMED_ACCURACY = 80.0


class Bar(Observer):
    """The `Observer` that moves a sweep's progress bar, which goes on over its runs."""

    def __init__(self, bar: Any):
        self._bar = bar

    def on_step(self, report: Report) -> None:
        self._bar.set_postfix_str(f"loss {report.loss:.4g}", refresh=False)
        self._bar.update()


def sweep(
    programs: Sequence[Program], dataset: Dataset, device: jax.Device, folder: Path, earlier: Sequence[Cell]
) -> None:
    """Runs what is not among the `earlier` cells, keeps all in `folder`, prints the table and the finding.

    Earlier cells of other programs or data stay in its files, behind these. Raises OutputError.
    """
    if dataset.synthetic:
        print(synthetic_notice(dataset.source))
    placed, data_digest = place(Execution(), dataset, device), cells.digest(dataset)
    known = {(cell.program_digest, cell.steps, cell.data_digest): cell for cell in earlier}
    done: list[Cell] = []
    with tqdm(total=sum(p.steps for p in programs), unit="step", disable=not sys.stderr.isatty(), leave=False) as bar:
        for program in programs:
            name = f"{program.layers[0].units} hidden, rate {program.optimizer.learning_rate:g}"
            bar.set_description(name, refresh=False)
            found = known.pop((program.digest(), program.steps, data_digest), None)
            done.append(found or run_cell(program, placed, dataset.source, data_digest, Bar(bar)))
            bar.update(program.steps * len(done) - bar.n)
            cells.write_cells(folder, [*done, *known.values()])
    print(table(done))
    print(finding(done, dataset.source))
    if dataset.synthetic:
        print("These accuracies are of GENERATED digits, NOT of MNIST.")
    print(f"Results: {folder / 'results.csv'}, {folder / 'results.json'}")


def run_cell(program: Program, placed: Placed, source: str, data_digest: str, bar: Bar) -> Cell:
    """Trains one program; one that diverges is a result, not an error."""
    started = time.perf_counter()
    run = Run(program, placed)
    loss = train_accuracy = test_accuracy = diverged_at = None
    try:
        last = drive(run, [bar])
        assert last is not None, "a program has at least one step"
        loss, train_accuracy, test_accuracy = last.loss, last.train_accuracy, run.test_accuracy()
    except DivergedError as error:
        diverged_at = error.step
    return Cell(
        hidden=program.layers[0].units,
        learning_rate=program.optimizer.learning_rate,
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


def table(done: Iterable[Cell]) -> str:
    """One line a program; the final loss and training accuracy are those before the last update."""
    lines = ["hidden      rate    final loss   training       test   seconds"]
    for cell in done:
        head = f"{cell.hidden:6d} {cell.learning_rate:9g}"
        if cell.diverged_at is not None:
            body = f"diverged at step {cell.diverged_at}".ljust(35)
        else:
            body = f"{cell.final_loss:13.6g} {cell.train_accuracy:9.2f}% {cell.test_accuracy:9.2f}%"
        lines.append(f"{head} {body} {cell.seconds:8.1f}")
    return "\n".join(lines)


def finding(done: Sequence[Cell], source: str) -> str:
    """The write-up's claim beside what came out here."""
    above = [cell for cell in done if cell.test_accuracy is not None and cell.test_accuracy > CLAIMED_ACCURACY]
    names = ", ".join(f"{cell.hidden} hidden at {cell.learning_rate:g} ({cell.test_accuracy:.1f} %)" for cell in above)
    holds = [(cell.hidden, cell.learning_rate) for cell in above] == [CLAIMED]
    return (
        f"The write-up, of {CLAIMED[0]} hidden at {CLAIMED[1]:g}: “{CLAIM}”.\n"
        f"Here, {done[0].steps} steps on {source}: above {CLAIMED_ACCURACY:g} % "
        f"{'is' if len(above) == 1 else 'are'} {names or 'none'}. The claim {'holds' if holds else 'does not hold'}."
    )
