"""Flax NNX on JAX: a `nnx.Linear` a layer, `nnx.Optimizer` around optax, `nnx.jit`. Matmuls at float32 accuracy.

Minibatches are rows of resident pixels, gathered within the jit. Tried: a plain call of the jitted step (a little
slower than `nnx.cached_partial`, which walks the module only once).
"""

import flax
import jax
import jax.numpy as jnp
import optax
from flax import nnx

from bench.peers import jax_device
from bench.peers.protocol import Problem, Run, serve


class Perceptron(nnx.Module):
    def __init__(self, problem: Problem):
        *hidden, last = (_linear(weights, biases) for weights, biases in problem.layers)
        self.hidden, self.last = nnx.List(hidden), last
        self.activation = getattr(nnx, problem.activation)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        for layer in self.hidden:
            inputs = self.activation(layer(inputs))
        return self.last(inputs)


def _linear(weights, biases) -> nnx.Linear:
    return nnx.Linear(
        *weights.shape,
        kernel_init=lambda *_: jnp.asarray(weights),
        bias_init=lambda *_: jnp.asarray(biases),
        precision="highest",
        rngs=nnx.Rngs(0),
    )


@nnx.jit
def step(model: Perceptron, optimizer: nnx.Optimizer, images: jax.Array, labels: jax.Array, rows: jax.Array | None):
    images, labels = jax_device.taken(images, labels, rows)

    def loss_fn(model: Perceptron):
        logits = model(images)
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
        return loss, (logits.argmax(1) == labels).sum()

    outcome, grads = nnx.value_and_grad(loss_fn, has_aux=True)(model)
    optimizer.update(model, grads)
    return outcome


def start(problem: Problem) -> Run:
    jax_device.use(problem.device)
    images, labels = jnp.asarray(problem.pixels()), jnp.asarray(problem.labels, jnp.int32)
    model, batches = Perceptron(problem), problem.batches()
    optimizer = nnx.Optimizer(model, jax_device.optimizer(problem), wrt=nnx.Param)
    cached_step = nnx.cached_partial(step, model, optimizer)
    return lambda steps: jax.device_get([cached_step(images, labels, next(batches)) for _ in range(steps)])


if __name__ == "__main__":
    serve(start, f"Flax {flax.__version__}", jax_device.peak)
