"""The staircase for a choice of images that differs from step to step: those asked for are packed into tiles.

`place` orders images and pixels as `staircase` does. A step then gathers the images it is asked for, tile by tile: a
tile's images are of one ink group, by falling reach, so that the first says how many pixels all need. How many tiles
there are is found on the device; what is compiled has static shapes and serves every choice.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.data.dataset import Split
from jaxmlp.engine.base import ByteMatmul, LossFn, RowFn, apart, together, transpose_output
from jaxmlp.engine.ink_order import InkGroup, aligned, as_they_come, cheapest_levels, ink_groups, worth_ordering
from jaxmlp.engine.staircase import add_leading, in_pixel_order, leading
from jaxmlp.model import Params, Totals

LEVELS = 7  # different K, each compiled once; fewer than the staircase's, for there is more to compile


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["images", "labels", "members", "group", "level", "orders", "places"],
    meta_fields=["reaches", "starts"],
)
@dataclasses.dataclass(frozen=True)
class CompactBatch:
    """A split on the device, its images by ink group and falling reach: rows stand in this order, the batch's."""

    images: Array  # uint8 [N, P], pixels in the order of the image's ink group
    labels: Array  # uint8 [N]
    members: Array  # int32 [N], which image of the split a row is
    group: Array  # int32 [N], row of `orders`
    level: Array  # int32 [N], of `reaches`: the first that holds all of the image's ink
    orders: Array  # int32 [groups, P]: which pixel stands at each place
    places: Array  # int32 [groups, P]: at which place each pixel stands
    reaches: tuple[int, ...]  # leading pixels that a tile may need, ascending; each compiled once
    starts: tuple[int, ...]  # row where each ink group begins, and N

    @property
    def size(self) -> int:
        return self.starts[-1]


class Tiles(NamedTuple):
    """The images of a step, packed."""

    rows: Array  # int32 [T, chunk], of the batch; N where a tile has no more
    order: Array  # int32 [T], the tiles by level, those without an image first
    bounds: Array  # int32 [levels + 1]: those of level l are order[bounds[l] : bounds[l + 1]]
    slots: Array  # int32 [N], where in `rows`, flat, an image is; T * chunk where it is not asked for


class Tile(NamedTuple):
    """Images that are computed on together."""

    number: Array
    images: Array  # uint8 [chunk, K]
    labels: Array  # uint8 [chunk]
    group: Array  # the ink group of all
    rows: Array  # int32 [chunk]
    counted: Array  # bool [chunk]: not so where the tile has no more


