"""Mutants of the staircase: what it leaves out, and whether it finds its way back to the pixels' own order."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxmlp.engine.staircase import ALIGNMENT, StaircaseBatch
from parity.mutants.mutant import Mutant, sending_back, with_batch, with_engine


def mutants() -> list[Mutant]:
    """The engine `dense` has none of this."""
    return [
        Mutant("reach eight places short", "T1b", "logits", with_batch(_reach_short), layout="staircase"),
        Mutant("gradient left in the layout's order", "T2b", "weights_1", with_batch(_unordered), layout="staircase"),
        Mutant("first of a tile taken for settled", "T2b", "weights_1", with_engine(_settled), layout="staircase"),
    ]


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
