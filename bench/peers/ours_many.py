"""jaxmlp training several configurations of one shape, `members` of them: "at_once" by `vmap`, or "in_turn".

Serves `bench.grow`. A step is one of every member; its loss is the mean of theirs, its correct count the sum.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

import jaxmlp
from bench.peers import jax_device
from bench.peers.ours import engine_of
from bench.peers.protocol import Problem, Run, serve
from jaxmlp import trainer
from jaxmlp.config import Config
from jaxmlp.data.dataset import Split
from jaxmlp.engine import Staircase


def start(problem: Problem) -> Run:
    device = jax_device.use(problem.device)
    engine = engine_of(problem, device)
    batch = jax.block_until_ready(engine.prepare(Split(problem.images, problem.labels), device))
    states = jax.device_put(_states(problem, int(problem.options["members"])), device)
    if problem.options["how"] == "in_turn":
        return _in_turn(states, batch, engine)
    return _at_once(states, batch, engine)


def _states(problem: Problem, members: int) -> list[trainer.State]:
    """Every member has a seed and a rate of its own, the rates the original's and below: none diverges."""
    configs = [
        Config(hidden=len(problem.biases_1), seed=member, learning_rate=problem.learning_rate * 0.9**member)
        for member in range(members)
    ]
    return [trainer.init(config, len(problem.biases_2)) for config in configs]


def _in_turn(states: list[trainer.State], batch, engine) -> Run:
    def step() -> list[trainer.Outcome]:
        outcomes = []
        for member, state in enumerate(states):
            states[member], outcome = trainer.step(state, batch, engine=engine)
            outcomes.append(outcome)
        return outcomes

    return lambda steps: [_together(outcomes) for outcomes in jax.device_get([step() for _ in range(steps)])]


def _at_once(states: list[trainer.State], batch, engine) -> Run:
    if isinstance(engine, Staircase):
        engine = dataclasses.replace(engine, skip_settled=False)  # under vmap every branch of the skip is computed
    update = jax.vmap(functools.partial(trainer.update, engine=engine), in_axes=(0, None))
    step_all = jax.jit(update, donate_argnums=0)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

    def step() -> list[trainer.Outcome]:
        nonlocal stacked
        stacked, outcomes = step_all(stacked, batch)
        return [outcomes]

    return lambda steps: [_together(outcomes) for outcomes in jax.device_get([step() for _ in range(steps)])]


def _together(outcomes: list[trainer.Outcome]) -> tuple[float, int]:
    losses, correct = (np.hstack(parts) for parts in zip(*outcomes, strict=True))
    return float(losses.mean()), int(correct.sum())


if __name__ == "__main__":
    serve(start, f"jaxmlp {jaxmlp.__version__}", jax_device.peak)
