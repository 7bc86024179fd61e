"""The test accuracy of every configuration of a grid over two fields."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxmlp.run.configurations import Configuration, best
from jaxmlp.run.plots import style
from jaxmlp.run.plots.style import ACCENT, INK, MUTED

LEGIBLE = 12  # words of a field; with more, the cells have no numbers


def heat_map(found: Sequence[Configuration], source: str, path: Path) -> None:
    """A row a word of the first field, a column one of the second, each cell its mean accuracy in percent.

    What diverged or failed says so; a cell that is no part of the sweep is blank.
    """
    down, across = found[0].settings
    rows, columns = (list(dict.fromkeys(one.settings[name] for one in found)) for name in (down, across))
    size = (max(4.5, 0.8 * len(columns) + 2.5), max(3.0, 0.6 * len(rows) + 1.8))
    figure, axis = style.figure(1, 1, figsize=size)
    means = np.full((len(rows), len(columns)), np.nan)
    for one in found:
        means[_place(one, rows, columns)] = np.nan if one.mean is None else one.mean
    drawn = axis.imshow(means, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    if max(len(rows), len(columns)) <= LEGIBLE:
        _write(axis, found, rows, columns)
    _frame_best(axis, found, rows, columns)
    axis.set_xticks(range(len(columns)), columns, color=INK)
    axis.set_yticks(range(len(rows)), rows, color=INK)
    axis.set(xlabel=across, ylabel=down)
    axis.set_title(source, color=INK, pad=10)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    style.colour_bar(figure, drawn, axis, "test accuracy (%)")
    style.save(figure, path)


def _place(one: Configuration, rows: list[str], columns: list[str]) -> tuple[int, int]:
    down, across = one.settings.values()
    return rows.index(down), columns.index(across)


def _write(axis: Any, found: Sequence[Configuration], rows: list[str], columns: list[str]) -> None:
    for one in found:
        row, column = _place(one, rows, columns)
        mean, diverged = one.mean, any(cell.diverged_at is not None for cell in one.cells)
        told = f"{mean:.1f}" if mean is not None else "diverged" if diverged else "failed"
        colour = MUTED if mean is None else "white" if mean > 55 else INK
        axis.text(column, row, told, ha="center", va="center", fontsize=9, color=colour)


def _frame_best(axis: Any, found: Sequence[Configuration], rows: list[str], columns: list[str]) -> None:
    if (one := best(found)) is not None:
        row, column = _place(one, rows, columns)
        axis.add_patch(_box(column, row))


def _box(column: int, row: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=ACCENT, linewidth=2)
