"""Times a sweep's cells of one shape trained in turn against all at once by `jax.vmap`.

`python docs/at_once.py --data mnist`, from a clone: 784-256-256-10, Adam, minibatches of 128, four learning rates. Both
ways train from the same weights on the same batches; their losses must agree before anything is timed.
"""

import argparse
import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmlp import minibatches, placement, trainer
from jaxmlp.data import Dataset, load
from jaxmlp.execution import Execution
from jaxmlp.program import Adam, Batching, Dense, Output, Program, TruncatedNormal

RATES = (3e-4, 1e-3, 3e-3, 1e-2)
KERNEL = TruncatedNormal(0.05)

Train = Callable[[Any, np.ndarray], tuple[Any, np.ndarray]]  # states, rows [steps, n] -> states, losses [steps, rates]


class Ways(NamedTuple):
    """Both ways, and the states they start from, made anew for each: a step may overwrite its state."""

    in_turn: Train
    at_once: Train
    states: Callable[[], list[trainer.State]]
    rows: Callable[[int], np.ndarray]  # int32 [steps, n], the first ones


def ways(dataset: Dataset, hidden: int = 256, size: int = 128) -> Ways:
    """Four programs of one shape on the first CPU or accelerator."""
    layers, batching = (Dense(hidden, KERNEL), Dense(hidden, KERNEL)), Batching(size, "shuffled")
    programs = [
        Program(layers, Output(KERNEL), Adam(rate), batching=batching, scale=255, report_every=None) for rate in RATES
    ]
    placed = placement.place(Execution(), dataset, jax.devices()[0], "all")
    common = {"engine": placed.engine, "recipe": trainer.Recipe.of(programs[0])}

    def in_turn(states: list[trainer.State], rows: np.ndarray) -> tuple[Any, np.ndarray]:
        count, rows_there = jax.device_put(np.int32(len(rows))), jax.device_put(rows)
        measured = []
        for i, state in enumerate(states):
            states[i], metrics = trainer.advance(state, placed.train, count, rows_there, capacity=len(rows), **common)
            measured.append(jax.device_get(metrics.loss))
        return states, np.stack(measured, axis=1)

    step = functools.partial(trainer.step_on, **common)

    @functools.partial(jax.jit, donate_argnums=0)
    def advance(stacked: Any, batch: Any, rows: jax.Array) -> tuple[Any, jax.Array]:
        def body(stacked: Any, own: jax.Array) -> tuple[Any, jax.Array]:
            stacked, metrics = jax.vmap(step, in_axes=(0, None, None))(stacked, batch, own)
            return stacked, metrics.loss

        return jax.lax.scan(body, stacked, rows)

    def at_once(states: Any, rows: np.ndarray) -> tuple[Any, np.ndarray]:
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states) if isinstance(states, list) else states
        stacked, losses = advance(stacked, placed.train, jax.device_put(rows))
        return stacked, jax.device_get(losses)

    def rows(steps: int) -> np.ndarray:
        of_steps = minibatches.rows(programs[0], len(dataset.train.labels))
        return np.stack([next(of_steps) for _ in range(steps)])

    return Ways(in_turn, at_once, lambda: [trainer.init(one, placed.classes) for one in programs], rows)


def seconds(train: Train, states: Any, rows: np.ndarray) -> tuple[tuple[float, float], Any]:
    """Of one call, its losses on the host: on the clock, and of all processors; and the states after it."""
    wall, processors = time.perf_counter(), time.process_time()
    states, _ = train(states, rows)
    return (time.perf_counter() - wall, time.process_time() - processors), states


def main() -> None:
    parser = argparse.ArgumentParser(description="In turn against at once.")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--steps", type=int, default=100, help="of every program, a round")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    both = ways(load(options.data))
    rows = both.rows(options.steps)
    in_turn, turned = both.in_turn(both.states(), rows)
    at_once, vmapped = both.at_once(both.states(), rows)
    np.testing.assert_allclose(turned[:5], vmapped[:5], rtol=1e-4)
    times = []
    for _ in range(options.rounds):
        first, in_turn = seconds(both.in_turn, in_turn, rows)
        second, at_once = seconds(both.at_once, at_once, rows)
        times.append((first, second))
    found = np.array(times)  # seconds [rounds, in turn or at once, clock or processors]
    microseconds = 1e6 * np.median(found, axis=0) / (options.steps * len(RATES))
    for name, (wall, processors) in zip(("in turn", "at once"), microseconds, strict=True):
        print(f"{name}: {wall:.0f} us a step of one program, {processors:.0f} us of processors")
    ratios = np.sort(found[:, 0, 0] / found[:, 1, 0])
    print(f"at once is {np.median(ratios):.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
