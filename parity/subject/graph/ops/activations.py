"""Activations: `jaxmlp.tf1`'s, whose values and gradients are TensorFlow's, at kinks too."""

from jaxmlp.tf1 import activations, softmax
from parity.subject.graph.values import Op, plain

TABLE: dict[str, Op] = {
    "Relu": plain(activations.relu),
    "Relu6": plain(activations.relu6),
    "LeakyRelu": lambda attributes, x: activations.leaky_relu(x, attributes["alpha"]),
    "Elu": plain(activations.elu),
    "Selu": plain(activations.selu),
    "Sigmoid": plain(activations.sigmoid),
    "Tanh": plain(activations.tanh),
    "Softplus": plain(activations.softplus),
    "Softsign": plain(activations.softsign),
    "Softmax": plain(softmax.softmax),
    "LogSoftmax": plain(softmax.log_softmax),
}
