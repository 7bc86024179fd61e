"""A recording of somebody's program: what TensorFlow computed at chosen steps, and what rounding may do to each.

One script may train several programs; each is a trace (`compare/trace.py`) with the graph it is of. Of a step's start:
weights/NAME (what the updates move), slots/NAME (all other variables), batch/TENSOR (fed, or from an iterator),
draws/TENSOR (from a random op), numbers/OP/ARGUMENT (a rate, as it reached the update). Of what it got: loss/loss,
logits/logits, grads/NAME, arriving/NAME (the gradient that reached the update), weights/NAME, slots/NAME.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from parity.compare.recorded.applied import Applied
from parity.compare.recorded.clips import Clipping
from parity.compare.recorded.limits import StepLimits
from parity.compare.tensor import Named
from parity.compare.trace import StepTrace, Trace
from parity.errors import CannotCompare


class Graph(NamedTuple):
    """A TensorFlow graph as plain data."""

    nodes: Sequence[Mapping[str, Any]]
    constants: Named  # of its Const nodes, by their names
    functions: Mapping[str, Any]  # that nodes may call, by name


class Program(NamedTuple):
    """One set of update ops of one graph."""

    fields: Mapping[str, Any]  # as raw.json tells it
    trace: Trace
    graph: int  # its number among the recording's
    limits: Mapping[int, StepLimits]  # by step; none before they were sampled
    clipping: Clipping | None  # what lies between gradient and update, as far as it is known
    free: Mapping[int, Mapping[str, float]] = {}  # by step and "role/name", how far a free run may be; see free.py

    @property
    def updates(self) -> list[Applied]:
        return [Applied(**one) for one in self.fields["updates"]]

    @property
    def moved(self) -> list[str]:
        """The variables that the updates move, in their order."""
        return list(dict.fromkeys(one.variable for one in self.updates))

    @property
    def name(self) -> str:
        """In a few words: what moves what."""
        kinds = " and ".join(dict.fromkeys(one.type.removeprefix("Resource") for one in self.updates))
        return f"{kinds} of {', '.join(self.moved)}"

    def update_of(self, variable: str) -> Applied | None:
        """The one update op of a variable; None where there are more, whose results only come together."""
        found = [one for one in self.updates if one.variable == variable]
        return found[0] if len(found) == 1 else None


class Recording(NamedTuple):
    """All that is kept of one run of a script."""

    provenance: Mapping[str, Any]  # versions, machine, script, how it ended, notes
    programs: Sequence[Program]
    graphs: Sequence[Graph]
    content: str = ""  # SHA-256 of the file it was read from

    def program(self, number: int | None = None) -> Program:
        """The one of that number, by default the only one. Raises `CannotCompare`."""
        count = len(self.programs)
        if number is None and count != 1:
            told = "; ".join(f"{i}: {one.name}" for i, one in enumerate(self.programs))
            raise CannotCompare(f"the recording has {count} programs, name one by its number: {told}")
        if number is not None and not 0 <= number < count:
            raise CannotCompare(f"program {number} is not in the recording, which has {count}, from 0 on")
        return self.programs[number or 0]


def starts(one: StepTrace) -> dict[str, dict[str, np.ndarray]]:
    """What a step is given: weights, slots, batch and draws, each by name; copies, for a step may write into them."""
    found: dict[str, dict[str, np.ndarray]] = {role: {} for role in ("weights", "slots", "batch", "draws")}
    for key, tensor in one.start.items():
        role, _, name = key.partition("/")
        if role in found:
            found[role][name] = tensor.array.copy()
    return found
