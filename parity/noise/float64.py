"""One step in float64: what the tiers' limits are derived from, and the probabilities both sides are handed.

It is neither side of the comparison. It says how far honest float32 may carry a gradient from given weights: through
images near a tie, through units near the ReLU's kink, and through sums taken image by image, as TensorFlow 1.15 takes
those of the biases. Derivatives are JAX's, so any forward pass that is built of layers has its limits from here.
"""

import functools
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp import model
from jaxmlp.data.dataset import Split
from jaxmlp.engine.base import apart
from jaxmlp.model import Params
from jaxmlp.network import ORIGINAL, Pass
from parity.subject.port import Forward

CHUNK = 2000  # images at a time: their float64 activations stay near the cache
TIED = 250  # … and those whose Jacobians are taken at a time, each of [C, units] numbers
NEGLIGIBLE = 1e-12  # κ below this: the image is so far from a tie that it adds nothing to any limit
UNIT = 2.0**-24  # float32 rounds to within this of a number, relative to it


class Truth(NamedTuple):
    """What float64 says about one set of weights: a `compare.limits.Noise`, described there. Dicts are by tensor."""

    logits: np.ndarray  # float64 [N, C]
    logits_grad: np.ndarray  # float32 [N, C], p - y: the derivative of an image's loss by its logits
    labels: np.ndarray  # uint8 [N]
    ties: dict[str, float]  # mean over images of κᵢ ‖Jᵢ‖, κᵢ = maxₖ pᵢₖ (1 - pᵢₖ): per unit of error in the logits
    kinks: dict[str, float]  # root of the summed squares of what each unit near the kink puts into the gradient
    summation: dict[str, float]  # what float32 loses that divides by N and then sums image by image
    inputs_of: Callable[[int, np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]]  # see `_inputs_of`

    @property
    def largest_logit(self) -> float:
        return float(np.abs(self.logits).max())

    def near_ties(self, delta: float) -> int:
        own = np.take_along_axis(self.logits, self.labels[:, None].astype(np.int64), axis=1)[:, 0]
        others = np.where(_one_hot(self.logits, self.labels), -np.inf, self.logits).max(axis=1)
        return int((np.abs(own - others) <= 2 * delta).sum())

    def kink_distance(self, layer: int, rows: np.ndarray, differs: np.ndarray) -> float:
        some = np.flatnonzero(differs.any(axis=1))
        farthest, first = 0.0, 0
        for z, scale in self.inputs_of(layer, rows[some]):
            there = differs[some[first : first + len(z)]]
            distance = np.divide(np.abs(z), scale, out=np.full(z.shape, np.inf), where=scale > 0)
            farthest, first = max(farthest, float(distance[there].max())), first + len(z)
        return farthest


def truth(
    weights: Mapping[str, np.ndarray], split: Split, forward: Forward = ORIGINAL.forward, rows: Any = None
) -> Truth:
    """The float64 truth of one step from `weights`, float32 by name. `rows` are arrays [N, …] that go along.

    96 GFLOP of float64 for 60,000 images and 1024 units.
    """
    params = model.from_named(weights)
    # JAX_TRANSFER_GUARD is for the program that is proven: a proof goes to and fro between host and device.
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]), jax.transfer_guard("allow"):
        wide = jax.tree.map(lambda array: jnp.asarray(array, jnp.float64), params)
        sums = _Sums(wide, len(split.labels))
        for part in _parts(np.arange(len(split.labels)), CHUNK):
            sums.add(_Chunk(forward, wide, split, rows, part))
    inputs_of = functools.partial(_inputs_of, forward, params, split, rows)
    logits, logits_grad = np.concatenate(sums.logits), np.concatenate(sums.backs)
    return Truth(logits, logits_grad, split.labels, **sums.limits(), inputs_of=inputs_of)


