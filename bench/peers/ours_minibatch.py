"""jaxmlp on minibatches, by `trainer.advance`, as `python -m jaxmlp.train --batch-size N` drives it.

A block of steps is one dispatch. Its rows come from the host, all at once; the pixels stay on the device as bytes.
"""

import itertools

import jax
import numpy as np

import jaxmlp
from bench.peers import jax_device
from bench.peers.ours import initial
from bench.peers.protocol import Problem, Run, serve
from jaxmlp import trainer
from jaxmlp.data.dataset import Split
from jaxmlp.engine import minibatch, select
from jaxmlp.execution import Execution
from jaxmlp.program import Adam, Batching, Dense, Program
from jaxmlp.trainer import Recipe

CAPACITY = 100  # the longest block


def start(problem: Problem) -> Run:
    assert problem.rows is not None
    shape = (CAPACITY, problem.rows.shape[1])
    device, program, batches = jax_device.use(problem.device), _program(problem), problem.batches()
    engine, recipe = select(Execution("dense"), device, len(problem.labels)), Recipe.of(program)
    pool = jax.block_until_ready(minibatch.place(Split(problem.images, problem.labels), device))
    state = jax.device_put(initial(problem, program), device)

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


def _program(problem: Problem) -> Program:
    """What a step goes by: the weights are handed over."""
    assert problem.adam
    assert problem.rows is not None
    adam, batching = Adam(problem.learning_rate, **problem.adam), Batching(problem.rows.shape[1])
    return Program((Dense(len(problem.biases_1)),), optimizer=adam, scale=problem.scale, batching=batching)


if __name__ == "__main__":
    serve(start, f"jaxmlp {jaxmlp.__version__}", jax_device.peak)
