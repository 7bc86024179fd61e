"""Images whose loss and gradient are exactly zero are not computed: a bound says which, without computing them.

Where an image's own logit is far above the others, exp underflows: its softmax *is* its label. How far it is above
them, its margins, is known when it is computed. From then on every step lowers the margins by no more than what the
step's change of the weights can do to an image of its length. While they stay above the limit, it is passed over.

The network of real numbers with the step's float32 weights stands between the two: `_error` says how far from it a
float32 pass may end, in whatever order it sums, so what is passed over would be zero in any engine. This is safe
screening (El Ghaoui et al. 2010, for the Lasso) for a perceptron; docs/architecture.md has its story.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.data.dataset import Split
from jaxmlp.engine.base import LossFn, RowFn, apart
from jaxmlp.engine.compact import Compact, CompactBatch
from jaxmlp.model import Params, Totals
from jaxmlp.network import Network

# exp(-x) is exactly 0 from 104 on in float32, from 746 on in float64.
LIMITS = {"float32": 128.0, "float64": 800.0}
# The most that a change of an input can do to an activation's output. leaky_maximum: tf.maximum(0.2 * x, x).
LIPSCHITZ = {
    "relu": 1.0,
    "identity": 1.0,
    "relu6": 1.0,
    "leaky_relu": 1.0,
    "leaky_maximum": 1.0,
    "elu": 1.0,
    "selu": 1.7580994,
    "tanh": 1.0,
    "sigmoid": 0.25,
    "softplus": 1.0,
    "softsign": 1.0,
}
ULPS = 64  # by which an activation itself may be off, generously
SPARE = 16  # roundings beside those of a sum: of biases, scales, parts of a float32, and of n / (1 - n unit)
SAMPLE = 500  # images that `pays` looks at
NEEDED = "it needs the full batch, no dropout, and softmax cross-entropy of the last layer's plain sums"
DIRECTIONS = 32  # in which a change of the weights is followed exactly
OUTWARD = 1 + 2.0**-12  # what the bounds' own few sums and products of positive numbers may lose, generously


class Lengths(NamedTuple):
    """How long the images are; float32, rounded up. Image = directions @ parts + what is left."""

    directions: Array  # [P, R], nearly orthonormal: those in which the images are longest
    parts: Array  # [N, R]
    left: Array  # [N], length of what is left
    leak: Array  # [], of that, the most that still points in the directions
    length: Array  # [N]
    sum: Array  # [N], of its pixels
    ink: Array  # [N], pixels that are not blank: only these are rounded


class ScreenedBatch(NamedTuple):
    """A split on the device."""

    images: CompactBatch
    measured: Lengths

    @property
    def size(self) -> int:
        return self.images.size

    def lengths(self, like: Array) -> Lengths:
        """In the dtype of `like`."""
        return jax.tree.map(lambda array: array.astype(like.dtype), self.measured)


class Bounds(NamedTuple):
    """What is known of every image for the weights of the next step, in the order of the batch."""

    margins: Array  # float [N, C], lower bounds of how far its own logit is above each other; its own: inf
    hidden: Array  # float [N, L], upper bounds of the length of each hidden layer's outputs


@dataclasses.dataclass(frozen=True)
class Screening:
    """An engine that passes over what a step need not compute; as an ordinary engine it computes all."""

    images: Compact

    def place(self, split: Split, device: jax.Device) -> ScreenedBatch:
        """The images laid out and measured."""
        batch = self.images.place(split, device)
        lengths = _lengths(split.images[np.asarray(batch.members)])
        return ScreenedBatch(batch, Lengths(*(jax.device_put(array, device) for array in lengths)))

    def sum_grads(self, loss: LossFn, params: Params, batch: ScreenedBatch, rows: Any = None) -> tuple[Totals, Params]:
        return self.images.sum_grads(loss, params, batch.images, rows)

    def map_rows(self, function: RowFn, params: Params, batch: ScreenedBatch, rows: Any = None) -> Any:
        return self.images.map_rows(function, params, batch.images, rows)

    def unknown(self, params: Params, batch: ScreenedBatch) -> Bounds:
        """Before anything was computed."""
        dtype, classes = params[0].weights.dtype, params[-1].weights.shape[1]
        return Bounds(jnp.full((batch.size, classes), -jnp.inf, dtype), jnp.zeros((batch.size, len(params) - 1), dtype))

    def screened(
        self, loss: LossFn, network: Network, params: Params, batch: ScreenedBatch, bounds: Bounds
    ) -> tuple[Totals, Params, Bounds]:
        """`sum_grads` without the images that are settled, and the bounds with what was seen of the others."""
        settled = is_settled(network, params, batch, bounds)
        seen = functools.partial(_seen, network)
        totals, grads, (margins, hidden) = self.images.sum_grads_of(loss, seen, params, batch.images, ~settled)
        totals = totals._replace(correct=totals.correct + settled.sum(dtype=jnp.int32))
        error, off = _error(network, params, batch, hidden * OUTWARD)
        known = Bounds(_below(margins) - error, hidden * OUTWARD + off)
        kept = (jnp.where(settled[:, None], *both) for both in zip(bounds, known, strict=True))
        return totals, grads, Bounds(*kept)


def is_settled(network: Network, params: Params, batch: ScreenedBatch, bounds: Bounds) -> Array:
    """bool [N]: whether an image's loss and gradient are zero for certain, whoever computes them."""
    limit = LIMITS[params[0].weights.dtype.name]
    error, _ = _error(network, params, batch, bounds.hidden)
    return (bounds.margins > limit + error).all(axis=1)


