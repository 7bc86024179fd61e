"""Mutants of the staircase: what it leaves out, and whether it finds its way back to the pixels' own order.

And of screening: which images it passes over. A bound that is a little too small shows in no number of a run, only
under the worst change of the weights there is: those are killed in tests/engine/test_screening.py.
"""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxmlp.engine import LossFn, Screening, screening
from jaxmlp.engine.ink_order import ALIGNMENT
from jaxmlp.engine.screening import Bounds, ScreenedBatch
from jaxmlp.engine.staircase import StaircaseBatch
from jaxmlp.model import Params
from jaxmlp.network import Network
from parity.mutants.mutant import Mutant, sending_back, with_batch, with_engine


def mutants() -> list[Mutant]:
    """The engine `dense` has none of this."""
    return [
        Mutant("reach eight places short", "T1b", "logits", with_batch(_reach_short), layout="staircase"),
        Mutant("gradient left in the layout's order", "T2b", "weights_1", with_batch(_unordered), layout="staircase"),
        Mutant("first of a tile taken for settled", "T2b", "weights_1", with_engine(_settled), layout="staircase"),
        _screened("settled before they are seen", "T1", "loss", Unseen),
        _screened("settled images are not counted", "T4", "training accuracy", Uncounted),
        _screened("margins of the best logit, not the label's", "T4", "loss", Confident),
    ]


def _screened(name: str, tier: str, tensor: str, kind: type[Screening]) -> Mutant:
    """What is known of images is known from the step before: a single step shows little of it, a run all."""
    change = with_engine(lambda engine: kind(engine.images))
    return Mutant(name, tier, tensor, change, layout="staircase", free=tier == "T4", screened=True)


class Unseen(Screening):
    """All margins are wide before anything is computed."""

    def unknown(self, params: Params, batch: ScreenedBatch) -> Bounds:
        bounds = super().unknown(params, batch)
        return bounds._replace(margins=jnp.full_like(bounds.margins, 1e9))


class Uncounted(Screening):
    """What is passed over is neither right nor wrong."""

    def screened(self, loss: LossFn, network: Network, params: Params, batch: ScreenedBatch, bounds: Bounds) -> Any:
        totals, grads, after = super().screened(loss, network, params, batch, bounds)
        settled = screening.is_settled(network, params, batch, bounds).sum(dtype=jnp.int32)
        return totals._replace(correct=totals.correct - settled), grads, after


class Confident(Screening):
    """An image that is far from being right is as far from being learnt as one that is right."""

    def screened(self, loss: LossFn, network: Network, params: Params, batch: ScreenedBatch, bounds: Bounds) -> Any:
        totals, grads, after = super().screened(loss, network, params, batch, bounds)
        return totals, grads, after._replace(margins=jnp.abs(after.margins))


def _reach_short(batch: StaircaseBatch) -> StaircaseBatch:
    cut = tuple(group._replace(images=group.images[..., :-ALIGNMENT]) for group in batch.tile_groups)
    return batch._replace(tile_groups=cut)


def _unordered(batch: StaircaseBatch) -> StaircaseBatch:
    return batch._replace(places=jnp.broadcast_to(jnp.arange(batch.places.shape[1]), batch.places.shape))


def _settled(engine: Any) -> Any:
    product, first_without = engine.product, sending_back(lambda rows: rows, _without_first)
    return dataclasses.replace(engine, product=lambda images, weights: first_without(product(images, weights)))


def _without_first(inputs: tuple[Array], grad: Array) -> tuple[Array]:
    return (grad.at[0].set(jnp.zeros_like(grad[0])),)
