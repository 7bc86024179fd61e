"""jaxmlp training several configurations of one shape, `members` of them: "at_once" by `vmap`, or "in_turn".

Serves `bench.grow`. A step is one of every member; its loss is the mean of theirs, its correct count the sum.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import jaxmlp
from bench.peers import jax_device
from bench.peers.ours import engine_of, execution_of, program_of
from bench.peers.protocol import Problem, Run, serve
from jaxmlp import trainer
from jaxmlp.data.dataset import Split
from jaxmlp.engine import Engine, Staircase, settle
from jaxmlp.engine.byte_matmul import PRODUCTS
from jaxmlp.trainer import Recipe


def start(problem: Problem) -> Run:
    device = jax_device.use(problem.device)
    engine = engine_of(problem, device)
    batch = jax.block_until_ready(engine.place(Split(problem.images, problem.labels), device))
    recipe = Recipe.of(program_of(problem))
    states = jax.device_put(_states(problem, int(problem.options["members"])), device)
    if problem.options["how"] == "in_turn":
        return _in_turn(states, batch, engine, recipe)
    if isinstance(engine, Staircase):  # under vmap skipping settled images would compute every branch
        precision = settle(execution_of(problem), device, len(problem.labels)).precision
        engine = dataclasses.replace(engine, product=PRODUCTS[precision])
    return _at_once(states, batch, engine, recipe)


def _states(problem: Problem, members: int) -> list[trainer.State]:
    """Every member has a seed and a rate of its own, the rates the original's and below: none diverges."""
    program, classes = program_of(problem), len(problem.layers[-1][1])
    rates = [problem.learning_rate * 0.9**member for member in range(members)]
    optimizers = [dataclasses.replace(program.optimizer, learning_rate=rate) for rate in rates]
    programs = [dataclasses.replace(program, optimizer=one, seed=member) for member, one in enumerate(optimizers)]
    return [trainer.init(program, classes) for program in programs]


def _in_turn(states: list[trainer.State], batch, engine: Engine, recipe: Recipe) -> Run:
    def step() -> list[trainer.Metrics]:
        measured = []
        for member, state in enumerate(states):
            states[member], metrics = trainer.step(state, batch, engine=engine, recipe=recipe)
            measured.append(metrics)
        return measured

    return lambda steps: [_together(measured) for measured in jax.device_get([step() for _ in range(steps)])]


def _at_once(states: list[trainer.State], batch, engine: Engine, recipe: Recipe) -> Run:
    step = trainer.make_step(engine, recipe.network.loss, recipe.method)
    step_all = jax.jit(jax.vmap(step, in_axes=(0, None)), donate_argnums=0)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

    def step_of_all() -> list[trainer.Metrics]:
        nonlocal stacked
        stacked, measured = step_all(stacked, batch)
        return [measured]

    return lambda steps: [_together(measured) for measured in jax.device_get([step_of_all() for _ in range(steps)])]


def _together(measured: list[trainer.Metrics]) -> tuple[float, int]:
    losses, correct = (np.hstack(parts) for parts in zip(*measured, strict=True))
    return float(losses.mean()), int(correct.sum())


if __name__ == "__main__":
    serve(start, f"jaxmlp {jaxmlp.__version__}", jax_device.peak)
