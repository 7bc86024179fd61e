"""What either side records of a run: its inputs' digests, a free run, and single steps from given weights.

`reference.py` makes the reference's trace by asking TensorFlow, `recording.py` reads one from disk, `port.py` makes the
port's; `tiers.py` compares two of them.
"""

import hashlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxmlp.data.dataset import Dataset
from jaxmlp.model import Params
from parity.probe import PROBE
from parity.sketch import Tensor

TENSORS = Params._fields


class Update(NamedTuple):
    """One update: from where, by which gradient, to where; dicts by tensor name."""

    weights: dict[str, np.ndarray]  # float32
    grads: dict[str, Tensor]
    new: dict[str, Tensor]


class StepTrace(NamedTuple):
    """One step from given weights."""

    loss: np.ndarray  # float [], before the update
    correct: int  # training images classified right before the update
    logits: Tensor  # [N, C]
    active: Tensor  # uint8 [N, ceil(H / 8)], np.packbits of hidden > 0
    update: Update
    backward: dict[str, Tensor]  # gradient of the mean loss, its derivative by the logits handed over
    second: Update | None = None  # the update after it, where it can be had: shows an optimizer that remembers


class FreeRun(NamedTuple):
    """A run left to itself from the initial weights."""

    losses: np.ndarray  # float [S]
    corrects: np.ndarray  # int64 [S], training images, before each update
    test_corrects: dict[int, int]  # by step, after its update

    def cut(self, steps: int) -> "FreeRun":
        """The first `steps` steps of it."""
        tests = {step: correct for step, correct in self.test_corrects.items() if step < steps}
        return FreeRun(self.losses[:steps], self.corrects[:steps], tests)


class Trace(NamedTuple):
    """Everything one side says about a run."""

    side: Literal["reference", "port"]
    who: str
    provenance: dict[str, Any]
    digests: dict[str, str]  # of pixels, labels and initial weights, by name
    images: int
    free: FreeRun
    steps: dict[int, StepTrace]


def step_name(step: int) -> str:
    """How a step is called in a sentence."""
    return "the probe" if step == PROBE else f"step {step}"


def digest(array: np.ndarray) -> str:
    """SHA-256 over dtype, shape and bytes: equal exactly when the arrays are, to the bit."""
    array = np.ascontiguousarray(array)
    return hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode() + array.tobytes()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_digests(dataset: Dataset) -> dict[str, str]:
    """Digests of the four arrays a data set consists of."""
    return {
        "train pixels": digest(dataset.train.images),
        "train labels": digest(dataset.train.labels),
        "test pixels": digest(dataset.test.images),
        "test labels": digest(dataset.test.labels),
    }


def weight_digests(weights: dict[str, np.ndarray]) -> dict[str, str]:
    """Digests of the four initial tensors."""
    return {f"initial {name}": digest(np.asarray(weights[name])) for name in TENSORS}
