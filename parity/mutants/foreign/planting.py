"""What a mistake is planted into: one recorded step, and what the right step made of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from parity.compare.recorded import Program
from parity.compare.recorded.applied import Applied
from parity.compare.recorded.step import Names, Step, taken
from parity.compare.rounded import Rounded
from parity.compare.rules import Update
from parity.compare.rules.rule import Move
from parity.compare.tensor import Named, Whole
from parity.compare.trace import StepTrace, of_role


class Planting(NamedTuple):
    """All that a mistake may use."""

    number: int
    program: Program
    right: StepTrace
    step: Step  # the right one, to be run on other numbers
    penalties: tuple[float, ...]  # scales of the graph's L2 penalties; a usual one where it has none

    @property
    def one(self) -> StepTrace:
        """The recorded step."""
        return self.program.trace.steps[self.number]

    def start(self, role: str) -> Named:
        return {name: tensor.array for name, tensor in of_role(self.one.start, role).items()}

    def made(self, role: str) -> Named:
        """By the right step."""
        return {name: tensor.array for name, tensor in of_role(self.right.got, role).items()}

    @property
    def ruled(self) -> list[Applied]:
        """Updates by a known rule, of the smallest variables first: these show a mistake soonest."""
        found = (self.program.update_of(name) for name in self.program.moved)
        known = [one for one in found if one is not None and one.kind is not None]
        return sorted(known, key=lambda one: self.start("weights")[one.variable].size)

    def arriving(self, grads: Named) -> Named:
        """What reaches the updates of these gradients."""
        clipping = self.program.clipping
        if clipping is None or not set(self.program.moved) <= set(grads):
            return dict(self.made("arriving")) or grads
        clipped = clipping.arriving({name: grads[name] for name in self.program.moved})
        return {name: one.value.astype(np.float32) for name, one in clipped.items()}

    def got(self, **roles: Named) -> StepTrace:
        """A step that returns these, and of all else nothing."""
        arrays = {f"{role}/{name}": array for role, named in roles.items() for name, array in named.items()}
        return StepTrace(self.one.start, {key: Whole(np.asarray(array)) for key, array in arrays.items()})

    def moved(self, applied: Applied, update: Update) -> Mapping[str, Named]:
        """Weights and slots that an update makes, as a step returns them."""
        slots = {name: one.value.astype(np.float32) for name, one in update.slots.items()}
        return {"weights": {applied.variable: update.weights.value.astype(np.float32)}, "slots": slots}

    def by(self, applied: Applied, move: Move, grad: np.ndarray, **numbers: object) -> Update | None:
        """What another rule, or other numbers, make of a gradient. None where not all was recorded."""
        assert applied.kind
        try:
            told, slots = applied.numbers(self.one) | numbers, applied.slots
            own = {slot: Rounded.of(self.one.start[f"slots/{name}"].array) for name, slot in slots.items()}
        except KeyError:
            return None
        with np.errstate(all="ignore"):
            made = move(Rounded.of(self.start("weights")[applied.variable]), Rounded.of(grad), own, told)
        return Update(made.weights, {name: made.slots[slot] for name, slot in slots.items() if slot in made.slots})

    def again(self, **given: Named) -> StepTrace:
        """The right step, on other weights, slots, batch or draws."""
        start = {**self.one.start}
        for role, named in given.items():
            start |= {f"{role}/{name}": Whole(array) for name, array in named.items()}
        return taken(self.number, self.one._replace(start=start), self.step, Names())


Plant = Callable[[Planting], Iterator[StepTrace]]  # what a step with the mistake returns, in parts, the quickest first


class Mistake(NamedTuple):
    """name: as a sentence says it; `plant` yields nothing where the program has nothing to be mistaken about."""

    name: str
    plant: Plant
