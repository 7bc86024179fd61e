"""All pictures of a run."""

from pathlib import Path

import jax
import numpy as np

from jaxmlp import model
from jaxmlp.checks import require_matplotlib
from jaxmlp.data import Dataset
from jaxmlp.data.dataset import PIXELS
from jaxmlp.run.observers import Observer
from jaxmlp.run.plots.confusion import confusion
from jaxmlp.run.plots.curves import curves
from jaxmlp.run.plots.mistakes import mistakes
from jaxmlp.run.plots.preview import preview
from jaxmlp.run.plots.weights import weights
from jaxmlp.trainer import Report, Run


class Plots(Observer):
    """The `Observer` that remembers a run, to draw it."""

    def __init__(self):
        """Raises ConfigError when matplotlib is not installed: before a run, not after it."""
        require_matplotlib("--plots")
        self._reports: list[Report] = []

    def on_step(self, report: Report) -> None:
        self._reports.append(report)

    def draw(self, run: Run, dataset: Dataset, predictions: np.ndarray, folder: Path) -> None:
        """preview.png, curves.png, confusion.png, mistakes.png, weights.png. Raises OutputError naming the path.

        `predictions`: the softmax of the test images, float32 [M, C].
        """
        preview(dataset, folder / "preview.png")
        curves(self._reports, dataset.source, folder / "curves.png")
        confusion(dataset, predictions, folder / "confusion.png")
        mistakes(dataset, predictions, run.test_losses(), folder / "mistakes.png")
        drawn = model.init(run.program, PIXELS, run.placed.classes)[0].weights
        weights(drawn, jax.device_get(run.state.params[0].weights), folder / "weights.png")
