"""What a learning-rate range test saw."""

from pathlib import Path

from jaxmlp.run.plots import style
from jaxmlp.run.plots.style import ACCENT, INK, MUTED, PALE
from jaxmlp.run.range_test import RangeTest


def range_curve(test: RangeTest, source: str, path: Path) -> None:
    """Each step's loss and the smoothed curve over the rate (log axis), and the rate where it falls fastest."""
    figure, axis = style.figure(1, 1, figsize=(7, 4.4))
    axis.plot(test.rates, test.losses, "o", color=MUTED, markersize=3, alpha=0.5, label="loss after a step")
    axis.plot(test.rates, test.smoothed(), color=INK, linewidth=1.8, label="smoothed")
    if (rate := test.steepest()) is not None:
        axis.axvline(rate, color=ACCENT, linewidth=1.4, label=f"falls fastest at {rate:.2g}")
    axis.set(xscale="log", xlabel="learning rate", ylabel="loss", title=source)
    axis.grid(True, which="major", color=PALE, linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(colors=MUTED, which="both")
    axis.legend(frameon=False, loc="best")
    style.save(figure, path)
