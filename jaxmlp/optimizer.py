"""optax transformations with TF 1.x semantics: what `trainer.step` applies to the gradient."""

import functools
from typing import Any

import jax.numpy as jnp
import optax

from jaxmlp.model import Params


@functools.cache
def gradient_descent() -> optax.GradientTransformationExtraArgs:
    """`tf.train.GradientDescentOptimizer`: params - rate * grads, plain `optax.sgd`.

    The rate is a float32 in the optimizer's state, an argument of the jitted step and not a constant in it, so that
    another rate recompiles nothing.
    """
    return optax.inject_hyperparams(optax.sgd)(learning_rate=float("nan"))


def init(params: Params, learning_rate: float) -> optax.OptState:
    """The optimizer's state before the first step, with the rate in it."""
    state: Any = gradient_descent().init(params)
    return state._replace(hyperparams={"learning_rate": jnp.asarray(learning_rate, params.weights_1.dtype)})
