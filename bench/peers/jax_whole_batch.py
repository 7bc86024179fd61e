"""JAX as a tutorial writes it: the formula over a step's whole batch, `value_and_grad`, optax, one `jit`.

Every matmul runs at float32 accuracy (`HIGHEST`): the GPU's and TPU's faster defaults are not the original's
arithmetic. Minibatches are rows of resident pixels, gathered within the jit. Tried, on 6,000 images, with no difference
beyond noise: bytes cast inside the jit, buffers not donated. Tried for minibatches: arrays of the host (slower).
"""

import functools

import jax
import jax.numpy as jnp
import optax

from bench.peers import jax_device
from bench.peers.protocol import Problem, Run, serve


def loss_fn(params, images, labels, activation):
    *hidden, (last_weights, last_biases) = params
    for weights, biases in hidden:
        images = activation(images @ weights + biases)
    logits = images @ last_weights + last_biases
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    return loss, (logits.argmax(1) == labels).sum()


def start(problem: Problem) -> Run:
    jax.config.update("jax_default_matmul_precision", "highest")
    jax_device.use(problem.device)
    images, labels = jnp.asarray(problem.pixels()), jnp.asarray(problem.labels, jnp.int32)
    params, activation = jax.tree.map(jnp.asarray, problem.layers), getattr(jax.nn, problem.activation)
    optimizer, batches = jax_device.optimizer(problem), problem.batches()
    opt_state = optimizer.init(params)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(params, opt_state, images, labels, rows):
        batch = jax_device.taken(images, labels, rows)
        outcome, grads = jax.value_and_grad(loss_fn, has_aux=True)(params, *batch, activation)
        updates, opt_state = optimizer.update(grads, opt_state)
        return optax.apply_updates(params, updates), opt_state, outcome

    def run(steps: int):
        nonlocal params, opt_state
        outcomes = []
        for _ in range(steps):
            params, opt_state, outcome = step(params, opt_state, images, labels, next(batches))
            outcomes.append(outcome)
        return jax.device_get(outcomes)

    return run


if __name__ == "__main__":
    serve(start, f"JAX {jax.__version__}", jax_device.peak)
