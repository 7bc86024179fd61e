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
from jaxmlp.engine.lengths import Lengths, measured
from jaxmlp.engine.outward import OUTWARD, gaps, length, norm, product, spectral, unit
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

    margins: Array  # float [N, C], lower bounds of how far its own logit is above each other; its own: far
    hidden: Array  # float [N, L], upper bounds of the length of each hidden layer's outputs
    near: Array  # bool [N], whether it may have had a gradient in the last step: then it is likely to have one again


class Seen(NamedTuple):
    """Of images that were computed."""

    margins: Array  # float [n, C]
    hidden: Array  # float [n, L], the length of each hidden layer's outputs


@dataclasses.dataclass(frozen=True)
class Screening:
    """An engine that passes over what a step need not compute; as an ordinary engine it computes all."""

    images: Compact

    def place(self, split: Split, device: jax.Device) -> ScreenedBatch:
        """The images laid out and measured."""
        batch = self.images.place(split, device)
        lengths = measured(split.images[jax.device_get(batch.members)])
        return ScreenedBatch(batch, Lengths(*(jax.device_put(array, device) for array in lengths)))

    def sum_grads(self, loss: LossFn, params: Params, batch: ScreenedBatch, rows: Any = None) -> tuple[Totals, Params]:
        return self.images.sum_grads(loss, params, batch.images, rows)

    def map_rows(self, function: RowFn, params: Params, batch: ScreenedBatch, rows: Any = None) -> Any:
        return self.images.map_rows(function, params, batch.images, rows)

    def unknown(self, params: Params, batch: ScreenedBatch) -> Bounds:
        """Before anything was computed; on the host."""
        dtype, classes = params[0].weights.dtype, params[-1].weights.shape[1]
        unknown = np.full((batch.size, classes), -_far(dtype), dtype)
        hidden = np.zeros((batch.size, len(params) - 1), dtype)
        return Bounds(unknown, hidden, np.ones(batch.size, bool))  # pyright: ignore[reportArgumentType]

    def screened(
        self, loss: LossFn, network: Network, params: Params, batch: ScreenedBatch, bounds: Bounds
    ) -> tuple[Totals, Params, Bounds]:
        """`sum_grads` without the images that are settled, and the bounds with what was seen of the others.

        Images that are likely to have no gradient are looked at first, forward only: few of them are then left.
        """
        seen, limit = functools.partial(_seen, network), LIMITS[params[0].weights.dtype.name]
        asked = ~is_settled(network, params, batch, bounds)
        looked = asked & ~bounds.near
        made = self.images.map_of(seen, params, batch.images, looked)
        bounds = _known(network, params, batch, bounds, looked, made)
        left = asked & ~(looked & _wide(made.margins, limit))
        totals, grads, made = self.images.sum_grads_of(loss, seen, params, batch.images, left)
        bounds = _known(network, params, batch, bounds, left, made)
        totals = totals._replace(correct=totals.correct + (~left).sum(dtype=jnp.int32))
        return totals, grads, bounds._replace(near=left & ~_wide(made.margins, limit))


def is_settled(network: Network, params: Params, batch: ScreenedBatch, bounds: Bounds) -> Array:
    """bool [N]: whether an image's loss and gradient are zero for certain, whoever computes them."""
    limit = LIMITS[params[0].weights.dtype.name]
    error, _ = _error(network, params, batch, bounds.hidden)
    return _wide(bounds.margins, limit + error)


def lowered(network: Network, bounds: Bounds, before: Params, after: Params, batch: ScreenedBatch) -> Bounds:
    """The bounds for the weights after a step: what its change of them may do at most."""
    change = jax.tree.map(jnp.subtract, after, before)
    lengths, labels, last = batch.lengths(bounds.margins), batch.images.labels, len(before) - 1
    drop = _between(change[-1].biases)[labels] if change[-1].biases is not None else 0.0
    hidden, source, moved = [], lengths.length * _scale(network), lengths.moved(change[0].weights) * _scale(network)
    for i in range(last):
        moved = _steepness(network, i) * (moved + length(change[i].biases))
        source = bounds.hidden[:, i] + moved
        hidden.append(source)
        if i + 1 < last:
            moved = spectral(before[i + 1].weights) * moved + spectral(change[i + 1].weights) * source
    drop += gaps(change[-1].weights)[labels] * source[:, None]
    drop += gaps(before[-1].weights)[labels] * moved[:, None] if last else 0.0
    hidden = jnp.stack(hidden, axis=1) * OUTWARD if hidden else bounds.hidden
    return Bounds(_below(bounds.margins) - drop * OUTWARD, hidden, bounds.near)


