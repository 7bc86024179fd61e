"""jaxmlp step by step beside a reference: what it would start each step with by itself, and what it makes of theirs.

Every step starts from the reference's weights, slots, scalars, rows and masks, so that a rounding of one step is not
mistaken for a bug of the next. The pieces are the product's own, of `trainer.step_on`; only rows and masks are handed
over. Any `Program` is proven so.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp import minibatches, model, random_ops, trainer
from jaxmlp.data.dataset import PIXELS, Dataset
from jaxmlp.execution import Execution
from jaxmlp.model import Params
from jaxmlp.network import Network
from jaxmlp.program import Program
from jaxmlp.random_ops import Draws, Masks, draws_of
from jaxmlp.tf1 import optimizers
from parity.compare.tensor import Named
from parity.compare.trace import StepTrace, Trace, header, in_role, of_role, whole
from parity.subject.parts import Parts, Taken, take
from parity.subject.port import Port, arrays, named
from parity.subject.watched import unseen


@dataclasses.dataclass(frozen=True, eq=False)
class Stepwise:
    """A port, and what is its own from step to step; a mutant replaces a part."""

    port: Port
    evaluating: Network
    batches: Callable[[], Iterator[np.ndarray]]  # rows of each step's images, int32 [n], from step 0 on
    draws: Draws  # of the dropouts, before step 0
    masks: Callable[[Params, Draws, int], tuple[Masks, Draws]]  # of so many images, and the generators after it
    evaluated: Callable[[Params, Draws, int], Draws]  # those after so many images went through placeholders of 1

    @classmethod
    def of(cls, program: Program, dataset: Dataset, device: jax.Device, execution: Execution) -> "Stepwise":
        """The product, computed this way; a settled program."""
        port, network = Port.of(program, dataset, device, execution), Network.of(program)
        return cls(
            port,
            network.evaluating(),
            functools.partial(minibatches.rows, program, len(dataset.train.labels)),
            draws_of(program, PIXELS, port.placed.classes),
            functools.partial(random_ops.masks, network),
            functools.partial(random_ops.evaluated, network),
        )

    def trace(self, reference: Trace) -> Trace:
        """A step from each of the reference's starts, in their order. `start` is what this side has by itself:

        everything before step 0; later what does not depend on roundings: rate, rows, masks.
        """
        port = self.port
        told = header("subject", port.name, port.provenance, arrays(port.dataset), of_role(port.start(), "weights"))
        with port.precision():
            return Trace(told, {}, dict(self._steps(reference)))

    def _steps(self, reference: Trace) -> Iterator[tuple[int, StepTrace]]:
        port, batches, draws = self.port, self.batches(), self.draws
        for step, one in reference.steps.items():
            rows = next(batches)
            taken = self._take(one.arrays("start"), draws, one.got["logits_grad/logits"].array)
            draws = taken.state.draws
            own, got = self._own(taken, step, rows), self._got(taken)
            if port.program.reports(step):
                got["test/correct"] = self._test_correct(port.params(one.arrays("got")))
                if port.program.evaluation_draws:
                    draws = self.evaluated(taken.state.params, draws, port.placed.test.size)
            yield step, StepTrace(whole(own), whole(got))

    def _take(self, start: Named, draws: Draws, logits_grad: np.ndarray) -> Taken:
        state = self._state(start)._replace(draws=draws)
        order = self.port.order
        rows = start.get("batch/rows", np.arange(len(logits_grad), dtype=np.int32))
        along = [rows, logits_grad, _masks(start)]
        if order is not None:
            along = jax.tree.map(lambda array: array[order], along)
        port = self.port
        parts = Parts(port.placed.engine, port.forward, port.totals, port.method, port.changed, self.masks)
        return take(parts, state, port.placed.train, *jax.device_put(along, port.placed.device))

    def _state(self, start: Named) -> trainer.State:
        """The state that the reference starts a step with, but for its random ops."""
        params = self.port.params(start)
        slots, step = self.port.slots(params), jnp.asarray(start["step/step"].astype(np.int32))
        if isinstance(slots.optimizer, optimizers.State):
            slots = slots._replace(optimizer=_handed_slots(slots.optimizer, start, step))
        return jax.device_put(trainer.State(params, unseen(slots, params), step), self.port.placed.device)

    def _own(self, taken: Taken, step: int, rows: np.ndarray) -> Named:
        own = {"step/step": np.asarray(taken.state.step - 1, np.int64), "rate/rate": np.asarray(taken.rate)}
        if self.port.program.batching:
            own["batch/rows"] = rows
        own |= {f"masks/{name}": mask for name, mask in self._named_masks(taken.masks).items()}
        return own if step else {**self.port.start(), **self._initial(), **own}

    def _initial(self) -> Named:
        """Slots and scalars before step 0."""
        return _remembered(self.port.slots(self.port.params(self.port.start())).optimizer)

    def _named_masks(self, masks: Masks) -> Named:
        layers = self.port.program.layers
        dropped = [str(i) for i, layer in enumerate(layers, 1) if layer.keep_prob < 1]
        hidden = {name: np.asarray(mask) for name, mask in zip(dropped, masks.hidden, strict=True)}
        return hidden if masks.pixels is None else {"input": np.asarray(masks.pixels), **hidden}

    def _got(self, taken: Taken) -> Named:
        seen: Any = taken.state.slots
        got = {"loss/loss": np.asarray(taken.metrics.loss)}
        got["correct/correct"] = np.asarray(taken.metrics.correct, np.int64)
        got |= {name: self.port.in_order(array) for name, array in taken.rows.items()}
        got |= {**named("grads", seen.grads), **named("backward", taken.backward)}
        got |= named("clipped", seen.clipped) if self.port.program.clipping else {}
        return {**got, **named("weights", taken.state.params), **_remembered(seen.own.optimizer)}

    def _test_correct(self, params: Params) -> np.ndarray:
        placed = self.port.placed
        right = trainer.correct_count(params, placed.test, engine=placed.evaluator, network=self.evaluating)
        return np.asarray(right, np.int64)


def _masks(start: Named) -> Masks:
    """Those of a start, bool [n, units]."""
    masks = of_role(start, "masks")
    pixels = masks.pop("input", None)
    return Masks(pixels, tuple(masks[name] for name in sorted(masks, key=int)))


def _handed_slots(optimizer: optimizers.State, start: Named, step: Array) -> optimizers.State:
    handed = of_role(start, "slots")
    slots = {slot: _like(tree, of_role(handed, slot)) for slot, tree in optimizer.slots.items()}
    scalars = {name: jnp.asarray(start[f"scalars/{name}"]) for name in optimizer.scalars}
    return optimizer._replace(step=step, slots=slots, scalars=scalars)


def _like(params: Params, arrays: Named) -> Params:
    return jax.tree.map(lambda like, array: jnp.asarray(array, like.dtype), params, model.from_named(arrays))


def _remembered(optimizer: Any) -> Named:
    """Slots and scalars by name."""
    if not isinstance(optimizer, optimizers.State):
        return {}
    found = in_role("scalars", {name: np.asarray(number) for name, number in optimizer.scalars.items()})
    for slot, tree in optimizer.slots.items():
        found |= named(f"slots/{slot}", tree)
    return found