@dataclasses.dataclass(frozen=True)
class Compact:
    """Any choice of the images, at the cost of these."""

    product: ByteMatmul
    chunk: int  # images a tile
    groups: int  # ink groups, each with a pixel order of its own

    def place(self, split: Split, device: jax.Device) -> CompactBatch:
        """Orders images and pixels and puts the bytes on the device."""
        images, pixels = split.images.shape
        found = _ink_groups(split.images > 0, max(1, min(self.groups, images // (8 * self.chunk))))
        members = np.concatenate([group.members for group in found])
        group = np.repeat(np.arange(len(found)), [len(one.members) for one in found])
        reach = aligned(np.concatenate([one.reach for one in found]), pixels)
        reaches = _reaches(reach, min(LEVELS, -(-images // self.chunk)))
        orders = np.stack([one.order for one in found])
        put, ints = functools.partial(jax.device_put, device=device), functools.partial(np.asarray, dtype=np.int32)
        return CompactBatch(
            images=put(np.concatenate([split.images[one.members][:, one.order] for one in found])),
            labels=put(split.labels[members]),
            members=put(ints(members)),
            group=put(ints(group)),
            level=put(ints(np.searchsorted(reaches, reach))),
            orders=put(ints(orders)),
            places=put(ints(np.argsort(orders, axis=1))),
            reaches=reaches,
            starts=(0, *(int(end) for end in np.cumsum([len(one.members) for one in found]))),
        )

    def sum_grads(self, loss: LossFn, params: Params, batch: CompactBatch, rows: Any = None) -> tuple[Totals, Params]:
        """Of all images."""
        everything = jnp.ones(batch.size, jnp.bool_)
        totals, grads, _ = self.sum_grads_of(loss, lambda *_: (), params, batch, everything, rows)
        return totals, grads

    def sum_grads_of(
        self, loss: LossFn, seen: RowFn, params: Params, batch: CompactBatch, chosen: Array, rows: Any = None
    ) -> tuple[Totals, Params, Any]:
        """`loss` summed over the `chosen` images, bool [N] in the batch's order, its gradient, and what `seen` gives.

        That is arrays [N, …] in the batch's order, whatever they may hold for images that are not chosen.
        """
        first, rest = apart(params)
        ordered, rest = first[batch.orders], transpose_output(rest)
        tiles = self._tiles(batch, chosen)

        def first_of(tile: Tile) -> Array:
            return leading(ordered, tile.group, tile.images)

        def summed(first: Array, rest: Params, tile: Tile) -> tuple[Array, Any]:
            inputs, back, own = self.product(tile.images, first), transpose_output(rest), self._own(batch, rows, tile)
            totals = _of_counted(loss, inputs, back, own, tile)
            return totals.loss, (totals, seen(inputs, back, tile.labels, own))

        grads_of = jax.value_and_grad(summed, argnums=(0, 1), has_aux=True)

        def add(sums: Any, tile: Tile) -> Any:
            totals, ordered_grad, rest_grad, kept = sums
            (_, (own, one)), grads = grads_of(first_of(tile), rest, tile)
            ordered_grad = add_leading(ordered_grad, tile.group, grads[0])
            totals, rest_grad = jax.tree.map(jnp.add, (totals, rest_grad), (own, grads[1]))
            return totals, ordered_grad, rest_grad, _keep(kept, one, tile)

        totals = Totals(jnp.zeros((), first.dtype), jnp.zeros((), jnp.int32))
        kept = self._unset(lambda tile: summed(first_of(tile), rest, tile)[1][1], batch, tiles)
        sums = (totals, jnp.zeros_like(ordered), jax.tree.map(jnp.zeros_like, rest), kept)
        totals, ordered_grad, rest_grad, kept = self._over(batch, tiles, add, sums)
        grads = together(in_pixel_order(ordered_grad, batch.places), transpose_output(rest_grad))
        return totals, grads, _in_batch_order(kept, tiles)

    def map_rows(self, function: RowFn, params: Params, batch: CompactBatch, rows: Any = None) -> Any:
        made = self.map_of(function, params, batch, jnp.ones(batch.size, jnp.bool_), rows)
        return jax.tree.map(lambda array: jnp.zeros_like(array).at[batch.members].set(array), made)

    def map_of(self, function: RowFn, params: Params, batch: CompactBatch, chosen: Array, rows: Any = None) -> Any:
        """What `function` gives for the `chosen` images, bool [N]; both in the batch's order."""
        first, rest = apart(params)
        ordered, tiles = first[batch.orders], self._tiles(batch, chosen)

        def of_tile(tile: Tile) -> Any:
            inputs = self.product(tile.images, leading(ordered, tile.group, tile.images))
            return function(inputs, rest, tile.labels, self._own(batch, rows, tile))

        unset = self._unset(of_tile, batch, tiles)
        kept = self._over(batch, tiles, lambda kept, tile: _keep(kept, of_tile(tile), tile), unset)
        return _in_batch_order(kept, tiles)

    def _tiles(self, batch: CompactBatch, chosen: Array) -> Tiles:
        """The chosen images of each ink group, in their order; a tile holds images of one group."""
        count = sum(-(-(end - start) // self.chunk) for start, end in zip(batch.starts, batch.starts[1:], strict=False))
        before = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(chosen, dtype=jnp.int32)])  # chosen rows
        starts = before[np.array(batch.starts)]
        filled = -(-jnp.diff(starts) // self.chunk)  # tiles of each group
        first = (jnp.cumsum(filled, dtype=jnp.int32) - filled) * self.chunk - starts[:-1]
        slots = jnp.where(chosen, before[:-1] + first[batch.group], count * self.chunk)
        rows = jnp.full(count * self.chunk, batch.size, jnp.int32)
        rows = rows.at[slots].set(jnp.arange(batch.size, dtype=jnp.int32), mode="drop").reshape(count, self.chunk)
        level = jnp.where(rows[:, 0] < batch.size, batch.level[rows[:, 0]], -1)
        order = jnp.argsort(level).astype(jnp.int32)
        bounds = jnp.searchsorted(level[order], jnp.arange(len(batch.reaches) + 1, dtype=level.dtype)).astype(jnp.int32)
        return Tiles(rows, order, bounds, slots)

    def _over(self, batch: CompactBatch, tiles: Tiles, body: Any, carry: Any) -> Any:
        """`body(carry, tile)` over all tiles, level after level."""

        def of(reach: int) -> Any:
            return lambda i, carry: body(carry, _tile(batch, tiles, tiles.order[i], reach))

        for level, reach in enumerate(batch.reaches):
            carry = jax.lax.fori_loop(tiles.bounds[level], tiles.bounds[level + 1], of(reach), carry)
        return carry

    def _unset(self, of_tile: Any, batch: CompactBatch, tiles: Tiles) -> Any:
        """Zeros [T, chunk, …] for what `of_tile` gives [chunk, …] of each tile."""
        shapes = jax.eval_shape(lambda: of_tile(_tile(batch, tiles, tiles.order[0], batch.reaches[-1])))
        return jax.tree.map(lambda one: jnp.zeros((len(tiles.rows), *one.shape), one.dtype), shapes)

    def _own(self, batch: CompactBatch, rows: Any, tile: Tile) -> Any:
        """What goes along with the tile's images, of arrays in the order of the split."""
        return jax.tree.map(lambda array: array[batch.members[tile.rows]], rows)


def _ink_groups(ink: np.ndarray, count: int) -> list[InkGroup]:
    """Each by falling reach; one that keeps all as it is, where ordering is not worthwhile."""
    images, pixels = ink.shape
    found = ink_groups(ink, count)
    if not worth_ordering(found):
        found = [as_they_come(images, pixels)]
    falling = [np.argsort(-group.reach, kind="stable") for group in found]
    return [
        group._replace(members=group.members[order], reach=group.reach[order])
        for group, order in zip(found, falling, strict=True)
    ]


def _reaches(reach: np.ndarray, count: int) -> tuple[int, ...]:
    """At most `count` reaches, to which raising all costs least."""
    ascending = np.sort(reach)[:: max(1, len(reach) // 2000)]  # a sample: the cost is quadratic
    ascending = np.append(ascending, reach.max())
    return tuple(int(ascending[end - 1]) for end in cheapest_levels(ascending, count)[1:])


def _tile(batch: CompactBatch, tiles: Tiles, number: Array, reach: int) -> Tile:
    rows = tiles.rows[number]
    images = jax.vmap(lambda row: jax.lax.dynamic_slice(batch.images, (row, jnp.zeros_like(row)), (1, reach))[0])(rows)
    return Tile(number, images, batch.labels[rows], batch.group[rows[0]], rows, rows < batch.size)


def _of_counted(loss: LossFn, inputs: Array, rest: Params, own: Any, tile: Tile) -> Totals:
    """The loss, image by image, summed over those that are counted."""
    one = jax.vmap(lambda *row: loss(row[0][None], rest, row[1][None], jax.tree.map(lambda a: a[None], row[2])))
    each = one(inputs, tile.labels, own)
    return jax.tree.map(lambda value: jnp.where(tile.counted, value, 0).sum(dtype=value.dtype), each)


def _keep(kept: Any, one: Any, tile: Tile) -> Any:
    return jax.tree.map(lambda all, own: jax.lax.dynamic_update_index_in_dim(all, own, tile.number, 0), kept, one)


def _in_batch_order(kept: Any, tiles: Tiles) -> Any:
    """[T, chunk, …] -> [N, …]."""
    return jax.tree.map(lambda array: array.reshape(tiles.rows.size, *array.shape[2:])[tiles.slots], kept)
