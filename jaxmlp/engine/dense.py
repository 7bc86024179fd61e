"""The formula as written, a chunk of images at a time: the reference every other engine is held to.

A whole-batch formula writes and reads 245 MB of activations a step; a chunk's stay in cache, and all its sums add up.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp.data.dataset import Split
from jaxmlp.engine.base import ByteMatmul, LossFn, RowFn, apart, chunk_grads, together, transpose_output
from jaxmlp.model import Params, Totals


class DenseBatch(NamedTuple):
    """A split on the device: whole chunks, and the images that are left over when the chunk does not divide N."""

    chunk_images: Array  # uint8 [N // chunk, chunk, 784]
    chunk_labels: Array  # uint8 [N // chunk, chunk]
    rest_images: Array  # uint8 [N % chunk, 784]
    rest_labels: Array  # uint8 [N % chunk]

    @property
    def size(self) -> int:
        return self.chunk_labels.size + self.rest_labels.size


@dataclasses.dataclass(frozen=True)
class Dense:
    """Chunks of images in the order they came; none is padded or dropped."""

    product: ByteMatmul
    chunk: int  # images a pass

    def place(self, split: Split, device: jax.Device) -> DenseBatch:
        """Puts the bytes on the device, as bytes."""
        put = functools.partial(jax.device_put, device=device)
        (chunk_images, rest_images), (chunk_labels, rest_labels) = (_cut(array, self.chunk) for array in split)
        return DenseBatch(put(chunk_images), put(chunk_labels), put(rest_images), put(rest_labels))

    def sum_grads(self, loss: LossFn, params: Params, batch: DenseBatch, rows: Any = None) -> tuple[Totals, Params]:
        first, rest = apart(params)
        grads_of = functools.partial(chunk_grads(loss, self.product), first, transpose_output(rest))

        def add(sums: Any, chunk: Any) -> tuple[Any, None]:
            return jax.tree.map(jnp.add, sums, grads_of(*chunk)), None

        whole, left = _chunks(batch, rows)
        sums = grads_of(*left)  # zeros where no image is
        totals, (first_grad, rest_grad) = jax.lax.scan(add, sums, whole)[0] if len(whole[0]) else sums
        return totals, together(first_grad, transpose_output(rest_grad))

    def map_rows(self, function: RowFn, params: Params, batch: DenseBatch, rows: Any = None) -> Any:
        first, rest = apart(params)

        def of_chunk(chunk: Any) -> Any:
            images, labels, own = chunk
            return function(self.product(images, first), rest, labels, own)

        whole, left = _chunks(batch, rows)
        if not len(whole[0]):  # a loop without a turn has no result to take the types from when nothing is traced
            return of_chunk(left)
        return jax.tree.map(_joined, jax.lax.map(of_chunk, whole), of_chunk(left))


def _chunks(batch: DenseBatch, rows: Any) -> tuple[Any, Any]:
    """(images, labels, rows) of the whole chunks, stacked, and of what is left over."""
    chunk = batch.chunk_labels.shape[1]
    whole = jax.tree.map(lambda array: _cut(array, chunk)[0], rows)
    left = jax.tree.map(lambda array: _cut(array, chunk)[1], rows)
    return (batch.chunk_images, batch.chunk_labels, whole), (batch.rest_images, batch.rest_labels, left)


def _cut(array: Any, chunk: int) -> tuple[Any, Any]:
    """[N, …] -> [N // chunk, chunk, …] and [N % chunk, …]."""
    whole = len(array) // chunk * chunk
    return array[:whole].reshape(-1, chunk, *array.shape[1:]), array[whole:]


def _joined(chunks: Array, left: Array) -> Array:
    return jnp.concatenate([chunks.reshape(-1, *chunks.shape[2:]), left])
