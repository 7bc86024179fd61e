"""One step that differs: both sides' tensors, and the numbers that its graph knows, for the mistakes to be tried on."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from parity.compare.recorded.recording import Graph, Program
from parity.compare.tensor import Named
from parity.compare.trace import StepTrace, of_role

FITS = 1e-4  # relative: a mistake that fits is nearer than this, rounding of a whole step included
USUAL = (1e-5, 1e-4, 5e-4, 1e-3, 1e-2)  # of penalties, where the graph's constants do not tell


class Scene(NamedTuple):
    """All that a mistake may be tried on."""

    number: int
    program: Program
    graph: Graph
    got: StepTrace

    @property
    def one(self) -> StepTrace:
        """The recorded step."""
        return self.program.trace.steps[self.number]

    def start(self, role: str) -> Named:
        return {name: tensor.array for name, tensor in of_role(self.one.start, role).items()}

    def theirs(self, role: str) -> Named:
        return {name: tensor.array.astype(np.float64) for name, tensor in self.one.of_role(role).items()}

    def ours(self, role: str) -> Named:
        return {name: tensor.array.astype(np.float64) for name, tensor in self.got.of_role(role).items()}

    @property
    def images(self) -> int:
        """How many rows the batch has; 0 where its tensors do not agree."""
        counts = [len(array) for array in self.start("batch").values() if array.ndim]
        return max(set(counts), key=counts.count) if counts else 0

    @property
    def classes(self) -> int:
        """0 where no logits were recorded."""
        logits = self.theirs("logits").get("logits")
        return logits.shape[-1] if logits is not None and logits.ndim == 2 else 0

    @property
    def numbers(self) -> list[float]:
        """The graph's constants that are a floating number, and fed ones; the usual penalties last."""
        arrays = [*self.graph.constants.values(), *self.start("batch").values()]
        found = (float(one.reshape(())) for one in arrays if one.size == 1 and one.dtype.kind == "f")
        return list(dict.fromkeys([*(one for one in found if one != 0 and np.isfinite(one)), *USUAL]))

    def counts(self) -> Iterator[tuple[float, str]]:
        """Factors that a reduction may be off by, and what that is called."""
        n, c = self.images, self.classes
        yield -1.0, "its sign is turned"
        if n > 1:
            yield float(n), f"a sum over the batch stands for TensorFlow's mean: 1/N is forgotten, N = {n}"
            yield 1 / n, f"a mean over the batch stands for TensorFlow's sum, N = {n}"
        if c > 1:
            yield 1 / c, f"a mean over the {c} classes stands for TensorFlow's sum"
            yield float(c), f"a sum over the {c} classes stands for TensorFlow's mean"
        if n > 1 and c > 1:
            yield 1 / (n * c), "a mean over all elements stands for TensorFlow's sum"
            yield float(n * c), "a sum over all elements stands for TensorFlow's mean"
        yield 2.0, "it is twice TensorFlow's: a factor 1/2 is left out"
        yield 0.5, "it is half of TensorFlow's: a factor 1/2 too many"


def near(a: float, b: float, fits: float = FITS) -> bool:
    """Whether two numbers are the same but for rounding."""
    return abs(a - b) <= fits * max(abs(a), abs(b))


def fit(y: np.ndarray, x: np.ndarray) -> float:
    """The c of y = c x by least squares; 0 of an x of zeros."""
    size = float(np.vdot(x, x))
    return float(np.vdot(x, y)) / size if size else 0.0


def explains(y: np.ndarray, x: np.ndarray, c: float, fits: float = FITS) -> bool:
    """Whether y is c x but for rounding."""
    size = float(np.linalg.norm(y))
    return size > 0 and float(np.linalg.norm(y - c * x)) <= fits * size
