"""Full-batch training that never multiplies a blank pixel the order can avoid; exactly the mathematics of `dense`.

A pixel without ink adds nothing to the first layer and gets no gradient, and a full batch does not care about the
order of images or of pixels. `prepare` orders both, once a run (`order.py`), cuts the images into tiles of like reach
K, and keeps of each tile its first K pixels only. A tile then costs `X[:, :K] @ W1[:K]`: leading slices of a permuted
W1, large dense matmuls, no gather in the loop. Parameters and gradients keep their own order outside the engine.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp import model
from jaxmlp.data.dataset import Split
from jaxmlp.engine.dense import turn
from jaxmlp.engine.order import Staircase as Order
from jaxmlp.engine.order import cheapest_levels, staircase, staircases
from jaxmlp.engine.pixel_matmul import ARITHMETIC, skipping_settled
from jaxmlp.model import Head, Params, Totals

LEVELS = 10  # different K, each compiled once: more waste less ink and compile longer
ALIGNMENT = 8  # K is a multiple: whole vector registers
WORTHWHILE = 0.9  # share of the pixels that must be left to multiply, else the images keep their order
MORE_IMAGES = 4  # tiles of a batch that is not worth ordering are that much larger, as dense's chunks are


class Stair(NamedTuple):
    """Tiles of images with the same K."""

    images: Array  # uint8 [tiles, tile, K], pixels in the order of the tile's group
    labels: Array  # uint8 [tiles, tile]
    group: Array  # int32 [tiles], row of `StaircaseBatch.orders`


class StaircaseBatch(NamedTuple):
    """A split on the device, every image in exactly one tile."""

    stairs: tuple[Stair, ...]
    orders: Array  # int32 [groups, 784]: which pixel stands at each place
    places: Array  # int32 [groups, 784]: at which place each pixel stands
    position: Array  # int32 [N]: where the i-th image of the split stands in the stairs

    @property
    def size(self) -> int:
        return len(self.position)


class Tile(NamedTuple):
    """Images that are computed on together."""

    members: np.ndarray  # int [tile], indices of images
    reach: int
    group: int


@dataclasses.dataclass(frozen=True)
class Staircase:
    """Mean loss, correct count and gradient over a batch whose images and pixels are ordered once."""

    pixels: str  # a key of pixel_matmul.ARITHMETIC
    chunk: int  # images a tile
    groups: int  # staircases, each with a pixel order of its own
    skip_settled: bool  # leave images without a gradient out of the weight gradient, see pixel_matmul.skipping_settled
    head: Head = model.totals  # what is summed over the images and differentiated

    def describe(self) -> dict[str, Any]:
        """For the log and config.json."""
        return {"layout": "staircase", "pixels": self.pixels, "chunk": self.chunk, "skip_settled": self.skip_settled}

    def prepare(self, split: Split, device: jax.Device) -> StaircaseBatch:
        """Orders images and pixels and puts the bytes that may have ink on the device."""
        tiles, orders = _tiles(split.images > 0, self.chunk, self.groups)
        levels = _levels(tiles)
        in_stairs = np.concatenate([tile.members for level in levels for tile in level])
        put = functools.partial(jax.device_put, device=device)
        return StaircaseBatch(
            stairs=tuple(Stair(*map(put, _bytes(split, level, orders))) for level in levels),
            orders=put(orders),
            places=put(np.argsort(orders, axis=1).astype(np.int32)),
            position=put(np.argsort(in_stairs).astype(np.int32)),
        )

    def loss_and_grads(self, params: Params, batch: StaircaseBatch) -> tuple[Array, Array, Params]:
        """The mean loss (float), the correct count (int32) and the gradient of the mean loss."""

        pixel_matmul = ARITHMETIC[self.pixels]
        if self.skip_settled:
            pixel_matmul = skipping_settled(pixel_matmul)

        def tile_loss(turned: Params, images: Array, labels: Array) -> tuple[Array, Array]:
            sums = self.head(model.logits(turn(turned), images, pixel_matmul), labels)
            return sums.loss, sums.correct

        tile_grads = jax.value_and_grad(tile_loss, has_aux=True)

        def add(sums, tile):
            (loss, correct), permuted, others = sums
            images, labels, group = tile
            (tile_loss, tile_correct), grads = tile_grads(_leading(ordered, group, images), images, labels)
            rows = (group, *jnp.zeros(2, group.dtype))
            before = jax.lax.dynamic_slice(permuted, rows, (1, *grads.weights_1.shape))
            permuted = jax.lax.dynamic_update_slice(permuted, before + grads.weights_1, rows)
            others = jax.tree.map(jnp.add, others, grads[1:])
            return ((loss + tile_loss, correct + tile_correct), permuted, others), None

        ordered = turn(params)._replace(weights_1=params.weights_1[batch.orders])
        zeros = jax.tree.map(jnp.zeros_like, tuple(ordered))
        loss = jnp.zeros((), zeros[0].dtype)
        sums = ((loss, jnp.zeros((), jnp.int32)), zeros[0], zeros[1:])
        for stair in batch.stairs:
            sums, _ = jax.lax.scan(add, sums, stair)
        (loss, correct), permuted, others = sums
        grads = turn(Params(_in_pixel_order(permuted, batch.places), *others))
        return loss / batch.size, correct, jax.tree.map(lambda grad: grad / batch.size, grads)

    def totals(self, params: Params, batch: StaircaseBatch) -> Totals:
        """Summed loss and correct count, with no gradient: what an evaluation needs."""
        sums = self._map(self._totals, params, batch)
        return jax.tree.map(lambda *parts: sum(part.sum(dtype=part.dtype) for part in parts), *sums)

    def logits(self, params: Params, batch: StaircaseBatch) -> Array:
        """float [N, C], in the order the images came."""
        parts = self._map(lambda p, images, _: model.logits(p, images, ARITHMETIC[self.pixels]), params, batch)
        return jnp.concatenate([part.reshape(-1, part.shape[-1]) for part in parts])[batch.position]

    def _totals(self, params: Params, images: Array, labels: Array) -> Totals:
        return self.head(model.logits(params, images, ARITHMETIC[self.pixels]), labels)

    @staticmethod
    def _map(function: Callable, params: Params, batch: StaircaseBatch) -> list[Any]:
        """`function(params, images, labels)` of every tile, stacked stair by stair."""
        ordered = params._replace(weights_1=params.weights_1[batch.orders])

        def one(tile: Stair):
            return function(_leading(ordered, tile.group, tile.images), tile.images, tile.labels)

        return [jax.lax.map(one, stair) for stair in batch.stairs]


def _leading(ordered: Params, group: Array, images: Array) -> Params:
    """Parameters for a tile: the K leading rows of its group's permuted weights_1 [groups, 784, H]."""
    hidden = ordered.weights_1.shape[-1]
    rows = jax.lax.dynamic_slice(ordered.weights_1, (group, *jnp.zeros(2, group.dtype)), (1, images.shape[-1], hidden))
    return ordered._replace(weights_1=rows[0])


