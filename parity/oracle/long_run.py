"""The free run of a reference in segments that are saved as they end, so that an hour of TensorFlow is never lost."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from parity.compare.npz import Damaged, members
from parity.compare.tensor import Named
from parity.compare.trace import SERIES, in_role, of_role
from parity.errors import CannotCompare
from parity.oracle.answer import LARGEST
from parity.oracle.ask import Case, Oracle, Question
from parity.oracle.live import whole_run

SEGMENT = 25  # steps: a minute or so of one thread on 60,000 images


def long_run(
    oracle: Oracle,
    case: Case,
    weights_at: Sequence[int],
    folder: Path,
    tell: Callable[[int], None] = lambda steps: None,
) -> Named:
    """All steps of the program: series, last test predictions, "t/weights/weights_1", … for each t of `weights_at`.

    `tell` hears how many steps more there are after each segment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: Named = {}
    for first in range(0, case.program["steps"], SEGMENT):
        segment, steps = folder / f"{first:04d}.npz", min(SEGMENT, case.program["steps"] - first)
        if not segment.exists():
            carried = in_role("weights", of_role(arrays, "weights"))  # float bits: the segments together are the run
            ask = {**whole_run(case), "first": first, "steps": steps, "weights_at": list(weights_at)}
            _save(segment, oracle.ask(case, [Question(ask, carried)]).arrays[0])
        arrays = _joined(arrays, _read(segment))
        tell(steps)
    return arrays


def _read(segment: Path) -> Named:
    try:
        return members(segment, LARGEST)
    except Damaged as error:
        raise CannotCompare(f"{segment} is no part of a run ({error}): remove it, and it is run anew") from None


def _joined(before: Named, after: Named) -> Named:
    """Series continue; everything else is the later segment's, and what only the earlier one had."""
    grown = {name: np.concatenate([before[name], after[name]]) for name in SERIES if name in before}
    return {**before, **after, **grown}


def _save(path: Path, arrays: Named) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