def lowered(network: Network, bounds: Bounds, before: Params, after: Params, batch: ScreenedBatch) -> Bounds:
    """The bounds for the weights after a step: what its change of them may do at most."""
    change = jax.tree.map(jnp.subtract, after, before)
    lengths, labels, last = batch.lengths(bounds.margins), batch.images.labels, len(before) - 1
    drop = _between(change[-1].biases)[labels] if change[-1].biases is not None else 0.0
    hidden, source, moved = [], lengths.length * _scale(network), _reach(change[0].weights, lengths) * _scale(network)
    for i in range(last):
        moved = _steepness(network, i) * (moved + _length(change[i].biases))
        source = bounds.hidden[:, i] + moved
        hidden.append(source)
        if i + 1 < last:
            moved = spectral(before[i + 1].weights) * moved + spectral(change[i + 1].weights) * source
    drop += _gaps(change[-1].weights)[labels] * source[:, None]
    drop += _gaps(before[-1].weights)[labels] * moved[:, None] if last else 0.0
    hidden = jnp.stack(hidden, axis=1) * OUTWARD if hidden else bounds.hidden
    return Bounds(_below(bounds.margins) - drop * OUTWARD, hidden)


def _seen(network: Network, inputs: Array, rest: Params, labels: Array, _: Any) -> tuple[Array, Array]:
    """Margins [n, C], and the length of each hidden layer's outputs [n, L]."""
    made = network.forward(inputs, rest)
    own = jax.nn.one_hot(labels, made.logits.shape[1], dtype=jnp.bool_)
    right = jnp.take_along_axis(made.logits, labels[:, None].astype(jnp.int32), axis=1)
    lengths = [_norm(outputs, axis=1) for outputs in made.hidden]
    hidden = jnp.stack(lengths, axis=1) if lengths else jnp.zeros((len(labels), 0), inputs.dtype)
    return jnp.where(own, jnp.inf, right - made.logits), hidden


def _error(network: Network, params: Params, batch: ScreenedBatch, hidden: Array) -> tuple[Array, Array]:
    """How far a pass in floating point may be from the one in real numbers: margins [N, C], hidden outputs [N, L].

    A sum of n products is off by n roundings of the sum of their sizes at most, in whatever order it is summed; a
    blank pixel is no rounding. (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.)
    """
    unit, lengths, labels = _unit(hidden), batch.lengths(hidden), batch.images.labels
    first, last = params[0].weights, len(params) - 1
    roundings = unit * (lengths.ink + SPARE) * lengths.sum * _scale(network)  # times the largest weight
    off, each = roundings * _norm(first, axis=1).max(), []
    for i in range(last):
        off = off + SPARE * unit * _length(params[i].biases)
        wide = params[i].weights.shape[1]
        off = _steepness(network, i) * off + ULPS * unit * (hidden[:, i] + wide**0.5)
        each.append(off)
        if i + 1 < last:
            long = (wide + SPARE) * unit * _norm(params[i + 1].weights)
            off = spectral(params[i + 1].weights) * off + long * (hidden[:, i] + off)
    sizes = _norm(params[-1].weights, axis=0) if last else abs(first).max(axis=0)
    terms = (params[-1].weights.shape[0] + SPARE) * unit * (hidden[:, -1] + off) if last else roundings
    error = terms[:, None] * (sizes + sizes[labels][:, None])
    error += _gaps(params[-1].weights)[labels] * off[:, None] if last else 0.0
    if params[-1].biases is not None:
        size = abs(params[-1].biases)
        error += SPARE * unit * (size + size[labels][:, None])
    return error * OUTWARD, jnp.stack(each, axis=1) * OUTWARD if each else hidden


def _scale(network: Network) -> float:
    """What the length of an image is multiplied by, rounded up."""
    return OUTWARD / network.scale


def _steepness(network: Network, layer: int) -> float:
    names = network.activations
    return LIPSCHITZ[names if isinstance(names, str) else names[layer]]


def applies(network: Network) -> bool:
    """Whether an image that is far right has no loss and no gradient: exactly so for a softmax, never under chance."""
    softmax = network.loss_of.kind in ("softmax_cross_entropy", "sparse_softmax_cross_entropy")
    return softmax and network.output == "identity" and not network.rates and not network.input_rate


