"""A recorded program's step as a file that needs nothing but JAX: `jax.export`'s serialized StableHLO.

With it goes a description, as JSON: every input and output by TensorFlow's name, with shape and dtype. What is no data
but says how to compute, as a training phase, is fixed as the recording has it, and told.
"""

from typing import Any

import jax
import numpy as np
from jax import export

from parity.compare.recorded.recording import Program, starts
from parity.subject.graph.step import GraphStep, is_known

FORMAT = 1
PLATFORMS = ("cpu", "cuda", "tpu")


def exported(step: GraphStep, program: Program, number: int) -> tuple[bytes, dict[str, Any]]:
    """The step of the shapes that recorded step `number` has, and its description. Raises `CannotCompare`."""
    given = starts(program.trace.steps[number])
    step(**given)  # so that it is known what shapes depend on
    fixed = {name: array for name, array in given["batch"].items() if is_known(array, step.known)}
    data = {name: array for name, array in given["batch"].items() if name not in fixed}

    def free(weights: Any, slots: Any, batch: Any, draws: Any) -> dict[str, Any]:
        return step(weights, slots, {**batch, **fixed}, draws)

    with jax.enable_x64(True):
        arguments = given["weights"], given["slots"], data, given["draws"]
        made = export.export(jax.jit(free), platforms=PLATFORMS)(*jax.tree.map(_shape, arguments))
    inputs = dict(zip(("weights", "slots", "batch", "draws"), arguments, strict=True))
    told = {
        "format": FORMAT,
        "jax": jax.__version__,
        "platforms": list(made.platforms),
        "jax_enable_x64": True,
        "inputs": jax.tree.map(_told, inputs),
        "fixed": {name: array.tolist() for name, array in fixed.items()},
        "outputs": jax.tree.map(_told, jax.tree.unflatten(made.out_tree, made.out_avals)),
    }
    return bytes(made.serialize()), told


def _shape(array: np.ndarray) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


def _told(array: Any) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": np.dtype(array.dtype).name}
