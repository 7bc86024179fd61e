"""What a planted bug is: a small change to the product, and by which tier and at which tensor it must be caught.

The bugs themselves: `bugs_inputs.py`, `bugs_model.py`, `bugs_layout.py`, `bugs_training.py`; `plant.py` plants them.
"""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from jaxmlp.data.dataset import Dataset

Plant = Callable[[], AbstractContextManager[object]]  # inside it, the product has the bug
REFUSED = "refused"  # in place of a tier: the comparison itself must refuse the trace


class Mutant(NamedTuple):
    """One planted bug."""

    name: str
    tier: str  # that must catch it
    tensor: str  # at which
    plant: Plant = contextlib.nullcontext
    data: Callable[[Dataset], Dataset] = lambda dataset: dataset  # what the port is fed instead
    only_step: int | None = None  # equivalent everywhere but at this step, where the blank image tells
    layout: str = "dense"  # of the engine it is planted in
    rest: bool = False  # needs images that fill no whole chunk
    free: bool = False  # shows in a free run only
