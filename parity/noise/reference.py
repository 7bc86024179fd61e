"""The reference of a `Program`: TensorFlow's trace, live or recorded, and the float64 truth of each of its steps."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxmlp import model
from jaxmlp.data.dataset import PIXELS, Dataset
from jaxmlp.program import Program
from jaxmlp.progress import Progress
from parity.compare.probe import PROBE, probe_weights
from parity.compare.tensor import Named
from parity.compare.trace import Trace, of_role
from parity.noise.float64 import Truth, truth
from parity.oracle import recording
from parity.oracle.ask import Case, Oracle
from parity.oracle.live import live_trace
from parity.subject.port import Port, arrays
from parity.subject.subject import trace

FLOAT64 = "working out in float64 what rounding may do"


class Reference(NamedTuple):
    """What a subject is held against."""

    trace: Trace
    truths: Mapping[int, Truth]

    def followed_by(self, subject: Port, free_steps: int, tell: Callable[[], None] = lambda: None) -> Trace:
        """The subject's trace from the reference's weights; its free run of so many steps. `tell` hears of each."""
        starts = {step: one.arrays("start") for step, one in self.trace.steps.items()}
        logits_grads = {step: truth.logits_grad for step, truth in self.truths.items()}
        return trace(subject, arrays(subject.dataset), starts, logits_grads, free_steps, tell)


def live(oracle: Oracle, program: Program, dataset: Dataset, steps: Sequence[int]) -> Reference:
    """`program.steps` free steps; `steps`, all below that, and the probe, one at a time; what float64 says of each."""
    truths: dict[int, Truth] = {}
    running = f"TensorFlow runs {program.steps} steps"
    with Progress(len(steps) + 3, "piece", running) as progress:  # the free run, each start's truth, the starts' steps

        def logits_grad(step: int, weights: Mapping[str, np.ndarray]) -> np.ndarray:
            progress.update()
            progress.describe(FLOAT64)
            truths[step] = truth(weights, dataset.train)
            if len(truths) > len(steps):
                progress.describe("TensorFlow takes each step")
            return truths[step].logits_grad

        told = live_trace(oracle, case(program, dataset), steps, {PROBE: probe(program, dataset)}, logits_grad)
    return Reference(told, truths)


def recorded(program: Program, dataset: Dataset, steps: Sequence[int]) -> Reference:
    """As `live`, for those of `steps` that were recorded, and the probe. Raises CannotCompare."""
    told = recording.trace(case(program, dataset), known(program, dataset), steps)
    starts = {step: of_role(one.arrays("start"), "weights") for step, one in told.steps.items()}
    truths: dict[int, Truth] = {}
    with Progress(len(starts), "step", FLOAT64) as progress:
        for step, weights in starts.items():
            truths[step] = truth(weights, dataset.train)
            progress.update()
    return Reference(told, truths)


def case(program: Program, dataset: Dataset) -> Case:
    """What TensorFlow is asked about."""
    return Case(program.as_dict(), program.digest(), arrays(dataset), len(dataset.class_names), dataset.source)


def known(program: Program, dataset: Dataset) -> list[np.ndarray]:
    """What a recording need not hold: the initial weights and the probe's."""
    initial = model.named(model.init(program, PIXELS, len(dataset.class_names)))
    return [*initial.values(), *probe(program, dataset).values()]


def probe(program: Program, dataset: Dataset) -> Named:
    """Weights at which nothing hides, see `compare/probe.py`."""
    return probe_weights([PIXELS, *(layer.units for layer in program.layers), len(dataset.class_names)])
