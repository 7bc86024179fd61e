"""The table that a sweep prints, a row a cell. Serves `experiments`."""

from collections.abc import Sequence

from jaxmlp.run.cells import Cell
from jaxmlp.run.grid import Point

OUTCOME = 34  # columns of loss, training and test accuracy together


class Table:
    """A column a field that is set, and one for the seeds where there are several."""

    def __init__(self, points: Sequence[Point]):
        names = list(dict.fromkeys(name for point in points for name in point.settings))
        several = "seed" not in names and len({point.program.seed for point in points}) > 1
        self._names = [*names, "seed"] if several else names
        lines = [[{"seed": str(p.program.seed), **p.settings}.get(name, "") for name in self._names] for p in points]
        self._widths = [len(word) for word in columns([self._names, *lines])[0]]

    @property
    def header(self) -> str:
        """Above the rows. Loss and training accuracy are those before the last update."""
        return self._line(self._names, f"{'final loss':>13} {'training':>9} {'test':>9}", "seconds")

    def row(self, cell: Cell) -> str:
        """One cell's line."""
        settings = {"seed": str(cell.seed), **cell.settings}
        return self._line([settings.get(name, "") for name in self._names], outcome(cell), f"{cell.seconds:.1f}")

    def _line(self, words: Sequence[str], told: str, seconds: str) -> str:
        own = [word.rjust(width) for word, width in zip(words, self._widths, strict=True)]
        return "  ".join([*own, told.ljust(OUTCOME), seconds.rjust(8)])


def outcome(cell: Cell) -> str:
    """Loss and accuracies, or what ended it before they were measured."""
    if cell.failure is not None:
        return f"failed: {cell.failure}"
    if cell.diverged_at is not None:
        return f"diverged at step {cell.diverged_at}"
    return f"{cell.final_loss:13.6g} {cell.train_accuracy:8.2f}% {cell.test_accuracy:8.2f}%"


def columns(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same words, those of a column of one width, at its right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [[word.rjust(width) for word, width in zip(line, widths, strict=True)] for line in lines]
