"""A `Method` that shows what it was handed: the gradient before and behind its clipping."""

import dataclasses
from typing import Any, NamedTuple

import jax
from jax import Array

from jaxmlp.method import Method, Slots
from jaxmlp.model import Params
from jaxmlp.tf1.rounding import fenced


class Seen(NamedTuple):
    """What a `Watched` method remembers; slots of a `trainer.State` like any other."""

    own: Slots
    grads: Params  # of the last step: of loss and penalty
    clipped: Params  # what arrived at the optimizer


@dataclasses.dataclass(frozen=True)
class Watched:
    """A method that keeps the gradient it was handed.

    XLA looks through the border between engine and optimizer: it may compute S / N · η as S · (η / N), which is two
    units in the last place from η times the gradient it reports, or S / N + s as one FMA, which never rounds S / N.
    The barrier and the fence make the gradient a value of its own; either alone lets one of the two through.
    """

    method: Method

    def __call__(self, mean: Params, seen: Seen, params: Params) -> tuple[Params, Seen]:
        grads = _kept(self.method.regularized(mean, seen.own, params))
        clipped = _kept(self.method.clipped(grads, seen.own))
        params, own = self.method.updated(clipped, seen.own, params)
        return params, Seen(own, grads, clipped)

    def penalty(self, params: Params, seen: Seen) -> Array | None:
        return self.method.penalty(params, seen.own)


def _kept(grads: Params) -> Params:
    return jax.tree.map(fenced, jax.lax.optimization_barrier(grads))


def unseen(slots: Slots, params: Params) -> Any:
    """Before the first step."""
    nothing = jax.tree.map(jax.numpy.zeros_like, params)
    return Seen(slots, nothing, nothing)
