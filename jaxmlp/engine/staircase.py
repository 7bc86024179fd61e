"""Full-batch training that never multiplies a blank pixel the order can avoid; exactly the mathematics of `dense`.

`place` orders images and pixels once a run (`ink_order.py`), cuts the images into tiles of like reach K, and keeps of
each its first K pixels. A tile then costs `X[:, :K] @ W1[:K]`: leading slices of a permuted W1, dense matmuls, no
gather in the loop. Parameters and gradients keep their own order outside. The story is in docs/architecture.md.
"""

import dataclasses
import functools
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.data.dataset import Split
from jaxmlp.engine.base import ByteMatmul, LossFn, RowFn, apart, chunk_grads, together, transpose_output
from jaxmlp.engine.ink_order import (
    InkGroup,
    aligned,
    as_they_come,
    cheapest_levels,
    ink_group,
    ink_groups,
    worth_ordering,
)
from jaxmlp.model import Params, Totals

LEVELS = 10  # different K, each compiled once: more waste less ink and compile longer
MORE_IMAGES = 4  # tiles of a batch that is not worth ordering are that much larger, as dense's chunks are


class TileGroup(NamedTuple):
    """Tiles of images with the same K."""

    images: Array  # uint8 [tiles, tile, K], pixels in the order of the tile's ink group
    labels: Array  # uint8 [tiles, tile]
    ink_group: Array  # int32 [tiles], row of `StaircaseBatch.orders`
    members: Array  # int32 [tiles, tile], which images of the split they are


class StaircaseBatch(NamedTuple):
    """A split on the device, every image in exactly one tile."""

    tile_groups: tuple[TileGroup, ...]
    orders: Array  # int32 [ink groups, 784]: which pixel stands at each place
    places: Array  # int32 [ink groups, 784]: at which place each pixel stands

    @property
    def size(self) -> int:
        return sum(group.members.size for group in self.tile_groups)


class Tile(NamedTuple):
    """Images that are computed on together."""

    members: np.ndarray  # int [tile], indices of images
    reach: int
    ink_group: int


@dataclasses.dataclass(frozen=True)
class Staircase:
    """Images and pixels ordered once, so that blank pixels are not multiplied."""

    product: ByteMatmul
    chunk: int  # images a tile
    groups: int  # ink groups, each with a pixel order of its own

    def place(self, split: Split, device: jax.Device) -> StaircaseBatch:
        """Orders images and pixels and puts the bytes that may have ink on the device."""
        tiles, orders = _tiles(split.images > 0, self.chunk, self.groups)
        put = functools.partial(jax.device_put, device=device)
        return StaircaseBatch(
            tile_groups=tuple(TileGroup(*map(put, _bytes(split, level, orders))) for level in _levels(tiles)),
            orders=put(orders),
            places=put(np.argsort(orders, axis=1).astype(np.int32)),
        )

    def sum_grads(self, loss: LossFn, params: Params, batch: StaircaseBatch, rows: Any = None) -> tuple[Totals, Params]:
        first, rest = apart(params)
        ordered, rest, grads_of = first[batch.orders], transpose_output(rest), chunk_grads(loss, self.product)

        def add(sums: Any, tile: Any) -> tuple[Any, None]:
            totals, ordered_grad, rest_grad = sums
            images, labels, group, own = tile
            tile_totals, grads = grads_of(leading(ordered, group, images), rest, images, labels, own)
            ordered_grad = add_leading(ordered_grad, group, grads[0])
            totals, rest_grad = jax.tree.map(jnp.add, (totals, rest_grad), (tile_totals, grads[1]))
            return (totals, ordered_grad, rest_grad), None

        totals = Totals(jnp.zeros((), first.dtype), jnp.zeros((), jnp.int32))
        sums = (totals, jnp.zeros_like(ordered), jax.tree.map(jnp.zeros_like, rest))
        for group in batch.tile_groups:
            sums, _ = jax.lax.scan(add, sums, _tiles_of(group, rows))
        totals, ordered_grad, rest_grad = sums
        return totals, together(in_pixel_order(ordered_grad, batch.places), transpose_output(rest_grad))

    def map_rows(self, function: RowFn, params: Params, batch: StaircaseBatch, rows: Any = None) -> Any:
        first, rest = apart(params)
        ordered = first[batch.orders]

        def of_tile(tile: Any) -> Any:
            images, labels, group, own = tile
            return function(self.product(images, leading(ordered, group, images)), rest, labels, own)

        parts = [jax.lax.map(of_tile, _tiles_of(group, rows)) for group in batch.tile_groups]
        members = jnp.concatenate([group.members.reshape(-1) for group in batch.tile_groups])
        return jax.tree.map(functools.partial(_in_image_order, members), *parts)


