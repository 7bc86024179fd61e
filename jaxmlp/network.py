"""The forward pass and the loss of a `Program`, without its numbers: programs that share them share a compiled step.

An engine multiplies pixels by the first layer's weights; what lies behind is here: `inputs` float [n, units] is that
product, `rest` the parameters without the first weights.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp.model import Params, Totals
from jaxmlp.program import Loss, NaiveCrossEntropy, Program, SoftmaxCrossEntropy
from jaxmlp.tf1 import activations, dropout, elementwise_losses, losses
from jaxmlp.tf1.softmax import softmax

ELEMENTWISE = {
    "mean_squared_error": elementwise_losses.squared_error,
    "absolute_difference": elementwise_losses.absolute_error,
    "huber": elementwise_losses.huber,
    "hinge": elementwise_losses.hinge,
    "log_loss": elementwise_losses.log_loss,
}
PREDICTIONS = {"logits": lambda logits: logits, "softmax": softmax, "sigmoid": activations.sigmoid}


class Pass(NamedTuple):
    """What a forward pass computes of n images."""

    inputs: tuple[Array, ...]  # of each hidden layer, before its activation: float [n, units]
    hidden: tuple[Array, ...]  # behind it, and behind its dropout: what the next layer is fed
    logits: Array  # float [n, C]


@dataclasses.dataclass(frozen=True)
class Network:
    """Activations, dropout and loss, for any widths."""

    activations: tuple[str, ...] | str = "relu"  # of the hidden layers, by the names of `tf1.activations`; or of each
    rates: tuple[float, ...] = ()  # what dropout drops behind each hidden layer; 0: it has none. Empty: none has
    input_rate: float = 0.0  # what dropout drops of the pixels; the engine's images have lost it already
    output: str = "identity"  # the activation of the last layer
    scale: int = 1  # what pixels are divided by
    loss_of: Loss = SoftmaxCrossEntropy()  # noqa: RUF009  (frozen)

    @classmethod
    def of(cls, program: Program) -> "Network":
        """The program's."""
        rate = _tensor_rate if program.evaluation_draws else _number_rate
        rates = tuple(rate(layer.keep_prob) for layer in program.layers)
        hidden = tuple(layer.activation for layer in program.layers)
        return cls(
            hidden if set(hidden) - {"relu"} else "relu",
            rates if any(rates) else (),
            rate(program.input_keep_prob),
            program.output.activation,
            program.scale,
            program.loss,
        )

    def evaluating(self) -> "Network":
        """The same without dropout."""
        return dataclasses.replace(self, rates=(), input_rate=0.0)

    def forward(self, inputs: Array, rest: Params, rows: Any = None) -> Pass:
        """act(inputs + b1) W2 + b2 …, for as many layers as there are; what a caller does not use is not computed.

        `rows` are the dropout's masks, bool [n, units] of each hidden layer that has one, in their order.
        """
        before, hidden, outputs = [], [], _plus(self._scaled(inputs), rest[0].biases)
        masks = iter(rows or ())
        for i, layer in enumerate(rest[1:]):
            before.append(outputs)
            active = activation(self.activations if isinstance(self.activations, str) else self.activations[i])(outputs)
            rate = self.rates[i] if self.rates else 0.0
            hidden.append(dropout.apply(active, next(masks).astype(jnp.bool_), rate) if rate else active)
            product = jnp.matmul(hidden[-1], layer.weights, precision=jax.lax.Precision.HIGHEST)
            outputs = _plus(product, layer.biases)
        return Pass(tuple(before), tuple(hidden), activation(self.output)(outputs))

    def loss(self, inputs: Array, rest: Params, labels: Array, rows: Any = None) -> Totals:
        """The `engine.LossFn` of every `Program`: its losses summed, and the hits. labels uint8 [n]."""
        return self.totals(self.forward(inputs, rest, rows).logits, labels)

    def totals(self, logits: Array, labels: Array) -> Totals:
        """logits float [n, C], labels uint8 [n]."""
        return Totals(self.losses(logits, labels).sum(), hits(logits, labels).sum(dtype=jnp.int32))

    def losses(self, logits: Array, labels: Array) -> Array:
        """Each image's loss, float [n], whose mean over a batch is the program's: an element-wise loss's own mean."""
        kind = self.loss_of.kind
        if kind == "softmax_cross_entropy":
            return losses.softmax_cross_entropy(logits, labels)
        if kind == "sparse_softmax_cross_entropy":
            return losses.sparse_softmax_cross_entropy_with_logits(labels=labels.astype(jnp.int32), logits=logits)
        one_hot = jax.nn.one_hot(labels, logits.shape[1], dtype=logits.dtype)
        if kind == "sigmoid_cross_entropy":
            return losses.sigmoid_cross_entropy_with_logits(labels=one_hot, logits=logits).mean(axis=1)
        own = {field.name: getattr(self.loss_of, field.name) for field in dataclasses.fields(self.loss_of)}
        if isinstance(self.loss_of, NaiveCrossEntropy):
            return losses.cross_entropy_of_probabilities(labels=one_hot, probabilities=softmax(logits), **own)
        predictions = PREDICTIONS[own.pop("of", "logits")](logits)
        return ELEMENTWISE[kind](one_hot, predictions, **own).mean(axis=1)

    def _scaled(self, inputs: Array) -> Array:
        """The product of scaled pixels, of which the rest are dropped: 1 / scale and 1 / keep_prob come behind it."""
        if self.scale != 1:
            inputs = inputs * np.asarray(np.float32(1 / self.scale), inputs.dtype)
        if self.input_rate:
            one = np.ones((), inputs.dtype)
            inputs = inputs * (one / (one - np.asarray(self.input_rate, inputs.dtype)))
        return inputs


def activation(name: str) -> Any:
    """The function of `tf1.activations`."""
    return getattr(activations, name)


def hits(logits: Array, labels: Array) -> Array:
    """bool [n]: whether an image's largest logit, the first of several, is its label's."""
    return jax.lax.argmax(logits, axis=1, index_dtype=jnp.int32) == labels.astype(jnp.int32)


def _plus(product: Array, biases: Array | None) -> Array:
    return product if biases is None else product + jnp.atleast_2d(biases)


def _number_rate(keep_prob: float) -> float:
    """1 - keep_prob as TensorFlow takes it of a Python number."""
    return 1 - float(keep_prob)


def _tensor_rate(keep_prob: float) -> float:
    """1 - keep_prob as TensorFlow takes it of a float32 placeholder."""
    return float(np.float32(1) - np.float32(keep_prob))


ORIGINAL = Network()  # ReLU behind every hidden layer, softmax cross-entropy
