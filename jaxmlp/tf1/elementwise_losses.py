"""What TensorFlow 1.x's `tf.losses` take the mean of, element by element, in the predictions' own dtype.

labels and predictions: float arrays of one shape -> of that shape. `weighted_losses` has the functions by TF's names.
"""

import jax.numpy as jnp
from jax import Array

from jaxmlp.tf1.activations import relu
from jaxmlp.tf1.kinks import absolute, minimum
from jaxmlp.tf1.rounding import fenced


def squared_error(labels: Array, predictions: Array) -> Array:
    """(p-y)**2."""
    return jnp.square(predictions - labels)


def absolute_error(labels: Array, predictions: Array) -> Array:
    """|p-y|; gradient 0 where they are equal."""
    return absolute(predictions - labels)


def huber(labels: Array, predictions: Array, delta: float = 1.0) -> Array:
    """q*q/2 + delta*(e-q), e = |p-y|, q = min(e, delta)."""
    error = absolute(predictions - labels)
    quadratic = minimum(error, delta)
    return 0.5 * (quadratic * quadratic) + delta * (error - quadratic)


def hinge(labels: Array, logits: Array) -> Array:
    """max(0, 1-(2*y-1)*x), labels y 0 or 1; gradient 0 at the kink."""
    return relu(1 - (2 * labels - 1) * logits)


def log_loss(labels: Array, predictions: Array, epsilon: float = 1e-7, folded: bool = False) -> Array:
    """-y*log(p+epsilon) - (1-y)*log((1-p)+epsilon); `folded`: (1+epsilon)-p, see `weighted_losses.log_loss`."""
    # XLA folds the constants too, if it may: what is rounded stays as it is written.
    rest = (jnp.ones((), predictions.dtype) + epsilon) - predictions if folded else fenced(1 - predictions) + epsilon
    return -labels * jnp.log(predictions + epsilon) - (1 - labels) * jnp.log(rest)
