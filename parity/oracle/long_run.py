"""The free run of a reference in segments that are saved as they end, so that an hour of TensorFlow is never lost.

A segment hands its float bits to the next, so the segments together are the run. Serves `record.py`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from parity.oracle.ask import Arrays, Case, Oracle, Question
from parity.oracle.live import whole_run

SEGMENT = 25  # steps: a minute or so of one thread on 60,000 images


def long_run(oracle: Oracle, case: Case, weights_at: Sequence[int], folder: Path) -> Arrays:
    """All steps of the program: series, last test predictions, "t/weights/weights_1", … for each t of `weights_at`."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: Arrays = {}
    for first in range(0, case.program["steps"], SEGMENT):
        segment = folder / f"{first:04d}.npz"
        if not segment.exists():
            carried = {key: array for key, array in arrays.items() if key.startswith("weights/")}
            steps = min(SEGMENT, case.program["steps"] - first)
            ask = {**whole_run(case), "first": first, "steps": steps, "weights_at": list(weights_at)}
            _save(segment, oracle.ask(case, [Question(ask, carried)]).arrays[0])
        with np.load(segment, allow_pickle=False) as npz:
            arrays = _joined(arrays, {name: npz[name] for name in npz.files})
    return arrays


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
