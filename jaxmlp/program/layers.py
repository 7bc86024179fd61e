"""The layers of a perceptron: x W + b, an activation, and dropout behind it."""

import dataclasses
from typing import Literal, get_args

from jaxmlp.checks import require_count, require_keep_prob
from jaxmlp.program.fields import require_types
from jaxmlp.program.initializers import Bias, Initializer, TruncatedNormal, Zeros

# `leaky_maximum` is tf.maximum(0.2 * x, x), which early scripts wrote: at 0 its gradient is 0.2, as leaky_relu's.
Activation = Literal[
    "relu", "identity", "relu6", "leaky_relu", "leaky_maximum", "elu", "selu", "tanh", "sigmoid", "softplus", "softsign"
]
ACTIVATIONS = get_args(Activation)


@dataclasses.dataclass(frozen=True)
class Dense:
    """A hidden layer: dropout(activation(x W + b))."""

    units: int
    kernel: Initializer = TruncatedNormal()
    bias: Bias | None = Zeros()  # None: x W alone
    activation: Activation = "relu"
    keep_prob: float = 1.0  # of `tf.nn.dropout`; 1 makes no such op

    def __post_init__(self):
        require_types(self)
        require_count("units", self.units)
        require_keep_prob("keep_prob", self.keep_prob)


@dataclasses.dataclass(frozen=True)
class Output:
    """The last layer, activation(x W + b): as many units as the data has classes."""

    kernel: Initializer = TruncatedNormal()
    bias: Bias | None = Zeros()
    activation: Activation = "identity"

    def __post_init__(self):
        require_types(self)
