"""What either side records of a run: named tensors of single steps from given weights, and the series of a free run.

The one format: a live TensorFlow, a recording and a subject all make a `Trace`, and `tiers.py` compares two of them.
Keys are "role/name": a step's `start` has weights/weights_1, …; what it `got` has loss/loss, correct/correct,
logits/logits [N, C], units/1 (uint8, packed bits of the first hidden layer's units that are on), grads/weights_1,
backward/weights_1 (with the derivative by the logits handed over) and weights/weights_1 after the update.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from parity.compare.probe import PROBE
from parity.compare.tensor import Named, Start, Tensor, Whole, digest

SERIES = ("losses", "corrects", "test_steps", "test_corrects")  # float [S], int64 [S], int64 [R], int64 [R]


class StepTrace(NamedTuple):
    """One step from given weights."""

    start: Mapping[str, Start]
    got: Mapping[str, Tensor]
    following: "StepTrace | None" = None  # the step after it, where it can be had: shows an optimizer that remembers

    def arrays(self, part: str) -> dict[str, np.ndarray]:
        """The tensors of "start" or "got" as arrays; what a sketch does not know is NaN."""
        return {key: tensor.array for key, tensor in getattr(self, part).items()}

    def of_role(self, role: str) -> dict[str, Tensor]:
        """What it got of one role, by name."""
        return of_role(self.got, role)

    def number(self, role: str) -> Any:
        """A scalar that it got: "loss" or "correct"."""
        return self.got[f"{role}/{role}"].array[()]


class Trace(NamedTuple):
    """Everything one side says about a run.

    header: see `header`; of TensorFlow's sides also "program", "program_digest", "graph_digest" and "source".
    """

    header: Mapping[str, Any]
    series: Mapping[str, np.ndarray]  # by `SERIES`
    steps: Mapping[int, StepTrace]


def of_role(named: Mapping[str, Any], role: str) -> dict[str, Any]:
    """Of "role/name" those of one role, by name."""
    return {key.removeprefix(f"{role}/"): value for key, value in named.items() if key.startswith(f"{role}/")}


def in_role(role: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """By "role/name" what is given by name."""
    return {f"{role}/{name}": value for name, value in tensors.items()}


def whole(named: Mapping[str, Any]) -> dict[str, Whole]:
    """Every array as a `Whole`."""
    return {key: Whole(np.asarray(array)) for key, array in named.items()}


def cut(series: Mapping[str, np.ndarray], steps: int) -> Named:
    """The first `steps` steps of a free run."""
    tested = series["test_steps"] < steps
    return {name: series[name][tested if name.startswith("test") else slice(steps)] for name in SERIES}


def tests(series: Mapping[str, np.ndarray]) -> dict[int, int]:
    """Test images classified right, by step, after its update."""
    return dict(zip(series["test_steps"].tolist(), series["test_corrects"].tolist(), strict=True))


def step_name(step: int) -> str:
    """How a step is called in a sentence."""
    return "the probe" if step == PROBE else f"step {step}"


def data_digests(data: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Digests of train_images, train_labels, test_images and test_labels, by what a person calls them."""
    names = ("train_images", "train_labels", "test_images", "test_labels")
    return {name.replace("_", " ").replace("images", "pixels"): digest(data[name]) for name in names}


def header(side: str, who: str, provenance: Mapping[str, Any], data: Named, initial: Named) -> dict[str, Any]:
    """What every trace says of itself. `initial`: the weights before step 0, by name."""
    digests = data_digests(data) | {f"initial {name}": digest(array) for name, array in initial.items()}
    counts = {"images": len(data["train_labels"]), "tests": len(data["test_labels"])}
    return {"side": side, "who": who, "provenance": dict(provenance), "digests": digests, **counts}