def _tiles_of(group: TileGroup, rows: Any) -> Any:
    """(images, labels, ink group, rows) of its tiles, stacked."""
    return group.images, group.labels, group.ink_group, jax.tree.map(lambda array: array[group.members], rows)


def leading(ordered: Array, group: Array, images: Array) -> Array:
    """float [K, H]: the leading rows that a tile needs of its ink group's permuted weights, of [groups, 784, H]."""
    shape = (1, images.shape[-1], ordered.shape[-1])
    return jax.lax.dynamic_slice(ordered, (group, *jnp.zeros(2, group.dtype)), shape)[0]


def add_leading(ordered: Array, group: Array, rows: Array) -> Array:
    """float [groups, 784, H] with rows [K, H] added to its ink group's leading ones."""
    place = (group, *jnp.zeros(2, group.dtype))
    before = jax.lax.dynamic_slice(ordered, place, (1, *rows.shape))
    return jax.lax.dynamic_update_slice(ordered, before + rows[None], place)


def _in_image_order(members: Array, *parts: Array) -> Array:
    """[tiles, tile, …] of every tile group -> [N, …]: row i that of image i."""
    rows = jnp.concatenate([part.reshape(-1, *part.shape[2:]) for part in parts])
    return jnp.zeros_like(rows).at[members].set(rows, unique_indices=True)


def in_pixel_order(permuted: Array, places: Array) -> Array:
    """float [groups, 784, H] -> float [784, H]: every group's rows back where their pixels are, summed."""

    def add(total: Array, group: tuple[Array, Array]) -> tuple[Array, None]:
        rows, place = group
        return total + rows[place], None

    return jax.lax.scan(add, jnp.zeros_like(permuted[0]), (permuted, places))[0]


def _tiles(ink: np.ndarray, size: int, groups: int) -> tuple[list[Tile], np.ndarray]:
    """Cuts each staircase into tiles of `size`, and what is left over of each, its images of largest reach, into
    tiles of one staircase more; one last tile is smaller where `size` does not divide N, so no image is padded.

    Returns the tiles by rising reach, the smaller one first, and the orders int32 [groups, 784].
    """
    images, pixels = ink.shape
    found = [_by_reach(group) for group in ink_groups(ink, max(1, min(groups, images // (8 * size))))]
    if not worth_ordering(found):
        found, size = [as_they_come(images, pixels)], size * MORE_IMAGES
    if len(found) > 1:
        left = [group.members[len(group.members) // size * size :] for group in found]
        found.append(_by_reach(ink_group(ink, np.concatenate(left))))
    last = len(found) - 1
    tiles = [tile for i, group in enumerate(found) for tile in _cut(group, i, size, with_rest=i == last)]
    tiles.sort(key=lambda tile: (len(tile.members), tile.reach))
    return tiles, np.stack([group.order for group in found]).astype(np.int32)


def _by_reach(group: InkGroup) -> InkGroup:
    ascending = np.argsort(group.reach, kind="stable")
    return group._replace(members=group.members[ascending], reach=group.reach[ascending])


def _cut(group: InkGroup, number: int, size: int, with_rest: bool) -> list[Tile]:
    members, reach, _ = group
    starts = range(0, len(members) if with_rest else len(members) // size * size, size)
    return [Tile(members[i : i + size], int(reach[i : i + size].max()), number) for i in starts]


def _levels(tiles: list[Tile]) -> list[list[Tile]]:
    """Tiles of one size and like reach together, in at most LEVELS levels and one for the smaller tile."""
    size = max(len(tile.members) for tile in tiles)
    whole, rest = [t for t in tiles if len(t.members) == size], [t for t in tiles if len(t.members) < size]
    bounds = cheapest_levels(np.array([tile.reach for tile in whole]), LEVELS)
    parts = [whole[first:last] for first, last in itertools.pairwise(bounds)]
    return [*parts, rest] if rest else parts


def _bytes(split: Split, tiles: list[Tile], orders: np.ndarray) -> tuple[np.ndarray, ...]:
    """The fields of a `TileGroup`, on the host."""
    k = int(aligned(max(tile.reach for tile in tiles), orders.shape[1]))
    return (
        np.stack([split.images[tile.members[:, None], orders[tile.ink_group, :k]] for tile in tiles]),
        np.stack([split.labels[tile.members] for tile in tiles]),
        np.array([tile.ink_group for tile in tiles], np.int32),
        np.stack([tile.members for tile in tiles]).astype(np.int32),
    )
