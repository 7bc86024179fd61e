"""What all pictures share: colours, figures that belong to no window system, PNG files."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmlp.run.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, ACCENT, MUTED, PALE = "#1f2933", "#c2410c", "#64748b", "#e2e8f0"


def figure(rows: int, columns: int, figsize: tuple[float, float], **options: Any) -> "tuple[Figure, Any]":
    """A figure and its axes [rows, columns], whatever backend the user's matplotlib is set to."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=figsize, layout="constrained")
    FigureCanvasAgg(made)
    return made, made.subplots(rows, columns, **options)


def save(made: "Figure", path: Path) -> None:
    """Raises OutputError naming the path."""
    picture = io.BytesIO()
    made.savefig(picture, format="png", dpi=150)
    write_whole(path, picture.getvalue())


def show_image(axis: "Axes", pixels: Any, below: str) -> None:
    """An image of 784 bytes, ink on paper, with a line or two below."""
    axis.imshow(pixels.reshape(28, 28), cmap="binary", vmin=0, vmax=255)
    axis.set_xlabel(below, color=INK)


def bare(axis: "Axes") -> None:
    """No ticks, and a thin frame."""
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set(color=MUTED, linewidth=0.5)


def colour_bar(figure: "Figure", drawn: Any, axes: Any, label: str, **options: Any) -> None:
    """What the shades mean."""
    bar = figure.colorbar(drawn, ax=axes, **options)
    bar.set_label(label, color=MUTED)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED, length=0, labelsize=8)
