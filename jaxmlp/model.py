"""The original's two-layer perceptron: its parameters, their initial values, its logits and its loss.

logits = relu(x W1 + b1) W2 + b2        x: pixels 0 … 255, unscaled, as the original feeds them
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp import tf_random
from jaxmlp.config import Config
from jaxmlp.data.dataset import PIXELS

SMALL_ZEROS = 1000  # elements from which on tf.zeros is three ops in a TF 1.15 graph; below it is one

# uint8 [N, P], float [P, H] -> float [N, H]; see engine/pixel_matmul.py
PixelMatmul = Callable[[Array, Any], Array]


class Params(NamedTuple):
    """The four tensors, in the original's order; also the shape of a gradient."""

    weights_1: Array | np.ndarray  # [784, H]
    biases_1: Array | np.ndarray  # [H]
    weights_2: Array | np.ndarray  # [H, C]
    biases_2: Array | np.ndarray  # [C]


def op_seeds(hidden: int) -> dict[str, int]:
    """What TF 1.15 derives for the original graph once tf.set_random_seed was called: the number of ops before each.

    The biases stand between the two weights, so it matters how many ops their `tf.zeros([hidden])` is.
    """
    return {"weights_1": 21, "weights_2": 39 if hidden >= SMALL_ZEROS else 37}


def init(config: Config, classes: int) -> Params:
    """The initial parameters of TF 1.15 after `tf.set_random_seed(config.seed)`, bit for bit; float32, on the host."""

    def weights(name: str, shape: tuple[int, int]) -> np.ndarray:
        stream = tf_random.stream(config.seed, op_seeds(config.hidden)[name])
        return tf_random.truncated_normal(shape, stream, stddev=config.weight_stddev)

    return Params(
        weights_1=weights("weights_1", (PIXELS, config.hidden)),
        biases_1=np.zeros(config.hidden, np.float32),
        weights_2=weights("weights_2", (config.hidden, classes)),
        biases_2=np.zeros(classes, np.float32),
    )


def logits(params: Params, images: Array, pixel_matmul: PixelMatmul) -> Array:
    """uint8 [N, P] -> float [N, C]; P is 784, or as many leading pixels as `params.weights_1` has rows."""
    hidden = jax.nn.relu(pixel_matmul(images, params.weights_1) + params.biases_1)
    return jnp.matmul(hidden, params.weights_2, precision=jax.lax.Precision.HIGHEST) + params.biases_2


class Totals(NamedTuple):
    """Sums over a set of images, so that the totals of two sets add up to those of both."""

    loss: Array  # float, sum of the softmax cross-entropies
    correct: Array  # int32, images whose largest logit is their label's


# float logits [N, C], labels [N] or whatever else stands for an image -> Totals; engines take `totals` below.
Head = Callable[[Array, Array], Totals]


def totals(logits: Array, labels: Array) -> Totals:
    """logits float [N, C], labels uint8 [N]; `tf.nn.softmax_cross_entropy_with_logits_v2` summed, and the hits."""
    labels = labels.astype(jnp.int32)
    shifted = logits - jax.lax.stop_gradient(logits.max(axis=1, keepdims=True))
    one_hot = labels[:, None] == jnp.arange(logits.shape[1], dtype=jnp.int32)
    own = jnp.where(one_hot, shifted, 0).sum(axis=1)  # an index here would make the gradient a scatter
    losses = jnp.log(jnp.exp(shifted).sum(axis=1)) - own
    hits = jax.lax.argmax(logits, axis=1, index_dtype=jnp.int32) == labels
    return Totals(losses.sum(), hits.sum(dtype=jnp.int32))