class _Chunk:
    """Some images in float64, and what is derived of them, on the device; every method needs 64-bit JAX."""

    def __init__(self, forward: Forward, params: Params, split: Split, rows: Any, part: np.ndarray):
        first, rest = apart(params)
        self.labels, self.params = split.labels[part], params
        self.images = split.images[part].astype(np.float64)
        own = jax.tree.map(lambda array: jnp.asarray(array[part], jnp.float64), rows)
        self.forward, self.at = forward, (jnp.asarray(self.images) @ first, rest, own)
        self.zeros = tuple(jnp.zeros((len(part), len(layer.biases))) for layer in params)
        self.seen: Pass = _pass(forward, self.at, self.zeros)
        self.fed = [self.images, *(np.asarray(hidden) for hidden in self.seen.hidden)]  # what each layer is fed
        self.lengths = np.stack([np.linalg.norm(fed, axis=1) for fed in self.fed])  # float64 [layers, n]
        self.logits = np.asarray(self.seen.logits)
        self.p = softmax(self.logits)
        self.back = self.p - _one_hot(self.logits, self.labels)

    def back_to(self, nudges: tuple[Any, ...]) -> list[np.ndarray]:
        """Derivative of the loss by each layer's outputs before the ReLU, [n, units], these being nudged."""
        return list(map(np.asarray, _pulled(self.forward, self.at, nudges, logits=jnp.asarray(self.back))))

    def ties(self) -> np.ndarray:
        """float64 [layers, n]: κ times the operator norm of the derivative of the logits by a layer's outputs."""
        kappa = (self.p * (1 - self.p)).max(axis=1)
        found = np.zeros((len(self.params), len(kappa)))
        for some in _parts(np.flatnonzero(kappa > NEGLIGIBLE), TIED):
            padded = np.resize(some, TIED)  # of one shape, so that one compiled program serves
            inputs, rest, own = self.at
            at = (inputs[padded], rest, jax.tree.map(operator.itemgetter(padded), own))
            grams = _grams(self.forward, at, tuple(zeros[padded] for zeros in self.zeros))
            largest = np.stack([np.linalg.eigvalsh(gram)[: len(some), -1] for gram in map(np.asarray, grams)])
            found[:, some] = np.sqrt(largest.clip(0)) * kappa[some]
        return found

    def jumps(self, scales: list[np.ndarray]) -> list[np.ndarray]:
        """What the gradient by each layer's outputs changes by, [n, units], when units near their kink flip.

        Nudged over the kink, such a unit is on and shows what it sends back. Signs by chance make the squares add up
        that earlier layers get from several of them.
        """
        near = [np.abs(np.asarray(z)) < s for z, s in zip(self.seen.inputs, scales, strict=True)]
        moved = (*(jnp.asarray(2 * s * n) for s, n in zip(scales, near, strict=True)), self.zeros[-1])
        sent = self.back_to(moved)[:-1]
        rng = np.random.default_rng(0)
        signed = [g * n * rng.choice([-1.0, 1.0], g.shape) for g, n in zip(sent, near, strict=True)]
        jumps = _pulled(self.forward, self.at, moved, inputs=tuple(map(jnp.asarray, signed)))
        return list(map(np.asarray, jumps))

    def scales(self) -> list[np.ndarray]:
        """float64 [n, units] of each hidden layer: the scale of what float32 rounds in an input near zero.

        2^-24 √k hypot(‖x‖ rms(W), |b|), k the number of values of x that are not zero: the terms of such a sum are a
        random walk there and back, each step of which rounds. The error's rms is a fifth of this whatever k and the
        order of summation (tests/parity/test_float64.py), its largest a few times that. What the layers before have
        rounded comes on top.
        """
        found, carried = [], 0.0
        for i, layer in enumerate(self.params[:-1]):
            spread = float(np.sqrt(np.mean(np.square(np.asarray(layer.weights)))))
            count = np.count_nonzero(self.fed[i], axis=1)[:, None]
            rounded = UNIT * np.sqrt(count) * np.hypot(self.lengths[i][:, None] * spread, np.abs(layer.biases))
            if found:
                before = np.asarray(self.seen.inputs[i - 1])  # the gain: what its activation multiplies that by, or 0
                gain = np.divide(self.fed[i], before, out=np.zeros(before.shape), where=before != 0)
                carried = spread * np.linalg.norm(found[-1] * gain, axis=1, keepdims=True)
            found.append(np.hypot(rounded, carried))
        return found


