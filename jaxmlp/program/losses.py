"""What is minimized: the mean over a batch. `network` computes them, from the functions of `tf1`."""

import dataclasses
from typing import ClassVar, Literal

from jaxmlp.checks import require, require_float32, require_number
from jaxmlp.program.fields import require_types

Predictions = Literal["logits", "softmax", "sigmoid"]


@dataclasses.dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """`tf.nn.softmax_cross_entropy_with_logits_v2` of one-hot labels."""

    kind: ClassVar = "softmax_cross_entropy"


@dataclasses.dataclass(frozen=True)
class SparseSoftmaxCrossEntropy:
    """`tf.nn.sparse_softmax_cross_entropy_with_logits`."""

    kind: ClassVar = "sparse_softmax_cross_entropy"


@dataclasses.dataclass(frozen=True)
class SigmoidCrossEntropy:
    """`tf.nn.sigmoid_cross_entropy_with_logits` of one-hot labels, the mean over images and classes."""

    kind: ClassVar = "sigmoid_cross_entropy"


@dataclasses.dataclass(frozen=True)
class NaiveCrossEntropy:
    """-sum(y log(softmax)), as the first tutorials wrote it; see `tf1.losses.cross_entropy_of_probabilities`.

    NaN as soon as a probability underflows to 0, unless `epsilon` is added to all or they are clipped from below.
    """

    kind: ClassVar = "naive_cross_entropy"
    epsilon: float = 0.0  # tf.log(p + epsilon)
    clip_value_min: float | None = None  # tf.log(tf.clip_by_value(p, clip_value_min, 1.0))

    def __post_init__(self):
        require_number("epsilon", self.epsilon)
        require("epsilon", self.epsilon, self.epsilon >= 0, "0 or above")
        if self.clip_value_min is not None:
            require_float32("clip_value_min", self.clip_value_min)


@dataclasses.dataclass(frozen=True)
class MeanSquaredError:
    """`tf.losses.mean_squared_error` of one-hot labels and the predictions, the mean over images and classes."""

    kind: ClassVar = "mean_squared_error"
    of: Predictions = "logits"

    def __post_init__(self):
        require_types(self)


@dataclasses.dataclass(frozen=True)
class AbsoluteDifference:
    """`tf.losses.absolute_difference`, likewise."""

    kind: ClassVar = "absolute_difference"
    of: Predictions = "logits"

    def __post_init__(self):
        require_types(self)


@dataclasses.dataclass(frozen=True)
class Huber:
    """`tf.losses.huber_loss`, likewise."""

    kind: ClassVar = "huber"
    of: Predictions = "logits"
    delta: float = 1.0

    def __post_init__(self):
        require_types(self)
        require_float32("delta", self.delta)


@dataclasses.dataclass(frozen=True)
class Hinge:
    """`tf.losses.hinge_loss` of one-hot labels and logits, the mean over images and classes."""

    kind: ClassVar = "hinge"


@dataclasses.dataclass(frozen=True)
class LogLoss:
    """`tf.losses.log_loss` of one-hot labels and probabilities, the mean over images and classes."""

    kind: ClassVar = "log_loss"
    of: Literal["softmax", "sigmoid"] = "softmax"
    epsilon: float = 1e-7

    def __post_init__(self):
        require_types(self)
        require_float32("epsilon", self.epsilon)


Loss = (
    SoftmaxCrossEntropy
    | SparseSoftmaxCrossEntropy
    | SigmoidCrossEntropy
    | NaiveCrossEntropy
    | MeanSquaredError
    | AbsoluteDifference
    | Huber
    | Hinge
    | LogLoss
)
