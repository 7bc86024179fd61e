"""The schedule of a rate, found by what it gives: a graph's form is not asked.

The graph's rate is evaluated at many steps. Each kind of schedule is tried with the numbers that stand in the graph.
"""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxmlp import method
from jaxmlp import program as parts
from jaxmlp.errors import ConfigError
from parity.subject.graph.evaluation import Evaluation
from parity.subject.graph.node import tensor_name
from parity.subject.port_writer.expression import NotWritten, short
from parity.subject.port_writer.reading import Reading

KINDS = (
    *(parts.ExponentialDecay, parts.NaturalExpDecay, parts.InverseTimeDecay),
    *(parts.PolynomialDecay, parts.CosineDecay),
)
NEAR, ROUNDED = 1e-5, 1e-7  # between two float32 ways of one formula: relative, and of the first rate
FIRST = (0, 1, 2, 3, 7, 11, 101)  # steps that are looked at, whatever the numbers
LAST = 2**30


def schedule_of(reading: Reading, rate: str, counter: str) -> parts.Schedule:
    """Of the rate's tensor, by the variable that it counts by. Raises `NotWritten` where none gives the same."""
    numbers = _numbers(reading, rate)
    steps = _looked_at(numbers)
    rates = _rates(reading, rate, counter, steps)
    tried = itertools.chain(_candidates(numbers, float(rates[0])), _in_pieces(reading, rate, counter, numbers))
    for one in tried:
        if np.allclose(_given(one, steps), rates, rtol=NEAR, atol=ROUNDED * abs(float(rates[0]))):
            return one
    raise NotWritten("a learning rate that changes as no schedule of a program does")


def _numbers(reading: Reading, rate: str) -> list[float]:
    """The scalars behind a rate, as float32 shows them, and what a schedule is often given."""
    found = [0.0, 1.0]
    for node in reading.graph.behind(rate):
        value = reading.graph.constants.get(node.name) if node.op == "Const" else None
        if value is not None and np.size(value) == 1 and np.asarray(value).dtype.kind in "fiu":
            found.append(short(np.asarray(value).reshape(-1)[0]))
    return sorted(dict.fromkeys(found))


def _looked_at(numbers: list[float]) -> np.ndarray:
    """Around what may be a number of steps, and its multiples.

    Not these: a session makes step / n a product by 1 / n, and a staircase may jump a step later than the graph says.
    """
    turns = [int(one) for one in numbers if one > 1 and one == int(one)]
    around = {step for many in turns for step in (many // 2, many - 1, many + 1, 2 * many + 1, 3 * many + 1)}
    between = (step for step in {*FIRST, *around} if step == 0 or all(step % many for many in turns))
    return np.array(sorted(step for step in between if step < LAST), np.int32)


def _rates(reading: Reading, rate: str, counter: str, steps: np.ndarray) -> np.ndarray:
    """What the graph gives, float32."""
    start = reading.starts[0]
    known, variables = {**start["batch"], **start["draws"]}, {**start["slots"], **start["weights"]}
    kind = variables[counter].dtype

    def at(step: np.integer[Any]) -> np.ndarray:
        run = Evaluation(reading.graph, known, {**variables, counter: np.asarray(step, kind)})
        return np.asarray(run.values([tensor_name(rate)])[0])

    with jax.enable_x64(True):
        return np.array([at(step) for step in steps], np.float32)


def _candidates(numbers: list[float], first: float) -> Iterator[parts.Schedule]:
    """All of these kinds that start at this rate."""
    starts = [one for one in numbers if np.isclose(one, first, rtol=NEAR, atol=0)]
    whole = [int(one) for one in numbers if one >= 1 and one == int(one)]
    for kind in KINDS:
        fields = {field.name: field.type for field in dataclasses.fields(kind)}
        choices = {int: whole, float: numbers, bool: (False, True)}
        given: list[Any] = [starts if name == "learning_rate" else choices[type_] for name, type_ in fields.items()]
        for values in itertools.product(*given):
            try:
                yield kind(*values)
            except ConfigError:
                continue


def _in_pieces(reading: Reading, rate: str, counter: str, numbers: list[float]) -> Iterator[parts.Schedule]:
    """What changes at some of the numbers, and nowhere between."""
    ends = [int(one) for one in numbers if one == int(one) and 0 <= one < LAST]
    pairs = _rates(reading, rate, counter, np.array([[end, end + 1] for end in ends], np.int32).reshape(-1))
    changes = [(end, *pair) for end, pair in zip(ends, pairs.reshape(-1, 2), strict=True) if pair[0] != pair[1]]
    if changes:
        values = [changes[0][1], *(after for *_, after in changes)]
        yield parts.PiecewiseConstant(tuple(end for end, *_ in changes), tuple(map(short, values)))


def _given(schedule: parts.Schedule, steps: np.ndarray) -> np.ndarray:
    return np.asarray(_at_all(method.rate(schedule), steps))


@jax.jit
def _at_all(schedule: Any, steps: jax.Array) -> jax.Array:
    """Compiled once a kind: its numbers are data."""
    return jax.vmap(schedule.in_training)(steps)
