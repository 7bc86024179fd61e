"""Mistakes of what a step writes beside its updates: counters, powers, moving averages."""

from collections.abc import Iterator

import numpy as np

from parity.compare.tensor import Named
from parity.compare.trace import StepTrace
from parity.mutants.foreign.planting import Mistake, Planting


def catalogue() -> list[Mistake]:
    """All of them."""
    return [
        Mistake("a counter, a power or a moving average is not updated", kept),
        Mistake("it is updated twice", twice),
        Mistake("a moving average is of the weights before the update, or after it", other_moment),
    ]


def kept(planting: Planting) -> Iterator[StepTrace]:
    """As it was."""
    for name in _written(planting):
        yield planting.got(slots={name: planting.start("slots")[name]})


def twice(planting: Planting) -> Iterator[StepTrace]:
    """Moved by as much again."""
    for name, after in _written(planting).items():
        before = planting.start("slots")[name]
        if after.dtype.kind in "iuf":
            yield planting.got(slots={name: (after + (after - before)).astype(after.dtype)})


def other_moment(planting: Planting) -> Iterator[StepTrace]:
    """By the share that the average takes of a new value."""
    weights, after = planting.start("weights"), planting.made("weights")
    for name, average in _written(planting).items():
        base = next((own for own in weights if name.startswith(f"{own}/")), None)
        before = planting.start("slots")[name]
        if base is None or base not in after or average.shape != weights[base].shape:
            continue
        for first, other in ((weights[base], after[base]), (after[base], weights[base])):
            rest = (first - before).reshape(-1).astype(np.float64)
            size = float(rest @ rest)
            share = float(rest @ (average - before).reshape(-1)) / size if size else 0.0
            if size and np.allclose(before + share * (first - before), average, rtol=1e-5, atol=1e-7):
                yield planting.got(slots={name: (average + share * (other - first)).astype(average.dtype)})


def _written(planting: Planting) -> Named:
    """What changes and no update op moves, the smallest first."""
    ruled = {slot for one in planting.ruled for slot in one.slots}
    made, start = planting.made("slots"), planting.start("slots")
    found = {k: a for k, a in made.items() if k not in ruled and not np.array_equal(a, start[k])}
    return dict(sorted(found.items(), key=lambda pair: pair[1].size))
