"""The formula as written, a chunk of images at a time: the reference every other engine is held to.

A whole-batch formula writes and reads 245 MB of activations a step; a chunk's stay in cache. Loss, correct count and
gradient are sums over images, so the chunks' sums are the batch's, whatever the chunk.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp import model
from jaxmlp.data.dataset import Split
from jaxmlp.engine.pixel_matmul import ARITHMETIC
from jaxmlp.model import Head, Params, Totals


class DenseBatch(NamedTuple):
    """A split on the device: whole chunks, and the images that are left over when the chunk does not divide N."""

    chunk_images: Array  # uint8 [N // chunk, chunk, 784]
    chunk_labels: Array  # uint8 [N // chunk, chunk]
    rest_images: Array  # uint8 [N % chunk, 784]
    rest_labels: Array  # uint8 [N % chunk]

    @property
    def size(self) -> int:
        chunks, chunk = self.chunk_labels.shape[:2]
        return chunks * chunk + len(self.rest_labels)


@dataclasses.dataclass(frozen=True)
class Dense:
    """Mean loss, correct count and gradient over a batch, in chunks of images in the order they came."""

    pixels: str  # a key of pixel_matmul.ARITHMETIC
    chunk: int  # images a pass
    head: Head = model.totals  # what is summed over the images and differentiated

    def describe(self) -> dict[str, Any]:
        """For the log and config.json."""
        return {"layout": "dense", "pixels": self.pixels, "chunk": self.chunk}

    def prepare(self, split: Split, device: jax.Device) -> DenseBatch:
        """Puts the bytes on the device, as bytes."""
        images, labels = split
        whole = len(labels) // self.chunk * self.chunk
        put = functools.partial(jax.device_put, device=device)
        return DenseBatch(
            chunk_images=put(images[:whole].reshape(-1, self.chunk, images.shape[1])),
            chunk_labels=put(labels[:whole].reshape(-1, self.chunk, *labels.shape[1:])),
            rest_images=put(images[whole:]),
            rest_labels=put(labels[whole:]),
        )

    def loss_and_grads(self, params: Params, batch: DenseBatch) -> tuple[Array, Array, Params]:
        """The mean loss (float), the correct count (int32) and the gradient of the mean loss."""

        def chunk_loss(turned: Params, images: Array, labels: Array) -> tuple[Array, Array]:
            sums = self._totals(turn(turned), images, labels)
            return sums.loss, sums.correct

        chunk_grads = jax.value_and_grad(chunk_loss, has_aux=True)
        (loss, correct), turned_grads = _sum_over_chunks(chunk_grads, turn(params), batch)
        grads = turn(turned_grads)
        return loss / batch.size, correct, jax.tree.map(lambda grad: grad / batch.size, grads)

    def totals(self, params: Params, batch: DenseBatch) -> Totals:
        """Summed loss and correct count, with no gradient: what an evaluation needs."""
        return _sum_over_chunks(self._totals, params, batch)

    def logits(self, params: Params, batch: DenseBatch) -> Array:
        """float [N, C], in the order the images came."""

        def chunk_logits(images: Array) -> Array:
            return model.logits(params, images, ARITHMETIC[self.pixels])

        chunks = jax.lax.map(chunk_logits, batch.chunk_images)
        return jnp.concatenate([chunks.reshape(-1, chunks.shape[-1]), chunk_logits(batch.rest_images)])

    def _totals(self, params: Params, images: Array, labels: Array) -> Totals:
        return self.head(model.logits(params, images, ARITHMETIC[self.pixels]), labels)


def turn(params: Params) -> Params:
    """weights_2 transposed, there and back: engines sum its gradient as [C, H].

    As [H, C], the layout that the formula gives, XLA's CPU matmul runs at a tenth of the speed (7 against 69 GFLOP/s).
    """
    return params._replace(weights_2=params.weights_2.T)


def _sum_over_chunks(function, params: Params, batch: DenseBatch):
    """Adds up `function(params, images, labels)`, a tree of sums, over all images; no image is padded or dropped."""

    def add(sums, chunk):
        return jax.tree.map(jnp.add, sums, function(params, *chunk)), None

    rest = function(params, batch.rest_images, batch.rest_labels)  # zeros where no image is left over
    return jax.lax.scan(add, rest, (batch.chunk_images, batch.chunk_labels))[0]
