"""TensorFlow 1.x's optimizers, by optax. Rates lie in the state that `init` makes: one compiled step serves all."""

import optax


def gradient_descent(learning_rate: float) -> optax.GradientTransformationExtraArgs:
    """`tf.train.GradientDescentOptimizer`: params - learning_rate * grads, the rate in the parameters' dtype."""
    return optax.inject_hyperparams(optax.sgd)(learning_rate=learning_rate)
