"""A trained program in one safetensors file, written and read here; never a pickle.

Tensors by TensorFlow's names, float32: weights_1 [784, H], biases_1 [H], …; the metadata's "program" is its JSON.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from jaxmlp import model
from jaxmlp.data.dataset import PIXELS
from jaxmlp.errors import ConfigError, DataError
from jaxmlp.model import Params
from jaxmlp.program import Program
from jaxmlp.run import checkpoint
from jaxmlp.run.files import write_whole
from jaxmlp.run.status import MODEL
from jaxmlp.run.tensor_file import content


def write_model(path: Path, program: Program, params: Params) -> None:
    """Raises OutputError naming the path."""
    tensors = {name: np.asarray(value) for name, value in model.named(params).items()}
    write_whole(path, safetensors.numpy.save(tensors, metadata={"program": json.dumps(program.as_dict())}))


def read_model(path: Path) -> tuple[Program, Params]:
    """What `write_model` wrote at `path`, or in the run's folder that `path` is; or the weights of a checkpoint.

    Raises DataError naming the file.
    """
    file = path / MODEL if path.is_dir() else path
    metadata, tensors = content(file, "a model")
    if checkpoint.KEY in metadata:
        metadata, tensors = checkpoint.as_model(file, metadata, tensors)
    program = _program(file, metadata)
    _require_shapes(file, program, tensors)
    return program, model.from_named(tensors)


def _program(file: Path, metadata: dict[str, str]) -> Program:
    if "program" not in metadata:
        raise DataError(f"{file} does not say of which program it is: its metadata has no 'program'")
    try:
        return Program.from_dict(json.loads(metadata["program"]))
    except (ValueError, ConfigError, RecursionError) as error:
        raise DataError(f"{file} names a program that cannot be: {error}") from None


def _require_shapes(file: Path, program: Program, tensors: dict[str, Any]) -> None:
    """Exactly the tensors of the program's layers, one fitting the next, all float32."""
    layers = [*program.layers, program.output]
    names = [f"weights_{i}" for i, _ in enumerate(layers, 1)]
    names += [f"biases_{i}" for i, layer in enumerate(layers, 1) if layer.bias is not None]
    if missing := [name for name in names if name not in tensors]:
        raise DataError(f"{file} lacks {', '.join(missing)}")
    if strange := sorted(tensors.keys() - set(names)):
        raise DataError(f"{file} holds {', '.join(strange)}, which its program has not")
    last = tensors[f"weights_{len(layers)}"]
    widths = [PIXELS, *(layer.units for layer in program.layers), max(1, last.shape[-1] if last.ndim else 1)]
    for i, (inputs, units) in enumerate(itertools.pairwise(widths), 1):
        for name, shape in ((f"weights_{i}", (inputs, units)), (f"biases_{i}", (units,))):
            found = tensors.get(name)
            if found is not None and (found.shape != shape or found.dtype != np.float32):
                raise DataError(f"{file}: {name} is {found.dtype} {found.shape}; float32 {shape} is right")