def pays(network: Network, params: Params, images: np.ndarray) -> bool:
    """Whether margins are of the limit's size or more from the start: then they will be with most images learnt.

    `images` uint8 [n, P], some; `params` the initial ones. Scaled pixels under small weights never get so far apart.
    """
    if len(params[-1].weights[0]) < 2:
        return False
    with jax.default_device(jax.devices("cpu")[0]):
        logits = _logits(network, jax.device_put(params), jax.device_put(images))
        first, second = np.sort(jax.device_get(logits), axis=1)[:, :-3:-1].T
    return bool(np.median(first - second) > LIMITS["float32"])


@functools.partial(jax.jit, static_argnums=0)
def _logits(network: Network, params: Params, images: Array) -> Array:
    first, rest = apart(params)
    return network.forward(_product(images.astype(first.dtype), first), rest).logits


def spectral(matrix: Array) -> Array:
    """An upper bound of the largest singular value, that of Schatten's 8-norm: a few per cent above it, rounded up.

    From M Mᵀ, its square, and that one's Frobenius norm; how far each product may be rounded is added.
    """
    narrow = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    gram = _product(narrow, narrow.T)
    square = _norm(_product(gram, gram)) + _unit(gram) * len(gram) * _norm(gram) ** 2
    return OUTWARD * jnp.sqrt(jnp.sqrt(square) + _unit(gram) * narrow.shape[1] * _norm(narrow) ** 2)


def _reach(change: Array, lengths: Lengths) -> Array:
    """[N]: the most that a change of the first weights [P, H] does to the product of each image.

    Followed exactly in a few directions, where images are long; what is left of an image, by Frobenius' norm.
    """
    pixels, units = change.shape
    along = _product(lengths.directions.T, change)  # [R, H]
    inside, outside = _norm(along), _norm(change - _product(lengths.directions, along))
    parts, unit = _norm(lengths.parts, axis=1), _unit(change)
    rounded = unit * pixels * DIRECTIONS * _norm(change)  # of `along`, and of its product with the directions
    square = jnp.maximum(0, (_product(lengths.parts, _product(along, along.T)) * lengths.parts).sum(axis=1))
    followed = jnp.sqrt(square + unit * (units + DIRECTIONS**2) * jnp.square(parts * inside)) + rounded * parts
    return OUTWARD * (followed + (outside + rounded) * lengths.left + inside * lengths.leak)


def _product(a: Array, b: Array) -> Array:
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)


def _unit(array: Array) -> float:
    """What a rounding loses at most, and a hundredth more, so that n of them lose n of these (n < 100,000)."""
    return 1.01 * float(jnp.finfo(array.dtype).eps) / 2


def _norm(array: Array, axis: int | None = None) -> Array:
    """Its length, or those along an axis, rounded up."""
    count = array.size if axis is None else array.shape[axis]
    return jnp.linalg.norm(array, axis=axis) * (1 + _unit(array) * count)


def _length(biases: Array | None) -> Any:
    return 0.0 if biases is None else _norm(biases)


def _gaps(weights: Array) -> Array:
    """[C, C]: lengths of the differences of the columns of [H, C]."""
    return _norm(weights[:, :, None] - weights[:, None, :], axis=0)


def _between(biases: Array) -> Array:
    """[C, C]"""
    return abs(biases[:, None] - biases[None, :])


def _below(margins: Array) -> Array:
    """Margins that were rounded, and will be once more."""
    return margins - jnp.where(jnp.isfinite(margins), abs(margins), 0) * 2.0**-22


def _lengths(images: np.ndarray) -> list[np.ndarray]:
    """The fields of `Lengths`, of uint8 [N, P]: measured in float64."""
    sample = images[np.random.default_rng(0).permutation(len(images))[:5000]].astype(np.float32)
    directions = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :DIRECTIONS].astype(np.float32)
    exact = directions.astype(np.float64)
    measured = [_measured(images[i : i + 4000], exact) for i in range(0, len(images), 4000)]
    parts, left, leak, length, total, ink = (np.concatenate(each) for each in zip(*measured, strict=True))
    up = [np.asarray(array * OUTWARD, np.float32) for array in (left, leak.max(), length)]
    return [directions, parts, *up, np.asarray(total, np.float32), np.asarray(ink, np.float32)]


def _measured(images: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, ...]:
    pixels = images.astype(np.float64)
    along = pixels @ directions
    parts = along.astype(np.float32)
    left = np.linalg.norm(pixels - parts @ directions.T, axis=1)
    leak = np.linalg.norm(along - parts @ (directions.T @ directions), axis=1)
    return parts, left, leak, np.linalg.norm(pixels, axis=1), pixels.sum(axis=1), (images > 0).sum(axis=1)
