"""The perceptron of a `Program`: its parameters by layers, their initial values, its forward pass and its loss.

An engine multiplies pixels by the first layer's weights; what lies behind is here: `inputs` float [n, units] is that
product, `rest` the parameters without the first weights.
"""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.program import Program, TruncatedNormal
from jaxmlp.tf1 import op_seeds, random
from jaxmlp.tf1.losses import softmax_cross_entropy


class Layer(NamedTuple):
    """x W + b."""

    weights: Any  # float [inputs, units]; None in `rest`, for the first layer
    biases: Array | np.ndarray  # [units]


Params = tuple[Layer, ...]  # from the pixels to the logits; also the shape of a gradient


class Pass(NamedTuple):
    """What a forward pass computes of n images."""

    inputs: tuple[Array, ...]  # of each hidden layer, before its ReLU: float [n, units]
    hidden: tuple[Array, ...]  # behind it
    logits: Array  # float [n, C]


class Totals(NamedTuple):
    """Sums over a set of images, so that the totals of two sets add up to those of both."""

    loss: Array  # float, sum of the softmax cross-entropies
    correct: Array  # int32, images whose largest logit is their label's


def init(program: Program, pixels: int, classes: int) -> Params:
    """The initial parameters of TF 1.15 after `tf.set_random_seed(program.seed)`, bit for bit; float32, on the host."""
    widths = [*(layer.units for layer in program.layers), classes]
    kernels = [*(layer.kernel for layer in program.layers), program.output.kernel]
    layers = zip(kernels, itertools.pairwise([pixels, *widths]), op_seeds.of_perceptron(widths), strict=True)
    return tuple(_drawn(kernel, shape, random.stream(program.seed, seed)) for kernel, shape, seed in layers)


def _drawn(kernel: TruncatedNormal, shape: tuple[int, int], stream: random.Stream) -> Layer:
    return Layer(random.truncated_normal(shape, stream, stddev=kernel.stddev), np.zeros(shape[1], np.float32))


def forward(inputs: Array, rest: Params, rows: Any = None) -> Pass:
    """relu(inputs + b1) W2 + b2 …, for as many layers as there are; what a caller does not use is not computed.

    `rows` is what goes along with the images, see `engine.base`: nothing, for a `Program`.
    """
    before, hidden, outputs = [], [], inputs + jnp.atleast_2d(rest[0].biases)
    for layer in rest[1:]:
        before.append(outputs)
        hidden.append(jax.nn.relu(outputs))
        outputs = jnp.matmul(hidden[-1], layer.weights, precision=jax.lax.Precision.HIGHEST) + jnp.atleast_2d(
            layer.biases
        )
    return Pass(tuple(before), tuple(hidden), outputs)


def loss(inputs: Array, rest: Params, labels: Array, rows: Any = None) -> Totals:
    """The `engine.LossFn` of every `Program`: the softmax cross-entropies summed, and the hits. labels uint8 [n]."""
    return totals(forward(inputs, rest, rows).logits, labels)


def totals(logits: Array, labels: Array) -> Totals:
    """logits float [n, C], labels uint8 [n]."""
    return Totals(softmax_cross_entropy(logits, labels).sum(), hits(logits, labels).sum(dtype=jnp.int32))


def hits(logits: Array, labels: Array) -> Array:
    """bool [n]: whether an image's largest logit, the first of several, is its label's."""
    return jax.lax.argmax(logits, axis=1, index_dtype=jnp.int32) == labels.astype(jnp.int32)


def named(params: Params) -> dict[str, Any]:
    """By TensorFlow's names: weights_1, biases_1, weights_2, …: what files, the proof and exports use."""
    return {f"{kind}_{i}": array for i, layer in enumerate(params, 1) for kind, array in layer._asdict().items()}


def from_named(arrays: Mapping[str, Any]) -> Params:
    """The inverse of `named`. Raises KeyError for a tensor that is missing."""
    layers = sum(name.startswith("weights_") for name in arrays)
    return tuple(Layer(arrays[f"weights_{i}"], arrays[f"biases_{i}"]) for i in range(1, layers + 1))
