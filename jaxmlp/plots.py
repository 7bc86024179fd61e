"""Pictures of a run as PNG: the original's preview of the data, and how loss and accuracy went. Needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path

from jaxmlp.data.dataset import Dataset
from jaxmlp.errors import ConfigError, OutputError
from jaxmlp.trainer import Record

INK, ACCENT, MUTED = "#1f2933", "#c2410c", "#64748b"


def require_matplotlib() -> None:
    """Raises ConfigError when matplotlib is not installed: to be asked before a run, not after it."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigError("--plots needs matplotlib: pip install 'jaxmlp[plot]'") from None


def preview(dataset: Dataset, path: Path) -> None:
    """The first 16 training images in a 4x4 grid, no ticks, binary colour map, each with its class name below."""
    figure, axes = _figure(4, 4, figsize=(6, 6.6))
    for axis, image, label in zip(axes.flat, dataset.train.images, dataset.train.labels, strict=False):
        axis.imshow(image.reshape(28, 28), cmap="binary", vmin=0, vmax=255)
        axis.set_xlabel(dataset.class_names[label], color=INK)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    _save(figure, path)


def curves(records: Sequence[Record], source: str, path: Path) -> None:
    """Loss (log axis) and accuracies over the steps."""
    figure, (above, below) = _figure(2, 1, figsize=(7, 6.5), sharex=True)
    steps = [record.step for record in records]
    above.plot(steps, [record.loss for record in records], color=INK, linewidth=1.6)
    above.set(yscale="log", ylabel="loss (mean cross-entropy)", title=source)
    below.plot(steps, [record.train_accuracy for record in records], color=INK, linewidth=1.6, label="training")
    tested = [record for record in records if record.test_accuracy is not None]
    test = [record.test_accuracy for record in tested]
    below.plot([record.step for record in tested], test, "o", color=ACCENT, label="test", clip_on=False, zorder=3)
    for record in tested:
        below.annotate(
            f"{record.test_accuracy:.1f}%", (record.step, record.test_accuracy), color=ACCENT, fontsize=8,
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


def _figure(rows: int, columns: int, **options):
    """A figure that belongs to no window system, whatever backend the user's matplotlib is set to."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=options.pop("figsize"), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **options)


def _save(figure, path: Path) -> None:
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from None
