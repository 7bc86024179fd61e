"""jaxmlp itself, by `trainer` and an engine, as `python -m jaxmlp.train` drives it. Options: those of an `Execution`.

A step at a time on a CPU; elsewhere a block of steps is one dispatch of `trainer.advance`, as in a run.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxmlp
from bench.peers import arithmetic, jax_device
from bench.peers.protocol import Arithmetic, Problem, Run, serve
from jaxmlp import trainer
from jaxmlp.data.dataset import Split
from jaxmlp.engine import Dense, Engine, Screening, Staircase, select
from jaxmlp.execution import Execution
from jaxmlp.model import Layer
from jaxmlp.program import Program
from jaxmlp.trainer import Recipe

CAPACITY = 100  # the longest block: the original's distance from one report to the next


class Training:
    """A run that goes on from call to call."""

    def __init__(self, engine: Engine, recipe: Recipe, state: trainer.State, batch: Any, device: jax.Device):
        self._engine, self._recipe, self._state, self._batch = engine, recipe, state, batch
        self._take = _step_by_step if device.platform == "cpu" else _in_one_dispatch

    def __call__(self, steps: int):
        self._state, measured = self._take(self._state, self._batch, steps, self._engine, self._recipe)
        return measured

    def arithmetic(self, steps: int) -> Arithmetic:
        """What the next steps compute: on a CPU there is one, elsewhere they are all alike."""
        one = arithmetic.of_step(self._engine, self._recipe.network, self._state.params, self._batch)
        return {dtype: steps * count for dtype, count in one.items()}


def start(problem: Problem) -> Run:
    device = jax_device.use(problem.device)
    engine = engine_of(problem, device)
    batch = jax.block_until_ready(engine.place(Split(problem.images, problem.labels), device))
    state = trainer.with_bounds(jax.device_put(initial(problem), device), engine, batch, device)
    return Training(engine, Recipe.of(program_of(problem)), state, batch, device)


def engine_of(problem: Problem, device: jax.Device) -> Engine:
    """The engine that the contender's options name. Raises RuntimeError where `select` gives another than asked for."""
    layout = problem.options.get("layout", "auto")
    engine = select(execution_of(problem), device, len(problem.labels))
    of_layout = {"dense": Dense, "staircase": (Staircase, Screening)}
    if layout != "auto" and not isinstance(engine, of_layout[layout]):
        raise RuntimeError(f"layout {layout} was asked for, but jaxmlp.engine.select gives {type(engine).__name__}")
    return engine


def execution_of(problem: Problem) -> Execution:
    """Not screened unless asked for: what the first steps leave out is not what a run does."""
    defaults = {"layout": "auto", "precision": "auto", "screening": "off"}
    return Execution(**{name: problem.options.get(name, default) for name, default in defaults.items()})  # pyright: ignore[reportArgumentType]


def initial(problem: Problem) -> trainer.State:
    """The program's state before step 0, with the problem's own weights."""
    params = tuple(Layer(jnp.array(weights), jnp.array(biases)) for weights, biases in problem.layers)
    return trainer.state_of(program_of(problem), params)


def program_of(problem: Problem) -> Program:
    """The very program that the problem was written from."""
    return Program.from_dict(problem.program)


def _step_by_step(state: trainer.State, batch, steps: int, engine: Engine, recipe: Recipe):
    measured = []
    for _ in range(steps):
        state, metrics = trainer.step(state, batch, engine=engine, recipe=recipe)
        measured.append(metrics)
    return state, jax.device_get(measured)


def _in_one_dispatch(state: trainer.State, batch, steps: int, engine: Engine, recipe: Recipe):
    state, measured = trainer.advance(state, batch, np.int32(steps), engine=engine, capacity=CAPACITY, recipe=recipe)
    losses, correct = jax.device_get(measured)
    return state, list(zip(losses[:steps], correct[:steps], strict=True))


if __name__ == "__main__":
    serve(start, f"jaxmlp {jaxmlp.__version__}", jax_device.peak)
