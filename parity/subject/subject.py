"""What a subject is, and how its trace is taken: a start, consecutive steps from given weights, a free run.

Tensors travel as dicts by "role/name": "weights/weights_1", "grads/biases_2", …; see `compare/trace.py`.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from parity.compare.tensor import Named
from parity.compare.trace import StepTrace, Trace, header, in_role, of_role, whole


class Measured(NamedTuple):
    """What one step of a free run measured."""

    step: int
    loss: np.floating[Any]
    correct: int  # training images classified right, before the update
    test_correct: int | None  # test images, after it; None where none were evaluated


class Subject(Protocol):
    """A program that is held against TensorFlow."""

    @property
    def name(self) -> str: ...

    @property
    def provenance(self) -> dict[str, Any]: ...  # versions, device and settings, for the report

    def start(self) -> Named: ...  # the weights before step 0, "weights/weights_1" and so on, as the subject draws them

    def steps(self, start: Named, count: int) -> list[Named]:
        """So many consecutive steps from the start: loss, correct, grads, and the weights after each.

        The first also holds logits and units. What the subject remembers from step to step goes along.
        """
        ...

    def backward(self, start: Named, logits_grad: np.ndarray) -> Named:
        """Gradient of the mean loss, its derivative by an image's logits, float32 [N, C], handed over."""
        ...

    def free(self) -> Iterator[Measured]: ...  # the run left to itself, step by step


def trace(
    subject: Subject,
    data: Named,
    starts: Mapping[int, Named],
    logits_grads: Mapping[int, np.ndarray],
    free_steps: int,
    tell: Callable[[], None] = lambda: None,
) -> Trace:
    """A step, and the one after it, from each of the starts; a free run of the first `free_steps` steps.

    `data` is what the digests are taken of, in the order of the reference. `tell` hears of each start and free step.
    """
    told = header("subject", subject.name, subject.provenance, data, of_role(subject.start(), "weights"))
    measured: list[Measured] = []
    for one in itertools.islice(subject.free(), free_steps):
        measured.append(one)
        tell()
    steps: dict[int, StepTrace] = {}
    for step, start in starts.items():
        steps[step] = _step(subject, start, logits_grads[step])
        tell()
    return Trace(told, series(measured), steps)


def series(measured: Sequence[Measured]) -> Named:
    """The series of a trace: losses, corrects, and test counts by step."""
    tested = [one for one in measured if one.test_correct is not None]
    return {
        "losses": np.array([one.loss for one in measured]),
        "corrects": np.array([one.correct for one in measured], np.int64),
        "test_steps": np.array([one.step for one in tested], np.int64),
        "test_corrects": np.array([one.test_correct for one in tested], np.int64),
    }


def _step(subject: Subject, start: Named, logits_grad: np.ndarray) -> StepTrace:
    first, second = subject.steps(start, 2)
    after = in_role("weights", of_role(first, "weights"))
    got = {**first, **subject.backward(start, logits_grad)}
    return StepTrace(whole(start), whole(got), StepTrace(whole(after), whole(second)))
