"""A training set on the device of which each step takes some rows, as a batch for `Dense`.

A pixel that is blank in all its images adds nothing to a product, and its weights have no gradient. Where the method
then leaves them as they are (`method.stays_without_gradient`), steps are taken without such pixels.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.data.dataset import Split
from jaxmlp.engine.dense import DenseBatch
from jaxmlp.model import Layer, Params


class Inked(NamedTuple):
    """The pixels that are kept: all that have ink in some image, and behind them one blank one for all the others."""

    kept: Array  # int32 [K], of P pixels
    source: Array  # int32 [P]: where among those kept each pixel's own value stands, or that of all blank ones

    def narrowed(self, tree: Any) -> Any:
        """A tree whose `Params` have, of the first layer's P rows, those of the kept pixels."""
        return _map_first(lambda rows: rows[self.kept], tree)

    def spread(self, tree: Any) -> Any:
        """The inverse of `narrowed`, where blank pixels have one row in common: in a gradient, and in slots."""
        return _map_first(lambda rows: rows[self.source], tree)

    def put_back(self, before: Params, narrow: Params) -> Params:
        """The weights after steps on `narrow`: those of blank pixels are what they were before."""
        blank = self.source == len(self.kept) - 1
        return _map_first(lambda rows: jnp.where(blank[:, None], before[0].weights, rows[self.source]), narrow)


class Pool(NamedTuple):
    """All images and labels, in the order they came."""

    images: Array  # uint8 [N, 784], or [N, K] where only some are kept
    labels: Array  # uint8 [N]
    inked: Inked | None = None  # None: all pixels are there

    @property
    def size(self) -> int:
        return len(self.labels)

    @property
    def left_out(self) -> int:
        """Pixels that are not there."""
        return 0 if self.inked is None else len(self.inked.source) - len(self.inked.kept)

    def take(self, rows: Array, mask: Array | None = None) -> DenseBatch:
        """The batch of rows int32 [n]: one pass, for it is small. `mask` bool [n, 784]: pixels that are left."""
        images = jnp.take(self.images, rows, axis=0, mode="clip")  # every row is there; "fill" would look once more
        if mask is not None:
            images = jnp.where(mask, images, jnp.zeros((), images.dtype))
        labels = jnp.take(self.labels, rows, axis=0, mode="clip")
        chunk = len(rows) + 1  # no whole one
        return DenseBatch(images[:0].reshape(0, chunk, images.shape[1]), labels[:0].reshape(0, chunk), images, labels)


def place(split: Split, device: jax.Device, inked_only: bool = False) -> Pool:
    """Puts the bytes on the device, as bytes; those of blank pixels only where steps need them."""
    put = functools.partial(jax.device_put, device=device)
    pixels = split.images.shape[1]
    inked = np.flatnonzero(split.images.any(axis=0)) if inked_only else np.arange(pixels)
    if pixels - len(inked) < 2:
        return Pool(put(split.images), put(split.labels))
    source = np.full(pixels, len(inked), np.int32)
    source[inked] = np.arange(len(inked))
    kept = np.append(inked, np.argmax(source)).astype(np.int32)  # the first blank one last
    return Pool(put(split.images[:, kept]), put(split.labels), Inked(put(kept), put(source)))


def _map_first(function: Any, tree: Any) -> Any:
    """A tree with the first layer's weights of all its `Params` mapped: of weights, slots and gradients alike."""

    def of(node: Any) -> Any:
        return (node[0]._replace(weights=function(node[0].weights)), *node[1:]) if _are_params(node) else node

    return jax.tree.map(of, tree, is_leaf=_are_params)


def _are_params(node: Any) -> bool:
    return type(node) is tuple and bool(node) and isinstance(node[0], Layer)
