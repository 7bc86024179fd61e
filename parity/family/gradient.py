"""The gradient that a program starts with, about which its rate and its clipping are drawn."""

import jax
import numpy as np

from jaxmlp import minibatches
from jaxmlp.data import Dataset
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from parity.compare.trace import of_role
from parity.noise.sampled import Sampler
from parity.subject.port import Port


def first_gradient(program: Program, dataset: Dataset) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of the first batch, nothing dropped from it, float64 of each tensor; and the initial weights."""
    settled = program.settled(len(dataset.train.labels))
    port = Port.of(settled, dataset, jax.devices("cpu")[0], Execution("dense", "float32"))
    rows = next(minibatches.rows(settled, len(dataset.train.labels)))
    whole = {str(i): np.ones((len(rows), layer.units), bool) for i, layer in enumerate(program.layers, 1)}
    masks = {f"masks/{i}": mask for i, mask in whole.items() if program.layers[int(i) - 1].keep_prob < 1}
    start = {**port.start(), "batch/rows": rows, **masks}
    return list(Sampler(port).gradient(start).values()), list(of_role(start, "weights").values())
