"""What of a port is compiled to take one step: parts that are equal share the compiled program."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp import trainer
from jaxmlp.engine import Engine
from jaxmlp.engine.minibatch import Pool
from jaxmlp.method import Method
from jaxmlp.model import Params, Totals
from jaxmlp.random_ops import Draws, Masks
from parity.subject.watched import Watched


class Taken(NamedTuple):
    """A step as it was computed, on the device; rows of images in the order they were handed over."""

    state: trainer.State  # after it, its slots `watched.Seen`
    metrics: trainer.Metrics
    rows: dict[str, Array]  # logits/logits and logits_grad/logits [n, C]; units/1, … uint8 [n, ceil(units / 8)]
    backward: Params
    rate: Array  # float32, by its own schedule
    masks: Masks  # that it would have drawn


@dataclasses.dataclass(frozen=True)
class Parts:
    """The pieces of `trainer.step_on`, and what a mutant makes of them."""

    engine: Engine
    forward: Callable[..., Any]
    totals: Callable[[Array, Array], Totals]
    method: Method
    changed: Callable[[trainer.Step], trainer.Step]
    masks: Callable[[Params, Draws, int], tuple[Masks, Draws]]

    def step(self, state: trainer.State, data: Any, rows: Array, logits_grad: Array, masks: Masks) -> Taken:
        """From a reference's start: on these rows int32 [n] of a `Pool`, or on all that was placed, under these masks.

        `logits_grad` float [n, C] is handed over for the backward pass.
        """
        drawn, draws = self.masks(state.params, state.draws, len(rows))
        start = trainer.narrowed(state._replace(draws=draws), data)
        batch = data.take(rows, masks.pixels) if isinstance(data, Pool) else data
        step = self.changed(trainer.make_step(self.engine, self.loss, Watched(self.method)))
        after, metrics = step(start, batch, masks.hidden)
        seen = self.engine.map_rows(self.of_rows, start.params, batch, masks.hidden)
        seen["logits_grad/logits"] = seen["logits_grad/logits"] / batch.size
        _, backward = self.engine.sum_grads(self.handed_over, start.params, batch, (masks.hidden, logits_grad))
        if isinstance(data, Pool) and data.inked:
            backward = data.inked.spread(backward)
        return Taken(trainer.widened(after, state, data), metrics, seen, backward, _rate(state), drawn)

    def loss(self, inputs: Array, rest: Params, labels: Array, masks: Any) -> Totals:
        """The `engine.LossFn` of these parts."""
        return self.totals(self.forward(inputs, rest, masks).logits, labels)

    def of_rows(self, inputs: Array, rest: Params, labels: Array, masks: Any) -> dict[str, Array]:
        """What a step shows of n images."""
        seen = self.forward(inputs, rest, masks)
        grad = jax.grad(lambda logits: self.totals(logits, labels).loss)(seen.logits)
        units = {f"units/{i}": jnp.packbits(outputs > 0, axis=1) for i, outputs in enumerate(seen.inputs, 1)}
        return {"logits/logits": seen.logits, "logits_grad/logits": grad, **units}

    def handed_over(self, inputs: Array, rest: Params, labels: Array, both: Any) -> Totals:
        """Whose gradient is what a derivative by the logits sends back."""
        masks, grad = both
        logits = self.forward(inputs, rest, masks).logits
        return Totals((logits * grad.astype(logits.dtype)).sum(), jnp.zeros((), jnp.int32))


take = jax.jit(Parts.step, static_argnums=0)


def _rate(state: trainer.State) -> Array:
    """That of the step which follows."""
    slots: Any = state.slots
    rate = slots.own.optimizer.hyperparams["learning_rate"]
    return jnp.asarray(rate.in_training(state.step) if callable(rate) else rate, jnp.float32)
