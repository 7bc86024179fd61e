"""TensorFlow 1.x's optimizers as optax transformations.

Rates are data: they lie in the state that `init` makes, so a step that is compiled once serves every rate.
"""

import optax


def gradient_descent(learning_rate: float) -> optax.GradientTransformationExtraArgs:
    """`tf.train.GradientDescentOptimizer`: params - learning_rate * grads, the rate in the parameters' dtype."""
    return optax.inject_hyperparams(optax.sgd)(learning_rate=learning_rate)
