"""Pictures of a run as PNG: the original's preview of the data, and how loss and accuracy went. Needs matplotlib."""

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError
from jaxmlp.run.files import write_whole
from jaxmlp.run.observers import Observer
from jaxmlp.trainer import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, ACCENT, MUTED = "#1f2933", "#c2410c", "#64748b"


class Plots(Observer):
    """The `Observer` that remembers a run, to draw it."""

    def __init__(self):
        """Raises ConfigError when matplotlib is not installed: before a run, not after it."""
        if find_spec("matplotlib") is None:
            raise ConfigError("--plots needs matplotlib: pip install -e '.[plot]'")
        self._reports: list[Report] = []

    def on_step(self, report: Report) -> None:
        self._reports.append(report)

    def draw(self, dataset: Dataset, folder: Path) -> None:
        """preview.png and curves.png. Raises OutputError naming the path."""
        preview(dataset, folder / "preview.png")
        curves(self._reports, dataset.source, folder / "curves.png")


def preview(dataset: Dataset, path: Path) -> None:
    """The first 16 training images in a 4x4 grid, no ticks, binary colour map, each with its class name below."""
    figure, axes = _figure(4, 4, figsize=(6, 6.6))
    for axis, image, label in zip(axes.flat, dataset.train.images, dataset.train.labels, strict=False):
        axis.imshow(image.reshape(28, 28), cmap="binary", vmin=0, vmax=255)
        axis.set_xlabel(dataset.class_names[label], color=INK)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    _save(figure, path)


def curves(reports: Sequence[Report], source: str, path: Path) -> None:
    """Loss (log axis) and accuracies over the steps."""
    figure, (above, below) = _figure(2, 1, figsize=(7, 6.5), sharex=True)
    steps = [report.step for report in reports]
    above.plot(steps, [report.loss for report in reports], color=INK, linewidth=1.6)
    above.set(yscale="log", ylabel="loss (mean cross-entropy)", title=source)
    below.plot(steps, [report.train_accuracy for report in reports], color=INK, linewidth=1.6, label="training")
    tested = [report for report in reports if report.test_accuracy is not None]
    test = [report.test_accuracy for report in tested]
    below.plot([report.step for report in tested], test, "o", color=ACCENT, label="test", clip_on=False, zorder=3)
    for report in tested:
        below.annotate(
            f"{report.test_accuracy:.1f}%", (report.step, report.test_accuracy), color=ACCENT, fontsize=8,
            textcoords="offset points", xytext=(0, -14), ha="center",
        )  # fmt: skip
    below.set(ylim=(0, 100), xlabel="step", ylabel="accuracy (%)")
    below.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    below.xaxis.get_major_locator().set_params(integer=True)
    for axis in (above, below):
        axis.grid(True, which="major", color="#e2e8f0", linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=MUTED, which="both")
    _save(figure, path)


def _figure(rows: int, columns: int, figsize: tuple[float, float], **options: Any) -> "tuple[Figure, Any]":
    """A figure that belongs to no window system, whatever backend the user's matplotlib is set to."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **options)


def _save(figure: "Figure", path: Path) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    write_whole(path, picture.getvalue())
