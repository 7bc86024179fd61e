"""A training set on the device of which each step takes some rows, as a batch for `Dense`."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp.data.dataset import Split
from jaxmlp.engine.dense import DenseBatch


class Pool(NamedTuple):
    """All images and labels, in the order they came."""

    images: Array  # uint8 [N, 784]
    labels: Array  # uint8 [N]

    @property
    def size(self) -> int:
        return len(self.labels)

    def take(self, rows: Array, mask: Array | None = None) -> DenseBatch:
        """The batch of rows int32 [n]: one pass, for it is small. `mask` bool [n, 784]: pixels that are left."""
        images = jnp.take(self.images, rows, axis=0, mode="clip")  # every row is there; "fill" would look once more
        if mask is not None:
            images = jnp.where(mask, images, jnp.zeros((), images.dtype))
        labels = jnp.take(self.labels, rows, axis=0, mode="clip")
        chunk = len(rows) + 1  # no whole one
        return DenseBatch(images[:0].reshape(0, chunk, images.shape[1]), labels[:0].reshape(0, chunk), images, labels)


def place(split: Split, device: jax.Device) -> Pool:
    """Puts the bytes on the device, as bytes."""
    put = functools.partial(jax.device_put, device=device)
    return Pool(put(split.images), put(split.labels))
