"""What the first layer's units have learnt to look at."""

from pathlib import Path

import numpy as np

from jaxmlp.run.plots import style
from jaxmlp.run.plots.style import INK, MUTED

SHOWN = 25  # units


def weights(before: np.ndarray, after: np.ndarray, path: Path) -> None:
    """The change of the weights, float [784, H], of the units it is largest for: learning drowns in what was drawn."""
    change = after - before
    norms = np.linalg.norm(change, axis=0)
    chosen = np.argsort(-norms, kind="stable")[:SHOWN]
    limit = float(np.abs(change[:, chosen]).max()) or 1.0
    figure, axes = style.figure(5, 5, figsize=(7.4, 7.6))
    for axis, unit in zip(axes.flat, chosen, strict=False):
        drawn = axis.imshow(change[:, unit].reshape(28, 28), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title(f"unit {unit}", fontsize=7.5, color=MUTED, pad=3)
        style.bare(axis)
    for axis in axes.flat[len(chosen) :]:
        axis.axis("off")
    figure.suptitle("What the first layer has learnt: weights now, less those it started from", color=INK)
    of_all = f"the {len(chosen)} of {len(norms):,} units that changed most" if len(chosen) > 1 else "its unit"
    figure.supxlabel(f"{of_all}; ink on red raises a unit, ink on blue lowers it", color=MUTED, fontsize=9)
    style.colour_bar(figure, drawn, axes, "change of the weight", shrink=0.5)
    style.save(figure, path)
