"""The test images that the model gets most wrong."""

from pathlib import Path

import numpy as np

from jaxmlp.data import Dataset
from jaxmlp.run.plots import style
from jaxmlp.run.plots.style import INK, MUTED

SHOWN = 16
LINE = 22  # letters that fit below an image


def mistakes(dataset: Dataset, predictions: np.ndarray, losses: np.ndarray, path: Path) -> None:
    """Those of the largest loss, worst first, each with what it is and what it is taken for, and how surely.

    `predictions`: the softmax, float [M, C]; `losses`: the cross-entropies, float [M].
    """
    (images, labels), names, taken = dataset.test, dataset.class_names, predictions.argmax(axis=1)
    wrong = np.flatnonzero(taken != labels)
    worst = wrong[np.argsort(-losses[wrong], kind="stable")][:SHOWN]
    figure, axes = style.figure(4, 4, figsize=(7, 8.5))
    for axis, i in zip(axes.flat, worst, strict=False):
        told = [f"{names[labels[i]]},", f"not {names[taken[i]]} ({100 * predictions[i, taken[i]]:.0f} %)"]
        style.show_image(axis, images[i], ("\n" if sum(map(len, told)) > LINE else " ").join(told))
    for axis in axes.flat:
        style.bare(axis)
    for axis in axes.flat[len(worst) :]:
        axis.axis("off")
    figure.suptitle(f"The worst of {len(wrong):,} mistakes on {len(labels):,} test images", color=INK)
    figure.supxlabel("what it is, not what it is taken for (and how surely)", color=MUTED, fontsize=9)
    style.save(figure, path)
