"""Keras 3 on JAX: `Dense` layers and its optimizer, driven by the custom JAX training loop of Keras' own guide.

Matmuls at float32 accuracy. Minibatches are rows of resident pixels, gathered within the jit. Tried:
`train_on_batch` with arrays of the host (a little slower) and of the device (the same within noise).
"""

import functools
import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras

from bench.peers import jax_device
from bench.peers.protocol import ADAM, Problem, Run, serve


def start(problem: Problem) -> Run:
    jax.config.update("jax_default_matmul_precision", "highest")
    jax_device.use(problem.device)
    images, labels = jnp.asarray(problem.pixels()), jnp.asarray(problem.labels, jnp.int32)
    model, optimizer, batches = _model(problem), _optimizer(problem), problem.batches()
    optimizer.build(model.trainable_variables)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss_fn(trainable, images, labels):
        logits = model.stateless_call(trainable, [], images, training=True)[0]
        return cross_entropy(labels, logits), (logits.argmax(1) == labels).sum()

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(trainable, opt_variables, images, labels, rows):
        batch = jax_device.taken(images, labels, rows)
        outcome, grads = jax.value_and_grad(loss_fn, has_aux=True)(trainable, *batch)
        trainable, opt_variables = optimizer.stateless_apply(opt_variables, grads, trainable)
        return trainable, opt_variables, outcome

    trainable = [variable.value for variable in model.trainable_variables]
    opt_variables = [variable.value for variable in optimizer.variables]

    def run(steps: int):
        nonlocal trainable, opt_variables
        outcomes = []
        for _ in range(steps):
            trainable, opt_variables, outcome = step(trainable, opt_variables, images, labels, next(batches))
            outcomes.append(outcome)
        return jax.device_get(outcomes)

    return run


def _model(problem: Problem) -> keras.Sequential:
    *hidden, last = (len(biases) for _, biases in problem.layers)
    activation = {"relu": "relu", "identity": "linear"}[problem.activation]
    layers = [keras.layers.Dense(units, activation=activation) for units in hidden]
    model = keras.Sequential([*layers, keras.layers.Dense(last)])
    model.build((None, problem.images.shape[1]))
    model.set_weights(problem.params)
    return model


def _optimizer(problem: Problem) -> keras.optimizers.Optimizer:
    if problem.adam is None:
        return keras.optimizers.SGD(problem.learning_rate)
    beta1, beta2, epsilon = (problem.adam[name] for name in ADAM)
    return keras.optimizers.Adam(problem.learning_rate, beta_1=beta1, beta_2=beta2, epsilon=epsilon)


if __name__ == "__main__":
    serve(start, f"Keras {keras.__version__}", jax_device.peak)
