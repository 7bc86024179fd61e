"""jaxmlp on minibatches, by `trainer.advance`, as `python -m jaxmlp.train` drives a program with batches.

A block of steps is one dispatch. Its rows come from the host, all at once; the pixels stay on the device as bytes.
Those that are blank in all images are left out, where the program's method leaves their weights as they are.
"""

import itertools

import jax
import numpy as np

import jaxmlp
from bench.peers import arithmetic, jax_device
from bench.peers.ours import initial, program_of
from bench.peers.protocol import Arithmetic, Problem, Run, serve
from jaxmlp import placement, trainer
from jaxmlp.data.dataset import Split
from jaxmlp.engine import minibatch, select
from jaxmlp.execution import Execution
from jaxmlp.trainer import Recipe

CAPACITY = 100  # the longest block


class Training:
    """A run that goes on from call to call."""

    def __init__(self, problem: Problem, device: jax.Device):
        assert problem.rows is not None
        program, split = program_of(problem), Split(problem.images, problem.labels)
        self._engine = select(Execution("dense"), device, len(problem.labels))
        self._pool = jax.block_until_ready(minibatch.place(split, device, placement.pooled(program) == "inked"))
        self._recipe, self._state = Recipe.of(program), jax.device_put(initial(problem), device)
        self._shape, self._batches, self._device = (CAPACITY, problem.rows.shape[1]), problem.batches(), device

    def __call__(self, steps: int):
        rows = np.zeros(self._shape, np.int32)
        rows[:steps] = [*itertools.islice(self._batches, steps)]
        on_device, recipe = jax.device_put(rows, self._device), self._recipe
        self._state, measured = trainer.advance(
            self._state, self._pool, np.int32(steps), on_device, engine=self._engine, capacity=CAPACITY, recipe=recipe
        )
        losses, correct = jax.device_get(measured)
        return list(zip(losses[:steps], correct[:steps], strict=True))

    def arithmetic(self, steps: int) -> Arithmetic:
        """What the next steps compute, all alike."""
        one = arithmetic.of_minibatch(self._engine, self._state.params, self._pool, self._shape[1])
        return {dtype: steps * count for dtype, count in one.items()}


def start(problem: Problem) -> Run:
    return Training(problem, jax_device.use(problem.device))


if __name__ == "__main__":
    serve(start, f"jaxmlp {jaxmlp.__version__}", jax_device.peak)
