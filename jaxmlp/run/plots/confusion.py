"""What the test images are, and what the model takes them for."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxmlp.data import Dataset
from jaxmlp.run.plots import style
from jaxmlp.run.plots.style import INK, MUTED

COUNTED = 20  # classes; with more, the counts would not be legible


def confusion(dataset: Dataset, predictions: np.ndarray, path: Path) -> None:
    """A row a class, shaded by the share of its images in each cell. `predictions`: the softmax, float [M, C]."""
    labels, names = dataset.test.labels, dataset.class_names
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, predictions.argmax(axis=1)), 1)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = max(6.0, 0.2 * len(names))
    figure, axis = style.figure(1, 1, figsize=(side + 1.2, side + 0.8))
    drawn = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= COUNTED:
        _write(axis, counts, shares)
    _name(axis, names)
    axis.set_title(_headline(counts, names), color=INK, pad=12)
    style.colour_bar(figure, drawn, axis, "share of the row", shrink=0.6, format=lambda share, _: f"{share:.0%}")
    style.save(figure, path)


def _headline(counts: np.ndarray, names: tuple[str, ...]) -> str:
    """How many are right, and the cell off the diagonal that holds the most."""
    right, images = counts.trace(), counts.sum()
    told = f"{right:,} of {images:,} test images are right: {right / images:.2%}"
    wrong = counts - np.diag(counts.diagonal())
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    most = f"most often, {names[row]} is taken for {names[column]}: {wrong[row, column]:,} times"
    return f"{told}\n{most}" if wrong.any() else told


def _write(axis: Any, counts: np.ndarray, shares: np.ndarray) -> None:
    """The counts, where there are any."""
    size = 9 if len(counts) <= 12 else 6
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.55 else INK
        axis.text(column, row, f"{count or ''}", ha="center", va="center", fontsize=size, color=colour)


def _name(axis: Any, names: tuple[str, ...]) -> None:
    """The classes at both axes, upright below where their names are short, and thin lines between the cells."""
    places, size = range(len(names)), 9 if len(names) <= COUNTED else 7
    rotation = 90 if (max(map(len, names)) > 2 and len(names) > 12) or max(map(len, names)) > 6 else 0
    axis.set_xticks(places, names, rotation=rotation, fontsize=size, color=INK)
    axis.set_yticks(places, names, fontsize=size, color=INK)
    axis.set_xlabel("what the model takes it for", color=MUTED)
    axis.set_ylabel("what it is", color=MUTED)
    axis.set_xticks(np.arange(1, len(names)) - 0.5, minor=True)
    axis.set_yticks(np.arange(1, len(names)) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=1)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_visible(False)
