"""The free run of a reference in segments that are saved as they end, so that an hour of TensorFlow is never lost.

A segment hands its float bits to the next, so the segments together are the run. Serves `record.py`.
"""

from pathlib import Path

import numpy as np

from jaxmlp.config import Config
from jaxmlp.data.dataset import Dataset
from parity.oracle import Arrays, Oracle, Question

SEGMENT = 25  # steps: a minute or so of one thread on 60,000 images
WEIGHTS = ("weights_1", "biases_1", "weights_2", "biases_2")


def long_run(oracle: Oracle, config: Config, dataset: Dataset, weights_at: list[int], folder: Path) -> Arrays:
    """All of `config.steps`: the series, the last test predictions, and "t/weights_1", … for each t of `weights_at`."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: Arrays = {}
    for first in range(0, config.steps, SEGMENT):
        segment = folder / f"{first:04d}.npz"
        if not segment.exists():
            carried = {name: arrays[name] for name in WEIGHTS if name in arrays}
            _save(segment, oracle.ask(config, dataset, [_question(config, first, weights_at, carried)]).arrays[0])
        with np.load(segment, allow_pickle=False) as npz:
            arrays = _joined(arrays, {name: npz[name] for name in npz.files})
    return arrays


def _question(config: Config, first: int, weights_at: list[int], carried: Arrays) -> Question:
    steps = min(SEGMENT, config.steps - first)
    ask = {"ask": "run", "first": first, "steps": steps, "report_every": config.report_every, "weights_at": weights_at}
    return Question(ask, carried)


def _joined(before: Arrays, after: Arrays) -> Arrays:
    """Series continue; everything else is the later segment's, and what only the earlier one had."""
    series = ("losses", "corrects", "test_steps", "test_corrects")
    grown = {name: np.concatenate([before[name], after[name]]) for name in series if name in before}
    return {**before, **after, **grown}


def _save(path: Path, arrays: Arrays) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
    part.replace(path)
