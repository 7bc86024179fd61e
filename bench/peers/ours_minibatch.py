"""jaxmlp on minibatches, by `trainer.advance`, as `python -m jaxmlp.train` drives a program with batches.

A block of steps is one dispatch. Its rows come from the host, all at once; the pixels stay on the device as bytes.
"""

import itertools

import jax
import numpy as np

import jaxmlp
from bench.peers import jax_device
from bench.peers.ours import initial, program_of
from bench.peers.protocol import Problem, Run, serve
from jaxmlp import trainer
from jaxmlp.data.dataset import Split
from jaxmlp.engine import minibatch, select
from jaxmlp.execution import Execution
from jaxmlp.trainer import Recipe

CAPACITY = 100  # the longest block


def start(problem: Problem) -> Run:
    assert problem.rows is not None
    shape = (CAPACITY, problem.rows.shape[1])
    device, batches = jax_device.use(problem.device), problem.batches()
    engine, recipe = select(Execution("dense"), device, len(problem.labels)), Recipe.of(program_of(problem))
    pool = jax.block_until_ready(minibatch.place(Split(problem.images, problem.labels), device))
    state = jax.device_put(initial(problem), device)

    def run(steps: int):
        nonlocal state
        rows = np.zeros(shape, np.int32)
        rows[:steps] = [*itertools.islice(batches, steps)]
        state, measured = trainer.advance(
            state, pool, np.int32(steps), jax.device_put(rows, device), engine=engine, capacity=CAPACITY, recipe=recipe
        )
        losses, correct = jax.device_get(measured)
        return list(zip(losses[:steps], correct[:steps], strict=True))

    return run


if __name__ == "__main__":
    serve(start, f"jaxmlp {jaxmlp.__version__}", jax_device.peak)
