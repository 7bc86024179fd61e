"""What every peer that stands on JAX shares: the device a problem names, its memory, its batches, optax's optimizer."""

import jax
import optax
from jax import Array

from bench.peers.protocol import Problem
from jaxmlp.device import pick


def use(name: str) -> jax.Device:
    """Makes the platform `name` the default of this process. Raises DeviceError, naming what is there."""
    device = pick(name)
    jax.config.update("jax_default_device", device)
    return device


def peak() -> int | None:
    """Bytes of device memory at the most; None on a CPU, where it is the process's own."""
    stats = jax.devices()[0].memory_stats()
    return stats and stats.get("peak_bytes_in_use")


def taken(images: Array, labels: Array, rows: Array | None) -> tuple[Array, Array]:
    """A step's images and labels, within its jit: all, or those of rows int32 [n]."""
    return (images, labels) if rows is None else (images[rows], labels[rows])


def optimizer(problem: Problem) -> optax.GradientTransformation:
    """optax's, with the program's numbers. Its Adam's epsilon is TensorFlow's divided by the bias correction."""
    if problem.adam is None:
        return optax.sgd(problem.learning_rate)
    return optax.adam(problem.learning_rate, problem.adam["beta1"], problem.adam["beta2"], problem.adam["epsilon"])
