"""Bugs in the staircase: what it leaves out, and whether it finds its way back to the pixels' own order."""

from unittest import mock

import jax
import jax.numpy as jnp

from jaxmlp.engine import staircase
from parity.mutant import Mutant


def mutants() -> list[Mutant]:
    """The engine `dense` has none of this."""
    return [
        Mutant("reach eight places short", "T1b", "logits", _reach_short, layout="staircase"),
        Mutant("gradient left in the layout's order", "T2b", "weights_1", _left_in_order, layout="staircase"),
        Mutant("first of a tile taken for settled", "T2b", "weights_1", _settled_first, layout="staircase"),
    ]


def _reach_short():
    genuine = staircase._bytes

    def cut(split, tiles, orders):
        return genuine(split, [tile._replace(reach=tile.reach - staircase.ALIGNMENT) for tile in tiles], orders)

    return mock.patch.object(staircase, "_bytes", cut)


def _left_in_order():
    return mock.patch.object(staircase, "_in_pixel_order", lambda permuted, places: permuted.sum(axis=0))


def _settled_first():
    genuine = staircase.skipping_settled

    def skipping(pixel_matmul):
        product = genuine(pixel_matmul)
        return lambda images, weights: _first_without_gradient(product(images, weights))

    return mock.patch.object(staircase, "skipping_settled", skipping)


@jax.custom_vjp
def _first_without_gradient(rows):
    return rows


_first_without_gradient.defvjp(lambda rows: (rows, None), lambda _, grad: (grad.at[0].set(jnp.zeros_like(grad[0])),))