def _in_pixel_order(permuted: Array, places: Array) -> Array:
    """float [groups, 784, H] -> float [784, H]: every group's rows back where their pixels are, summed."""

    def add(total, group):
        rows, place = group
        return total + rows[place], None

    return jax.lax.scan(add, jnp.zeros_like(permuted[0]), (permuted, places))[0]


def _tiles(ink: np.ndarray, size: int, groups: int) -> tuple[list[Tile], np.ndarray]:
    """Cuts each staircase into tiles of `size`, and what is left over of each, its images of largest reach, into
    tiles of one staircase more; one last tile is smaller where `size` does not divide N, so no image is padded.

    Returns the tiles by rising reach, the smaller one first, and the orders int32 [groups, 784].
    """
    found = staircases(ink, max(1, min(groups, len(ink) // (8 * size))))
    if _mean_reach(found) > WORTHWHILE * ink.shape[1]:
        identity = np.arange(ink.shape[1])
        found, size = [Order(np.arange(len(ink)), np.full(len(ink), ink.shape[1]), identity)], size * MORE_IMAGES
    left = [_by_reach(order).members[len(order.members) // size * size :] for order in found]
    if len(found) > 1:
        found.append(staircase(ink, np.concatenate(left)))
    last = len(found) - 1
    tiles = [tile for group, order in enumerate(found) for tile in _cut(order, group, size, with_rest=group == last)]
    tiles.sort(key=lambda tile: (len(tile.members), tile.reach))
    return tiles, np.stack([order.order for order in found]).astype(np.int32)


def _cut(order: Order, group: int, size: int, with_rest: bool) -> list[Tile]:
    members, reach, _ = _by_reach(order)
    last = len(members) if with_rest else len(members) // size * size
    starts = range(0, last, size)
    return [Tile(members[i : i + size], int(reach[i : i + size].max()), group) for i in starts]


def _by_reach(order: Order) -> Order:
    ascending = np.argsort(order.reach, kind="stable")
    return order._replace(members=order.members[ascending], reach=order.reach[ascending])


def _mean_reach(found: list[Order]) -> float:
    return float(np.concatenate([order.reach for order in found]).mean())


def _levels(tiles: list[Tile]) -> list[list[Tile]]:
    """Tiles of one size and like reach together, in at most LEVELS levels and one for the smaller tile."""
    size = max(len(tile.members) for tile in tiles)
    whole, rest = [t for t in tiles if len(t.members) == size], [t for t in tiles if len(t.members) < size]
    bounds = cheapest_levels(np.array([tile.reach for tile in whole]), LEVELS)
    parts = [whole[first:last] for first, last in itertools.pairwise(bounds)]
    return [*parts, rest] if rest else parts


def _bytes(split: Split, tiles: list[Tile], orders: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and groups of a stair, on the host."""
    reach = max(1, *(tile.reach for tile in tiles))
    k = min(orders.shape[1], -(-reach // ALIGNMENT) * ALIGNMENT)
    return (
        np.stack([split.images[tile.members[:, None], orders[tile.group, :k]] for tile in tiles]),
        np.stack([split.labels[tile.members] for tile in tiles]),
        np.array([tile.group for tile in tiles], np.int32),
    )
