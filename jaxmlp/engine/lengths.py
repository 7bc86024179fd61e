"""How long images are, and so the most that a change of the first weights can do to each. Serves `screening`."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.engine.outward import OUTWARD, norm, product, unit

DIRECTIONS = 32  # in which a change of the weights is followed exactly
SAMPLE = 5000  # images that the directions are fitted to
PIECE = 4000  # images that are measured together: in float64 they take eight times their bytes


class Lengths(NamedTuple):
    """Of N images; float32, rounded up. Image = directions @ parts + what is left."""

    directions: Array  # [P, R], nearly orthonormal: those in which the images are longest
    parts: Array  # [N, R]
    left: Array  # [N], length of what is left
    leak: Array  # [], of that, the most that still points in the directions
    length: Array  # [N]
    sum: Array  # [N], of its pixels
    ink: Array  # [N], pixels that are not blank: only these are rounded

    def moved(self, change: Array) -> Array:
        """[N]: the most that a change [P, H] of the first weights does to the length of each image's product.

        Followed exactly in the directions; what is left of an image, by the Frobenius norm of what is left of it.
        """
        pixels, units = change.shape
        along = product(self.directions.T, change)  # [R, H]
        inside, outside = norm(along), norm(change - product(self.directions, along))
        parts = norm(self.parts, axis=1)
        rounded = unit(change) * pixels * DIRECTIONS * norm(change)  # of `along`, and of its product
        square = jnp.maximum((product(self.parts, product(along, along.T)) * self.parts).sum(axis=1), 0)
        followed = jnp.sqrt(square + unit(change) * (units + DIRECTIONS**2) * jnp.square(parts * inside))
        return OUTWARD * (followed + rounded * parts + (outside + rounded) * self.left + inside * self.leak)


def measured(images: np.ndarray) -> list[np.ndarray]:
    """The fields of `Lengths`, of uint8 [N, P]: measured in float64."""
    sample = images[np.random.default_rng(0).permutation(len(images))[:SAMPLE]].astype(np.float32)
    directions = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :DIRECTIONS].astype(np.float32)
    exact = directions.astype(np.float64)
    pieces = [_measured(images[i : i + PIECE], exact) for i in range(0, len(images), PIECE)]
    parts, left, leak, length, total, ink = (np.concatenate(each) for each in zip(*pieces, strict=True))
    up = [np.asarray(array * OUTWARD, np.float32) for array in (left, leak.max(), length)]
    return [directions, parts, *up, np.asarray(total, np.float32), np.asarray(ink, np.float32)]


def _measured(images: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, ...]:
    pixels = images.astype(np.float64)
    along = pixels @ directions
    parts = along.astype(np.float32)
    left = np.linalg.norm(pixels - parts @ directions.T, axis=1)
    leak = np.linalg.norm(along - parts @ (directions.T @ directions), axis=1)
    return parts, left, leak, np.linalg.norm(pixels, axis=1), pixels.sum(axis=1), (images > 0).sum(axis=1)
