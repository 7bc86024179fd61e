"""What a mutant is: the port with one part replaced by a wrong one, and by which tier and at which tensor it must die.

The mutants themselves: `inputs.py`, `network.py`, `layout.py`, `training.py`; `hunt.py` holds them against TensorFlow.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import Array

from jaxmlp.engine import Engine, LossFn
from jaxmlp.execution import Layout
from jaxmlp.model import Params, Totals
from parity.subject.port import Port

REFUSED = "refused"  # in place of a tier: the comparison itself must refuse the trace
Change = Callable[[Port], Port]


class Mutant(NamedTuple):
    """One bug."""

    name: str
    tier: str  # that must kill it
    tensor: str  # at which
    change: Change
    only_step: int | None = None  # equivalent everywhere but at this step, where the blank image tells
    layout: Layout = "dense"  # of the engine it is in
    screened: bool = False  # whether that passes over settled images
    rest: bool = False  # needs images that fill no whole chunk
    free: bool = False  # shows in a free run only


SumGrads = Callable[[LossFn, Params, Any, Any], tuple[Totals, Params]]


@dataclasses.dataclass(frozen=True)
class WrongSums:
    """An engine whose sums go wrong: `change(right, loss, params, batch, rows)`, `right` being its own `sum_grads`."""

    engine: Engine
    change: Callable[..., tuple[Totals, Params]]

    def place(self, split: Any, device: Any) -> Any:
        return self.engine.place(split, device)

    def sum_grads(self, loss: LossFn, params: Params, batch: Any, rows: Any = None) -> tuple[Totals, Params]:
        return self.change(self.engine.sum_grads, loss, params, batch, rows)

    def map_rows(self, function: Any, params: Params, batch: Any, rows: Any = None) -> Any:
        return self.engine.map_rows(function, params, batch, rows)


def sending_back(function: Callable[..., Array], backward: Callable[..., tuple[Any, ...]]) -> Callable[..., Array]:
    """The function, but what it sends back to its inputs is `backward(inputs, grad)`."""
    wrong = jax.custom_vjp(function)
    wrong.defvjp(lambda *inputs: (function(*inputs), inputs), backward)
    return wrong


def with_engine(change: Callable[[Any], Engine]) -> Change:
    """The port on `change(engine)`, its data laid out as it was."""
    return lambda port: dataclasses.replace(port, placed=port.placed._replace(engine=change(port.placed.engine)))


def with_batch(change: Callable[[Any], Any]) -> Change:
    """The port with `change(batch)` for its training images as they were laid out."""
    return lambda port: dataclasses.replace(port, placed=port.placed._replace(train=change(port.placed.train)))
