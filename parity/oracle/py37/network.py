"""The layers of a program as TensorFlow ops, in the order by which TF 1.15 seeds what they draw."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, Callable, Dict, List, Union

import numpy as np
import tensorflow.compat.v1 as tf

from .initializers import initial
from .op_seeds import OpSeeds

Keep = Union[float, tf.Tensor]  # a number, or a placeholder of one
Layer = namedtuple("Layer", "weights biases activate")  # biases None: there are none
Layers = List[Layer]
Masks = Dict[str, tf.Tensor]


def _leaky_maximum(x: tf.Tensor) -> tf.Tensor:
    return tf.maximum(0.2 * x, x)


Activate = Callable[[tf.Tensor], tf.Tensor]
ACTIVATIONS: dict[str, tuple[Activate, int]] = {  # and how many ops each is
    "identity": (lambda x: x, 0),
    "relu": (tf.nn.relu, 1),
    "relu6": (tf.nn.relu6, 1),
    "leaky_relu": (tf.nn.leaky_relu, 1),
    "leaky_maximum": (_leaky_maximum, 3),
    "elu": (tf.nn.elu, 1),
    "selu": (tf.nn.selu, 1),
    "tanh": (tf.tanh, 1),
    "sigmoid": (tf.sigmoid, 1),
    "softplus": (tf.nn.softplus, 1),
    "softsign": (tf.nn.softsign, 1),
}


class Tower:
    """x through the layers of a program; `keeps`: what is dropped from, by `fields.keep_probs`' names."""

    def __init__(self, x: tf.Tensor, scale: int, keeps: dict[str, Keep], seeds: OpSeeds):
        self.keeps, self.seeds = keeps, seeds
        self.layers: Layers = []
        self.outputs: list[tf.Tensor] = []  # x W + b of each layer, before its activation
        self.masks: Masks = {}  # bool [n, units]: what dropout kept
        seeds.make(0 if scale == 1 else 2)
        self.fed = self._dropped("input", scaled(x, scale))

    def add(self, layer: dict[str, Any], units: int) -> None:
        """The next layer, with its dropout."""
        activate, ops = ACTIVATIONS[layer["activation"]]
        weights = self._variable(layer["kernel"], [self.fed.shape.as_list()[1], units])
        biases = layer["bias"] and self._variable(layer["bias"], [units])
        self.layers.append(Layer(weights, biases, activate))
        self.outputs.append(affine(self.layers[-1], self.fed))
        self.seeds.make((2 if layer["bias"] else 1) + ops)
        self.fed = self._dropped(str(len(self.layers)), activate(self.outputs[-1]))

    def _variable(self, initializer: dict[str, Any], shape: list[int]) -> tf.Variable:
        return tf.Variable(initial(initializer, shape, self.seeds.variable(initializer, shape)))

    def _dropped(self, name: str, x: tf.Tensor) -> tf.Tensor:
        if name not in self.keeps:
            return x
        keep, before = self.keeps[name], len(tf.get_default_graph().get_operations())
        seed = self.seeds.dropout(fed=isinstance(keep, tf.Tensor))
        kept = tf.nn.dropout(x, keep_prob=keep, seed=seed)
        made = tf.get_default_graph().get_operations()[before:]
        (self.masks[name],) = [op.outputs[0] for op in made if op.type == "GreaterEqual"]
        return kept


def affine(layer: Layer, x: tf.Tensor) -> tf.Tensor:
    """x W + b."""
    product = tf.matmul(x, layer.weights)
    return product if layer.biases is None else product + layer.biases


def again(layers: Layers, x: tf.Tensor) -> tf.Tensor:
    """The logits of other images by the same weights, nothing dropped."""
    for layer in layers:
        x = layer.activate(affine(layer, x))
    return x


def scaled(x: tf.Tensor, scale: int) -> tf.Tensor:
    """x times float32(1 / scale)."""
    return x if scale == 1 else tf.multiply(x, np.float32(1.0 / scale))


def named(layers: Layers) -> list[tuple[str, tf.Variable]]:
    """("weights_1", …), ("biases_1", …), … in the order they were made."""
    pairs = [
        (f"{kind}_{i}", variable)
        for i, layer in enumerate(layers, 1)
        for kind, variable in (("weights", layer.weights), ("biases", layer.biases))
    ]
    return [(name, variable) for name, variable in pairs if variable is not None]
