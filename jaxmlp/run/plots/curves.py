"""How loss and accuracy went."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxmlp.run.plots import style
from jaxmlp.run.plots.style import ACCENT, INK, MUTED, PALE
from jaxmlp.trainer import Report

MANY = 1000  # steps: minibatches, whose curves are a broad band
LABELLED = 8  # reports with their number beside the point; of more, the last one only


def curves(reports: Sequence[Report], source: str, path: Path) -> None:
    """Loss (log axis) and accuracies over the steps."""
    figure, (above, below) = style.figure(2, 1, figsize=(7, 6.5), sharex=True)
    steps = [report.step for report in reports]
    width = 1.6 if len(steps) < MANY else 0.5
    above.plot(steps, [report.loss for report in reports], color=INK, linewidth=width)
    above.set(yscale="log", ylabel="loss", title=source)
    below.plot(steps, [report.train_accuracy for report in reports], color=INK, linewidth=width, label="training")
    _test_points(below, [report for report in reports if report.test_accuracy is not None])
    below.set(ylim=(0, 100), xlabel="step", ylabel="accuracy (%)")
    below.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    below.xaxis.get_major_locator().set_params(integer=True)
    for axis in (above, below):
        axis.grid(True, which="major", color=PALE, linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=MUTED, which="both")
    style.save(figure, path)


def _test_points(axis: Any, tested: Sequence[Report]) -> None:
    points = [report.step for report in tested], [report.test_accuracy for report in tested]
    axis.plot(*points, "o", color=ACCENT, label="test", clip_on=False, zorder=3)
    for report in tested if len(tested) <= LABELLED else tested[-1:]:
        axis.annotate(
            f"{report.test_accuracy:.1f}%", (report.step, report.test_accuracy), color=ACCENT, fontsize=8,
            textcoords="offset points", xytext=(0, -14), ha="center",
        )  # fmt: skip
