"""The reference of a `Program`: TensorFlow's trace, live or recorded, and the float64 truth of each of its steps."""

from collections.abc import Mapping, Sequence

import numpy as np

from jaxmlp import model
from jaxmlp.data.dataset import PIXELS, Dataset
from jaxmlp.program import Program
from parity.compare.probe import PROBE, probe_weights
from parity.compare.tensor import Named
from parity.compare.trace import Trace, of_role
from parity.noise.float64 import Truth, truth
from parity.oracle import recording
from parity.oracle.ask import Case, Oracle
from parity.oracle.live import live_trace
from parity.subject.port import arrays


def live(oracle: Oracle, program: Program, dataset: Dataset, steps: Sequence[int]) -> tuple[Trace, dict[int, Truth]]:
    """`program.steps` free steps; `steps`, all below that, and the probe, one at a time; what float64 says of each."""
    truths: dict[int, Truth] = {}

    def logits_grad(step: int, weights: Mapping[str, np.ndarray]) -> np.ndarray:
        truths[step] = truth(weights, dataset.train)
        return truths[step].logits_grad

    trace = live_trace(oracle, case(program, dataset), steps, {PROBE: probe(program, dataset)}, logits_grad)
    return trace, truths


def recorded(program: Program, dataset: Dataset, steps: Sequence[int]) -> tuple[Trace, dict[int, Truth]]:
    """As `live`, for those of `steps` that were recorded, and the probe. Raises CannotCompare."""
    trace = recording.trace(case(program, dataset), known(program, dataset), steps)
    starts = {step: of_role(one.arrays("start"), "weights") for step, one in trace.steps.items()}
    return trace, {step: truth(weights, dataset.train) for step, weights in starts.items()}


def case(program: Program, dataset: Dataset) -> Case:
    """What TensorFlow is asked about."""
    classes = len(dataset.class_names)
    return Case(program.as_dict(), program.digest(), arrays(dataset), classes, dataset.source)


def known(program: Program, dataset: Dataset) -> list[np.ndarray]:
    """What a recording need not hold: the initial weights and the probe's."""
    initial = model.named(model.init(program, PIXELS, len(dataset.class_names)))
    return [*initial.values(), *probe(program, dataset).values()]


def probe(program: Program, dataset: Dataset) -> Named:
    """Weights at which nothing hides, see `compare/probe.py`."""
    return probe_weights([PIXELS, *(layer.units for layer in program.layers), len(dataset.class_names)])
