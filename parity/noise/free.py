"""How far honest rounding carries a few steps of somebody's program that run on by themselves: an ensemble of them.

Every member is the evaluated graph's own step with other roundings: rows in another order, weights and slots moved to a
neighbouring float32 before each step, and all that a step moves a little longer or shorter, as where somebody writes
0.001 for what float32 makes of 1 - 0.999. Members that are no rounding any more, as where a program looks at the order
of its rows, are left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from parity.compare.limits import LOSS
from parity.compare.recorded import free
from parity.compare.recorded.limits import StepLimits
from parity.compare.recorded.recording import Program, starts
from parity.compare.recorded.step import Names, Step
from parity.compare.tensor import Named

SLACK = 3  # times the members' largest difference, as for the product's own free runs
SEEDS = (1, 2)
LITERAL = 5e-5  # 1 - 0.999 in float32 is 4.7e-5 from 0.001, relative: the farthest of the usual numbers


def limits(step: Step, program: Program) -> dict[int, dict[str, float]]:
    """By step and "role/name" the norm of what may differ; of no step where none follow each other."""
    steps = free.consecutive(program)
    if not steps:
        return {}
    base = free.run(program, steps, step, Names())
    runs = [free.run(program, steps, one, Names()) for one in members(step, program, steps[0])]
    apart = [free.compared(base, one) for one in runs]
    return {n: {key: SLACK * max(one[n][key] for one in apart) for key in keys} for n, keys in apart[0].items()}


def members(step: Step, program: Program, first: int) -> Iterator[Step]:
    """Benign variants of a step."""
    yield from (nudged(step, seed) for seed in SEEDS)
    yield from (stretched(step, factor) for factor in (1 - LITERAL, 1 + LITERAL))
    given = starts(program.trace.steps[first])
    for one in (permuted(step, seed) for seed in SEEDS if rows(given["batch"]) > 1):
        theirs, ours = (float(np.asarray(call(**given).get("loss", 0))) for call in (step, one))
        spread = program.limits.get(first, StepLimits({})).spreads.get("loss/loss")
        if abs(ours - theirs) <= LOSS * abs(theirs) + (spread.norm if spread else 0.0):
            yield one


def nudged(step: Step, seed: int) -> Step:
    """Every float moved by a unit in the last place, up or down by chance; exact zeros stay."""
    rng = np.random.default_rng(seed)

    def call(weights: Named, slots: Named, batch: Named, draws: Named) -> Mapping[str, Any]:
        return step(*nudged_arrays((weights, slots), rng), batch, draws)

    return call


def nudged_arrays(state: tuple[Named, Named], rng: np.random.Generator) -> tuple[Named, Named]:
    """Weights and slots, so moved."""
    weights, slots = ({name: _nudged(array, rng) for name, array in named.items()} for named in state)
    return weights, slots


def _nudged(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if array.dtype != np.float32:
        return array
    towards = np.where(rng.random(array.shape) < 0.5, np.float32(-np.inf), np.float32(np.inf))
    return np.where(array == 0, array, np.nextafter(array, towards))


def stretched(step: Step, factor: float) -> Step:
    """All that it moves goes so many times as far."""

    def call(weights: Named, slots: Named, batch: Named, draws: Named) -> Mapping[str, Any]:
        made = step(weights, slots, batch, draws)
        ways = {role: _stretched(made[role], old, factor) for role, old in (("weights", weights), ("slots", slots))}
        return {**made, **ways}

    return call


def _stretched(made: Mapping[str, Any], old: Named, factor: float) -> Named:
    arrays = {name: np.asarray(array) for name, array in made.items()}
    return {
        name: (old[name] + factor * (new.astype(np.float64) - old[name])).astype(new.dtype)
        if new.dtype == np.float32
        else new
        for name, new in arrays.items()
    }


def permuted(step: Step, seed: int) -> Step:
    """The rows of the batch, and of what is drawn for them, in another order."""
    rng = np.random.default_rng(seed)

    def call(weights: Named, slots: Named, batch: Named, draws: Named) -> Mapping[str, Any]:
        count = rows(batch)
        order = rng.permutation(count)
        turned = [
            {name: array[order] if array.shape[:1] == (count,) else array for name, array in named.items()}
            for named in (batch, draws)
        ]
        return step(weights, slots, *turned)

    return call


def rows(batch: Named) -> int:
    """Of a batch whose tensors have all as many; 0 where they have not."""
    counts = {len(array) for array in batch.values() if np.ndim(array)}
    return counts.pop() if len(counts) == 1 else 0
