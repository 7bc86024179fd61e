"""Layers of jaxmlp's family, from the logits inwards: x W + b, an activation, a dropout."""

from typing import NamedTuple

from parity.subject.port_writer.expression import (
    DRAW,
    INPUT,
    NUMBER,
    RESHAPE,
    VARIABLE,
    Expression,
    NotWritten,
    is_number,
    short,
)
from parity.subject.port_writer.losses import DROPOUT
from parity.subject.port_writer.read import Read

ACTIVATIONS = {
    "jax.nn.relu": "relu",
    "jax.nn.elu": "elu",
    "jax.nn.sigmoid": "sigmoid",
    "jax.nn.softplus": "softplus",
    "jnp.tanh": "tanh",
    "activations.relu6": "relu6",
    "activations.selu": "selu",
    "activations.softsign": "softsign",
    "activations.leaky_relu": "leaky_relu",
}


class Layer(NamedTuple):
    """One layer, and the names of its tensors."""

    kernel: str
    bias: str | None
    activation: str
    draw: str | None  # of its dropout
    keep_prob: float
    fed: bool  # whether keep_prob is fed


def layers_of(read: Read, outputs: Expression) -> tuple[list[Layer], Expression, Layer | None]:
    """From the first to the last, the images, and the pixels' dropout."""
    layers: list[Layer] = []
    one, dropout = outputs, None
    while not is_pixels(one):
        layer, one = _layer(read, one)
        layers.insert(0, layer)
        dropout = _dropout(read, one) if one.op == DROPOUT and is_pixels(one.inputs[0]) else None
        one = one.inputs[0] if dropout else one
    if not layers or layers[-1].draw is not None:
        raise NotWritten("a dropout behind the last layer")
    while not one.is_leaf:
        one = one.inputs[0]
    return layers, one, dropout


def is_pixels(one: Expression) -> bool:
    """Data, which may be reshaped and divided by a number."""
    if one.op in (RESHAPE, "/", "astype"):
        return is_pixels(one.inputs[0])
    return one.is_leaf and one.op not in (VARIABLE, NUMBER)


def _layer(read: Read, one: Expression) -> tuple[Layer, Expression]:
    """The outermost layer, and what it is fed."""
    draw, keep_prob, fed, activation, bias = None, 1.0, False, "identity", None
    if one.op == DROPOUT:
        dropped = _dropout(read, one)
        one, draw, keep_prob, fed = one.inputs[0], dropped.draw, dropped.keep_prob, dropped.fed
    if one.op == "kinks.maximum" and one.inputs[0].op == "*" and one.inputs[0].inputs[1] is one.inputs[1]:
        one, activation = one.inputs[1], "leaky_maximum"
    elif one.op in ACTIVATIONS:
        one, activation = one.inputs[0], ACTIVATIONS[one.op]
    if one.op == "+" and one.inputs[1].op == VARIABLE:
        one, bias = one.inputs[0], one.inputs[1].value
    if one.op != "@" or one.inputs[1].op != VARIABLE:
        raise NotWritten(f"a layer that is none of x W + b: {one.op}")
    return Layer(one.inputs[1].value, bias, activation, draw, keep_prob, fed), one.inputs[0]


def _dropout(read: Read, one: Expression) -> Layer:
    """As a layer with nothing but a dropout."""
    rate, drawn = one.inputs[2], one.inputs[1].inputs[0]
    if drawn.op != DRAW:
        raise NotWritten("a dropout by other numbers than drawn ones")
    if rate.op == NUMBER:
        return Layer("", None, "", drawn.value, short(1 - float(rate.value)), False)
    if rate.op == "-" and is_number(rate.inputs[0], 1) and rate.inputs[1].op == INPUT:
        return Layer("", None, "", drawn.value, _fed(read, rate.inputs[1].value), True)
    raise NotWritten("a dropout whose rate is computed")


def _fed(read: Read, name: str) -> float:
    values = {float(one["batch"][name]) for one in read.reading.starts}
    if len(values) > 1:
        raise NotWritten(f"{name} is fed with {', '.join(map(str, sorted(values)))}")
    return short(values.pop())
