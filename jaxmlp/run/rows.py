"""The table that a sweep prints, a row a cell. Serves `experiments`."""

from collections.abc import Sequence

from jaxmlp.run.cells import Cell
from jaxmlp.run.grid import Point

OUTCOME = 34  # columns of loss, training and test accuracy together


class Table:
    """A column a field that is set, and one for the seeds where there are several."""

    def __init__(self, points: Sequence[Point]):
        self._names = list(dict.fromkeys(name for point in points for name in point.settings))
        self._seeds = "seed" not in self._names and len({point.program.seed for point in points}) > 1
        words = {name: [point.settings.get(name, "") for point in points] for name in self._names}
        self._widths = [max(map(len, [name, *words[name]])) for name in self._names]

    @property
    def header(self) -> str:
        """Above the rows. Loss and training accuracy are those before the last update."""
        return self._line([*self._names, "seed"], f"{'final loss':>13} {'training':>9} {'test':>9}", "seconds")

    def row(self, cell: Cell) -> str:
        """One cell's line."""
        told = f"{cell.final_loss or 0:13.6g} {cell.train_accuracy or 0:8.2f}% {cell.test_accuracy or 0:8.2f}%"
        if cell.diverged_at is not None:
            told = f"diverged at step {cell.diverged_at}"
        if cell.failure is not None:
            told = cell.failure
        words = [cell.settings.get(name, "") for name in self._names]
        return self._line([*words, str(cell.seed)], told, f"{cell.seconds:.1f}")

    def _line(self, words: Sequence[str], told: str, seconds: str) -> str:
        columns = [f"{word:>{width}}" for word, width in zip(words, self._widths, strict=False)]
        seed = [f"{words[-1]:>4}"] if self._seeds else []
        return "  ".join([*columns, *seed, f"{told:<{OUTCOME}}", f"{seconds:>8}"])