class _Sums:
    """Sums over the images seen so far, each a row a layer."""

    def __init__(self, params: Params, images: int):
        self.images, self.logits, self.backs = images, [], []
        self.ties, self.kinks = np.zeros((2, len(params))), np.zeros((2, len(params)))  # of weights and of biases
        self.wide = [np.zeros(len(layer.biases)) for layer in params]
        self.narrow = [np.zeros(len(layer.biases), np.float32) for layer in params]

    def add(self, chunk: _Chunk) -> None:
        self.logits.append(chunk.logits)
        self.backs.append(chunk.back.astype(np.float32))
        for i, rows in enumerate(chunk.back_to(chunk.zeros)):
            self.wide[i] += rows.sum(axis=0)
            # NumPy sums the first axis of a C-ordered array row by row, as TensorFlow 1.15 does: nothing pairwise.
            self.narrow[i] = np.vstack([self.narrow[i], rows.astype(np.float32) / np.float32(self.images)]).sum(axis=0)
        self.ties += _by_kind(chunk.ties(), chunk.lengths)
        if chunk.seen.inputs:
            jumps = np.stack([(jump**2).sum(axis=1) for jump in chunk.jumps(chunk.scales())])
            self.kinks += _by_kind(jumps, chunk.lengths**2)

    def limits(self) -> dict[str, dict[str, float]]:
        """Each by tensor."""
        pairs = zip(self.wide, self.narrow, strict=True)
        lost = [float(np.linalg.norm(wide / self.images - narrow)) for wide, narrow in pairs]
        ties, kinks = self.ties / self.images, np.sqrt(self.kinks) / self.images
        summation = np.stack([np.zeros(len(lost)), lost])
        return {"ties": _named(ties), "kinks": _named(kinks), "summation": _named(summation)}


def softmax(logits: np.ndarray) -> np.ndarray:
    """float64 [N, C], each row's largest taken off first."""
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


@functools.partial(jax.jit, static_argnums=0)
def _pass(forward: Forward, at: tuple[Array, Params, Any], nudges: tuple[Array, ...]) -> Pass:
    """The forward pass with biases of their own for every image: what they differ by is a nudge of its outputs."""
    inputs, rest, rows = at
    own = tuple(layer._replace(biases=layer.biases[None] + nudge) for layer, nudge in zip(rest, nudges, strict=True))
    return forward(inputs, own, rows)


@functools.partial(jax.jit, static_argnums=0)
def _pulled(forward: Forward, at: Any, nudges: tuple[Array, ...], **cotangents: Any) -> tuple[Array, ...]:
    """What cotangents of some fields of the pass send back to each layer's outputs."""

    def fields(some: tuple[Array, ...]) -> dict[str, Any]:
        return {name: getattr(_pass(forward, at, some), name) for name in cotangents}

    return jax.vjp(fields, nudges)[1](cotangents)[0]


@functools.partial(jax.jit, static_argnums=0)
def _grams(forward: Forward, at: Any, zeros: tuple[Array, ...]) -> list[Array]:
    """J Jᵀ [n, C, C] of each layer, J the derivative of an image's logits by the layer's outputs."""
    images, classes = zeros[-1].shape
    one_hots = jnp.eye(classes)[:, None, :] * jnp.ones((1, images, 1))
    jacobians = jax.vmap(lambda one: _pulled(forward, at, zeros, logits=one))(one_hots)  # of each layer [C, n, units]
    return [jnp.einsum("cnu,dnu->ncd", jacobian, jacobian) for jacobian in jacobians]


def _inputs_of(
    forward: Forward, params: Params, split: Split, rows: Any, layer: int, images: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A layer's inputs in float64, [n, units], and their scales of rounding, of so many images at a time."""
    for part in _parts(images, CHUNK):
        with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]), jax.transfer_guard("allow"):
            wide = jax.tree.map(lambda array: jnp.asarray(array, jnp.float64), params)
            chunk = _Chunk(forward, wide, split, rows, part)
            yield np.asarray(chunk.seen.inputs[layer - 1]), chunk.scales()[layer - 1]


def _parts(images: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (images[i : i + size] for i in range(0, len(images), size))


def _by_kind(of_outputs: np.ndarray, of_fed: np.ndarray) -> np.ndarray:
    """float64 [2, layers]: summed over images, of the weights (what the layer is fed comes in) and of the biases."""
    return np.stack([(of_outputs * of_fed).sum(axis=1), of_outputs.sum(axis=1)])


def _one_hot(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.arange(logits.shape[1]) == labels[:, None]


def _named(values: np.ndarray) -> dict[str, float]:
    """[2, layers] -> by tensor."""
    kinds = zip(("weights", "biases"), values, strict=True)
    return {f"{kind}_{i}": float(one) for kind, of_kind in kinds for i, one in enumerate(of_kind, 1)}
