"""What a step of ours really computes: a staircase leaves blank pixels out, and on a CPU images without a gradient.

Counted from the tiles as they lie on the device, and from the images that have a gradient now: one forward pass more.
"""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bench.peers.protocol import Arithmetic
from jaxmlp.engine import Dense, Engine
from jaxmlp.engine.byte_matmul import PRODUCTS, SETTLED_PARTS, skipping_settled
from jaxmlp.engine.minibatch import Pool
from jaxmlp.model import Params
from jaxmlp.network import Network

PASSES = {"float32": 1, "bf16x3": 3}  # products of bfloat16 that take the place of one of float32


def of_step(engine: Engine, network: Network, params: Params, batch: Any) -> Arithmetic:
    """Of the step that starts at these parameters."""
    skips = engine.product in map(skipping_settled, PRODUCTS.values())  # pyright: ignore[reportAttributeAccessIssue]
    unsettled = np.asarray(_unsettled(params, batch, engine=engine, network=network)) if skips else None
    pixels, hidden = params[0].weights.shape
    first = 0
    for members, reach in _tiles(engine, batch, pixels):
        backward = members.size if unsettled is None else sum(map(_taken, unsettled[members]))
        first += 2 * hidden * reach * (members.size + backward)
    return _by_precision(engine, first, _behind(params, batch.size))


def of_minibatch(engine: Engine, params: Params, pool: Pool, images: int) -> Arithmetic:
    """Of a step on so many images of a pool, which may have left blank pixels out."""
    first = 2 * 2 * images * pool.images.shape[1] * params[0].weights.shape[1]
    return _by_precision(engine, first, _behind(params, images))


def _behind(params: Params, images: int) -> int:
    """All layers but the first, each forward, for its weights and for its inputs."""
    return 3 * 2 * images * sum(layer.weights.size for layer in params[1:])


def _by_precision(engine: Engine, first: int, behind: int) -> Arithmetic:
    precision = next(name for name, one in PRODUCTS.items() if engine.product in (one, skipping_settled(one)))  # pyright: ignore[reportAttributeAccessIssue]
    if PASSES[precision] == 1:
        return {"float32": first + behind, "bfloat16": 0}
    return {"float32": behind, "bfloat16": PASSES[precision] * first}


def _tiles(engine: Engine, batch: Any, pixels: int) -> Iterator[tuple[np.ndarray, int]]:
    """Images int [tiles, tile] that are computed on alike, and how many of their pixels are multiplied."""
    if isinstance(engine, Dense):
        yield np.arange(batch.size)[None], pixels
        return
    for group in batch.tile_groups:
        yield np.asarray(group.members), group.images.shape[-1]


def _taken(unsettled: np.ndarray) -> int:
    """Images of a tile whose weight gradient is computed, as `skipping_settled` chooses, from whether each has one."""
    sizes = sorted(-(-len(unsettled) // parts) for parts in SETTLED_PARTS)
    return next(size for size in sizes if size >= unsettled.sum())


@functools.partial(jax.jit, static_argnames=("engine", "network"))
def _unsettled(params: Params, batch: Any, *, engine: Engine, network: Network) -> Array:
    """bool [N]: which images have a gradient by the first product, in the order they came."""

    def of_tile(inputs: Array, rest: Params, labels: Array, rows: Any) -> Array:
        gradient = jax.grad(lambda inputs: network.loss(inputs, rest, labels, rows).loss)(inputs)
        return jnp.any(gradient != 0, axis=1)

    return engine.map_rows(of_tile, params, batch)
