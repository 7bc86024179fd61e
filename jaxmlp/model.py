"""The parameters of a `Program` by layers: their initial values, and TensorFlow's names for them."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jax import Array

from jaxmlp.program import Dense, Initializer, Program, VarianceScaling, Xavier
from jaxmlp.tf1 import initializers, random
from jaxmlp.tf1.op_seeds import REFORMAT, Graph

DRAWN = {"truncated_normal": random.truncated_normal, "random_normal": random.random_normal}
PLAIN = ("zeros", "ones", "constant")  # initializers that draw nothing
OPS = {"leaky_maximum": ("constant", "multiply", "maximum"), "identity": ()}  # of an activation, where it is not one op


class Layer(NamedTuple):
    """x W + b."""

    weights: Any  # float [inputs, units]; None in `rest`, for the first layer
    biases: Any  # [units]; None where the layer has none


Params = tuple[Layer, ...]  # from the pixels to the logits; also the shape of a gradient


class Totals(NamedTuple):
    """Sums over a set of images, so that the totals of two sets add up to those of both."""

    loss: Array  # float, sum of the losses
    correct: Array  # int32, images whose largest logit is their label's


class OpSeeds(NamedTuple):
    """The op seeds of a program's random ops; None where nothing is drawn."""

    layers: tuple[tuple[int | None, int | None], ...]  # of each layer's weights and biases
    dropouts: tuple[int, ...]  # of the pixels' dropout, if there is one, and of each hidden layer's that has one


def init(program: Program, pixels: int, classes: int) -> Params:
    """The initial parameters of TF 1.15 after `tf.set_random_seed(program.seed)`, bit for bit; float32, on the host."""
    layers = _layers(program, classes)
    shapes = itertools.pairwise([pixels, *(layer.units for layer in layers)])
    drawn = []
    for layer, shape, seeds in zip(layers, shapes, op_seeds(program, pixels, classes).layers, strict=True):
        biases = None if layer.bias is None else _values(layer.bias, shape[1:], program.seed, seeds[1])
        drawn.append(Layer(_values(layer.kernel, shape, program.seed, seeds[0]), biases))
    return tuple(drawn)


def op_seeds(program: Program, pixels: int, classes: int) -> OpSeeds:
    """The seeds that TF 1.15 gives the random ops of the program's graph, by counting the ops made before each."""
    graph, layers, dropouts = Graph(), [], []
    graph.make(*REFORMAT, *REFORMAT)  # the training and the test set
    keep_probs = [program.input_keep_prob, *(layer.keep_prob for layer in program.layers)]
    tensor = "keep_prob" if program.evaluation_draws else None
    graph.make(*("placeholder" for keep_prob in keep_probs if tensor and keep_prob < 1))
    graph.make(*(("constant", "multiply") if program.scale != 1 else ()))
    dropouts += [graph.dropout(tensor)] if program.input_keep_prob < 1 else []
    inputs = pixels
    for layer in _layers(program, classes):
        weights = graph.variable(_op(layer.kernel), (inputs, layer.units))
        biases = None if layer.bias is None else graph.variable(layer.bias.kind, layer.units)
        layers.append((weights, biases))
        graph.make("matmul", *(() if layer.bias is None else ("add",)), *OPS.get(layer.activation, (layer.activation,)))
        dropouts += [graph.dropout(tensor)] if layer.keep_prob < 1 else []
        inputs = layer.units
    return OpSeeds(tuple(layers), tuple(dropouts))


def _layers(program: Program, classes: int) -> list[Dense]:
    """All of them, the last as one with so many units."""
    last = program.output
    return [*program.layers, Dense(classes, last.kernel, last.bias, last.activation)]


def _op(initializer: Initializer) -> str:
    """What `Graph` calls it: normal draws of these two are an op less than uniform ones."""
    if isinstance(initializer, Xavier):
        return "xavier" if initializer.uniform else "xavier_normal"
    uniform = isinstance(initializer, VarianceScaling) and initializer.distribution == "uniform"
    return "glorot_uniform" if uniform else initializer.kind


def _values(initializer: Initializer, shape: tuple[int, ...], seed: int, op_seed: int | None) -> np.ndarray:
    own = {field.name: getattr(initializer, field.name) for field in dataclasses.fields(initializer)}
    if initializer.kind in PLAIN:
        return getattr(initializers, initializer.kind)(shape, **own)
    stream = random.stream(seed, op_seed)
    if initializer.kind == "random_uniform":
        return random.random_uniform(shape, stream, **own)
    drawn = DRAWN.get(initializer.kind) or getattr(initializers, initializer.kind)
    return drawn(shape, stream, **own)


def named(params: Params) -> dict[str, Any]:
    """By TensorFlow's names: weights_1, biases_1, weights_2, …: what files, the proof and exports use."""
    pairs = ((f"{kind}_{i}", array) for i, layer in enumerate(params, 1) for kind, array in layer._asdict().items())
    return {name: array for name, array in pairs if array is not None}


def from_named(arrays: Mapping[str, Any]) -> Params:
    """The inverse of `named`. Raises KeyError for weights that are missing."""
    layers = sum(name.startswith("weights_") for name in arrays)
    return tuple(Layer(arrays[f"weights_{i}"], arrays.get(f"biases_{i}")) for i in range(1, layers + 1))
