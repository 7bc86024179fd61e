"""jaxmlp training several configurations of one shape, `members` of them: "at_once" by `vmap`, or "in_turn".

Serves `bench.grow`. A step is one of every member; its loss is the mean of theirs, its correct count the sum.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import jaxmlp
from bench.peers import jax_device
from bench.peers.ours import engine_of, execution_of
from bench.peers.protocol import Problem, Run, serve
from jaxmlp import trainer
from jaxmlp.data.dataset import Split
from jaxmlp.engine import Engine, Staircase, settle
from jaxmlp.engine.byte_matmul import PRODUCTS
from jaxmlp.program import Dense, GradientDescent, Program


def start(problem: Problem) -> Run:
    device = jax_device.use(problem.device)
    engine = engine_of(problem, device)
    batch = jax.block_until_ready(engine.place(Split(problem.images, problem.labels), device))
    states = jax.device_put(_states(problem, int(problem.options["members"])), device)
    if problem.options["how"] == "in_turn":
        return _in_turn(states, batch, engine)
    if isinstance(engine, Staircase):  # under vmap skipping settled images would compute every branch
        precision = settle(execution_of(problem), device, len(problem.labels)).precision
        engine = dataclasses.replace(engine, product=PRODUCTS[precision])
    return _at_once(states, batch, engine)


def _states(problem: Problem, members: int) -> list[trainer.State]:
    """Every member has a seed and a rate of its own, the rates the original's and below: none diverges."""
    layers, rates = (Dense(len(problem.biases_1)),), [problem.learning_rate * 0.9**member for member in range(members)]
    programs = [Program(layers, optimizer=GradientDescent(rate), seed=member) for member, rate in enumerate(rates)]
    return [trainer.init(program, len(problem.biases_2)) for program in programs]


def _in_turn(states: list[trainer.State], batch, engine: Engine) -> Run:
    def step() -> list[trainer.Metrics]:
        measured = []
        for member, state in enumerate(states):
            states[member], metrics = trainer.step(state, batch, engine=engine)
            measured.append(metrics)
        return measured

    return lambda steps: [_together(measured) for measured in jax.device_get([step() for _ in range(steps)])]


def _at_once(states: list[trainer.State], batch, engine: Engine) -> Run:
    step_all = jax.jit(jax.vmap(trainer.make_step(engine), in_axes=(0, None)), donate_argnums=0)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

    def step() -> list[trainer.Metrics]:
        nonlocal stacked
        stacked, measured = step_all(stacked, batch)
        return [measured]

    return lambda steps: [_together(measured) for measured in jax.device_get([step() for _ in range(steps)])]


def _together(measured: list[trainer.Metrics]) -> tuple[float, int]:
    losses, correct = (np.hstack(parts) for parts in zip(*measured, strict=True))
    return float(losses.mean()), int(correct.sum())


if __name__ == "__main__":
    serve(start, f"jaxmlp {jaxmlp.__version__}", jax_device.peak)