def _known(network: Network, params: Params, batch: ScreenedBatch, bounds: Bounds, chosen: Array, made: Seen) -> Bounds:
    """The bounds with what was made of the chosen images in place of what was known of them."""
    error, off = _error(network, params, batch, made.hidden * OUTWARD)
    margins = jnp.where(chosen[:, None], _below(made.margins) - error, bounds.margins)
    return Bounds(margins, jnp.where(chosen[:, None], made.hidden * OUTWARD + off, bounds.hidden), bounds.near)


def _wide(margins: Array, limit: Array | float) -> Array:
    """bool [N]: whether an image's own logit is far enough above all others; not so for what is not a number."""
    return (margins > limit).all(axis=1)


def _seen(network: Network, inputs: Array, rest: Params, labels: Array, _: Any) -> Seen:
    made = network.forward(inputs, rest)
    own = jax.nn.one_hot(labels, made.logits.shape[1], dtype=jnp.bool_)
    right = jnp.take_along_axis(made.logits, labels[:, None].astype(jnp.int32), axis=1)
    lengths = [norm(outputs, axis=1) for outputs in made.hidden]
    hidden = jnp.stack(lengths, axis=1) if lengths else jnp.zeros((len(labels), 0), inputs.dtype)
    return Seen(jnp.where(own, _far(inputs.dtype), right - made.logits), hidden)


def _error(network: Network, params: Params, batch: ScreenedBatch, hidden: Array) -> tuple[Array, Array]:
    """How far a pass in floating point may be from the one in real numbers: margins [N, C], hidden outputs [N, L].

    See `outward`; a blank pixel is no rounding.
    """
    loses, lengths, labels = unit(hidden), batch.lengths(hidden), batch.images.labels
    first, last = params[0].weights, len(params) - 1
    roundings = loses * (lengths.ink + SPARE) * lengths.sum * _scale(network)  # times the largest weight
    off, each = roundings * norm(first, axis=1).max(), []
    for i in range(last):
        off = off + SPARE * loses * length(params[i].biases)
        wide = params[i].weights.shape[1]
        off = _steepness(network, i) * off + ULPS * loses * (hidden[:, i] + wide**0.5)
        each.append(off)
        if i + 1 < last:
            long = (wide + SPARE) * loses * norm(params[i + 1].weights)
            off = spectral(params[i + 1].weights) * off + long * (hidden[:, i] + off)
    sizes = norm(params[-1].weights, axis=0) if last else abs(first).max(axis=0)
    terms = (params[-1].weights.shape[0] + SPARE) * loses * (hidden[:, -1] + off) if last else roundings
    error = terms[:, None] * (sizes[None] + sizes[labels][:, None])
    error += gaps(params[-1].weights)[labels] * off[:, None] if last else 0.0
    if params[-1].biases is not None:
        size = abs(params[-1].biases)
        error += SPARE * loses * (size[None] + size[labels][:, None])
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
    return network.forward(product(images.astype(first.dtype), first), rest).logits


def _between(biases: Array) -> Array:
    """[C, C]"""
    return abs(biases[:, None] - biases[None, :])


def _below(margins: Array) -> Array:
    """Margins that were rounded, and will be once more."""
    return margins - abs(margins) * 2.0**-22


def _far(dtype: Any) -> float:
    """Further than any margin; no infinity, which JAX_DEBUG_INFS would take for a fault."""
    return float(jnp.finfo(dtype).max) / 4
