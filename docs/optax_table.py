"""Prints the table of tf1's guide: TensorFlow 1.x's call, the optax call that looks the same, and how far off it is.

`python docs/optax_table.py`, from a clone: against TensorFlow 1.15.5's own weights in tests/tf1. How far: the norm of
the difference to TensorFlow's weights, over the norm of how far TensorFlow moved them.
"""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxmlp.tf1 import optimizers

VECTORS = Path(__file__).parent.parent / "tests" / "tf1" / "tf115_family_vectors.json"
STEPS = ("1", "10", "50")
ROWS: dict[str, tuple[str, optax.GradientTransformation | None, optax.GradientTransformation]] = {
    "sgd": ("sgd(.05)", optax.sgd(0.05), optimizers.gradient_descent(0.05)),
    "momentum": ("sgd(.05, .9)", optax.sgd(0.05, 0.9), optimizers.momentum(0.05, 0.9)),
    "nesterov": ("sgd(.05, .9, nesterov=True)", optax.sgd(0.05, 0.9, True), optimizers.momentum(0.05, 0.9, True)),
    "adam": ("adam(1e-3)", optax.adam(1e-3), optimizers.adam()),
    "adam_b": ("adam(.01, .5, .99, 1e-4)", optax.adam(0.01, 0.5, 0.99, 1e-4), optimizers.adam(0.01, 0.5, 0.99, 1e-4)),
    "rmsprop": ("rmsprop(1e-3)", optax.rmsprop(1e-3), optimizers.rmsprop(1e-3)),
    "adagrad": ("adagrad(.01)", optax.adagrad(0.01), optimizers.adagrad(0.01)),
    "adadelta": ("adadelta(1e-3)", optax.adadelta(1e-3), optimizers.adadelta()),
    "ftrl": ("none", None, optimizers.ftrl(0.05)),
    "proxgd": ("none", None, optimizers.proximal_gradient_descent(0.05)),
    "proxada": ("none", None, optimizers.proximal_adagrad(0.05)),
    "adagradda": ("none", None, optimizers.adagrad_da(0.05)),
}


def floats(big_endian_hex: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(big_endian_hex), ">f4").astype(np.float32)


def distances(optimizer: optax.GradientTransformation, vectors: dict[str, Any], key: str, size: str) -> list[float]:
    """After each of STEPS."""
    start = floats(vectors["initial"][size]["hex"])
    params: Any = jnp.asarray(start)
    state, far = optimizer.init(params), []

    @jax.jit
    def step(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
        if isinstance(optimizer, optimizers.Optimizer):
            return optimizer.apply_gradients(grads, state, params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    for number, grads in enumerate(floats(vectors["grads"][size]["hex"]).reshape(50, -1), 1):
        params, state = step(params, state, jnp.asarray(grads))
        if str(number) in STEPS:
            right = floats(vectors["runs"][key]["var"][size][str(number)])
            far.append(float(np.linalg.norm(params - right) / np.linalg.norm(right - start)))
    return far


def main() -> None:
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))["optimizers"]
    print("| tf.train | optax | off after 1, 10, 50 steps | ours, 7 weights | ours, 19 weights |")
    print("|---|---|---|---|---|")
    for key, (call, theirs, ours) in ROWS.items():
        arguments = ", ".join(f"{name}={value}" for name, value in vectors["runs"][key]["args"].items())
        columns = [theirs and distances(theirs, vectors, key, "19")]
        columns += [distances(ours, vectors, key, size) for size in ("7", "19")]
        cells = ["-" if far is None else ", ".join(f"{one:.1e}" if one else "0" for one in far) for far in columns]
        print(f"| {vectors['runs'][key]['optimizer']}({arguments}) | {call} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
