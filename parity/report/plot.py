"""Both sides' free runs in one figure: losses, accuracies, and below how far the losses part. Needs matplotlib."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from parity.compare.limits import relative_difference
from parity.compare.trace import tests
from parity.report.proof import Proof, scope

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1f2933", "#64748b", "#e2e8f0"
REFERENCE, ENGINES = "#e3b341", ("#1f5fbf", "#b0408f", "#0b8a8a", "#c2571a")
FLOOR = 1e-9  # equal losses are drawn here, a logarithm having no zero


def curves(proof: Proof) -> bytes:
    """The figure as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplot_mosaic([["loss", "accuracy"], ["apart", "apart"]], sharex=True, height_ratios=[1.25, 1])
    _both(axes["loss"], axes["accuracy"], proof)
    _apart(axes["apart"], proof)
    for axis in axes.values():
        axis.grid(True, which="major", color=GRID, linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=MUTED, which="both", labelbottom=True)
        axis.set_xlabel("step", color=MUTED)
        axis.locator_params(axis="x", integer=True)
        axis.title.set(color=INK, fontsize=10.5)
    answer = "The same program" if proof.proven else "NOT the same program"
    figure.suptitle(f"{answer}, {scope(proof)}", color=INK, fontsize=11.5, fontweight="bold", wrap=True)
    return _png(figure)


def _both(loss: Any, accuracy: Any, proof: Proof) -> None:
    """TensorFlow's as a broad line, each engine's thin upon it: where they agree both are seen."""
    header = proof.reference.header
    wide = {"color": REFERENCE, "linewidth": 5, "solid_capstyle": "round", "ms": 9}
    sides = [(header["who"], proof.reference.series, wide)]
    for i, one in enumerate(proof.candidates):
        thin = {"color": ENGINES[i % 4], "linewidth": 1.5, "linestyle": "-" if i == 0 else "--", "ms": 5}
        sides.append((f"jaxmlp {one.name}", one.series, thin))
    for name, series, style in sides:
        line = {key: value for key, value in style.items() if key != "ms"}
        loss.plot(series["losses"], label=name, **line)
        accuracy.plot(100 * series["corrects"] / header["images"], **line)
        tested = {step: 100 * right / header["tests"] for step, right in tests(series).items()}
        ring = {"marker": "o", "linestyle": "none", "fillstyle": "none", "ms": style["ms"], "clip_on": False}
        accuracy.plot(list(tested), list(tested.values()), color=style["color"], **ring)
    loss.set(yscale="log", title="loss (mean cross-entropy), before each update")
    accuracy.set(ylim=(0, 100), title="accuracy in %: lines training, circles test")
    loss.legend(frameon=False, fontsize=8.5, labelcolor=INK)


def _apart(axis: Any, proof: Proof) -> None:
    """How far the losses part, below what honest rounding is allowed."""
    theirs, budget = proof.reference.series["losses"], proof.budget
    if budget is not None and proof.asserted:
        steps = np.arange(proof.asserted)
        limits, spread = (array[: len(steps)] for array in (budget.loss_limits, budget.spread))
        axis.fill_between(steps, FLOOR, limits, color=MUTED, alpha=0.12, linewidth=0)
        axis.plot(steps, limits, color=MUTED, linewidth=1, linestyle="--", label="limit, as far as asserted")
        axis.plot(steps, np.maximum(spread, FLOOR), color=MUTED, linewidth=1, label="harmless variants of the port")
        if proof.asserted < len(theirs):
            _beyond(axis, proof.asserted - 1)
    for i, one in enumerate(proof.candidates):
        ours = one.series["losses"]
        apart = relative_difference(theirs[: len(ours)], ours)
        marker = "o" if len(ours) <= 40 else None
        axis.plot(np.maximum(apart, FLOOR), color=ENGINES[i % 4], linewidth=1.5, marker=marker, markersize=3.5,
                  label=f"jaxmlp {one.name}")  # fmt: skip
    axis.set(yscale="log", title="relative difference of the loss from TensorFlow's, each side left to itself")
    axis.set_ylim(bottom=FLOOR)
    axis.legend(frameon=False, fontsize=8.5, labelcolor=INK, ncols=2)


def _beyond(axis: Any, horizon: int) -> None:
    """Where asserting ends: the ensemble parts there, or was run no further."""
    axis.axvline(horizon, color=MUTED, linewidth=1, linestyle=":")
    beside = {"xytext": (5, -4), "textcoords": "offset points", "xycoords": ("data", "axes fraction")}
    axis.annotate("nothing is asserted beyond", (horizon, 1), color=MUTED, fontsize=8.5, va="top",
                  **beside)  # fmt: skip


def _png(figure: "Figure") -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    return picture.getvalue()
