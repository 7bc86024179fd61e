"""The random ops of a program's step, its dropouts: each draws from its own TensorFlow stream, step after step."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jaxmlp import model
from jaxmlp.model import Params
from jaxmlp.network import Network
from jaxmlp.program import Program
from jaxmlp.tf1 import dropout
from jaxmlp.tf1.generators import Generator, generator
from jaxmlp.tf1.random import stream

Draws = tuple[Generator, ...]  # of the pixels' dropout, if there is one, and of each hidden layer's that has one
MOST = 2**22  # values drawn at a time: their random words take 16 bytes each


class Masks(NamedTuple):
    """What a step's dropouts keep of n images."""

    pixels: Array | None  # bool [n, P]
    hidden: tuple[Array, ...]  # bool [n, units] of each hidden layer that has dropout, in their order


def draws_of(program: Program, pixels: int, classes: int) -> Draws:
    """The generators before the first step."""
    seeds = model.op_seeds(program, pixels, classes).dropouts
    return tuple(generator(stream(program.seed, seed)) for seed in seeds)


def masks(network: Network, params: Params, draws: Draws, images: int) -> tuple[Masks, Draws]:
    """The masks of a step on so many images, and the generators for the next."""
    drawn, moved = [], []
    for one, (units, rate) in zip(draws, _dropped(network, params), strict=True):
        drawn.append(_mask(one, (images, units), rate))
        moved.append(one.after((images, units)))
    of_pixels = drawn.pop(0) if network.input_rate else None
    return Masks(of_pixels, tuple(drawn)), tuple(moved)


def evaluated(network: Network, params: Params, draws: Draws, images: int) -> Draws:
    """The generators after so many images went through keep_prob placeholders of 1, which draw all the same."""
    dropped = zip(draws, _dropped(network, params), strict=True)
    return tuple(one.after((images, units)) for one, (units, _) in dropped)


def _dropped(network: Network, params: Params) -> list[tuple[int, float]]:
    """(units, rate) of each dropout, in the order of `Draws`."""
    of_pixels = [(params[0].weights.shape[0], network.input_rate)] if network.input_rate else []
    widths = [layer.weights.shape[1] for layer in params[:-1]]
    return of_pixels + [(units, rate) for units, rate in zip(widths, network.rates, strict=False) if rate]


def _mask(generator: Generator, shape: tuple[int, int], rate: float) -> Array:
    """A large one by blocks of rows, so that it is the mask that takes memory and not its random words."""
    images, units = shape
    at_a_time = max(1, MOST // units)
    if images <= at_a_time:
        return dropout.mask(generator, shape, rate)
    blocks = -(-images // at_a_time)
    rows = jnp.minimum(jnp.arange(blocks * at_a_time, dtype=jnp.int32), images - 1).reshape(blocks, at_a_time)
    return lax.map(lambda some: dropout.mask(generator, shape, rate, some), rows).reshape(-1, units)[:images]
