"""Mutants of the losses: what is minimized, and what of it is sent back to the logits."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp.model import Totals
from jaxmlp.network import hits
from jaxmlp.program import (
    AbsoluteDifference,
    Constant,
    Hinge,
    Huber,
    LogLoss,
    Loss,
    MeanSquaredError,
    NaiveCrossEntropy,
    Output,
    Program,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SparseSoftmaxCrossEntropy,
    TruncatedNormal,
    Zeros,
)
from jaxmlp.tf1 import activations, elementwise_losses, losses
from jaxmlp.tf1.softmax import softmax
from parity.mutants.family.mutant import GLOROT, Change, FamilyMutant, dense, linear, of_port, small

Losses = Callable[[Array, Array], Array]  # logits [n, C], one-hot labels [n, C] -> [n]
SATURATED = linear(output=Output(TruncatedNormal(0.2)), scale=1)  # most probabilities are exactly 0 or 1
LOGITS = ("T2", "logits' gradient")
VALUE = ("T1", "loss")


def mutants() -> list[FamilyMutant]:
    """Of each loss, values and gradients."""
    return [*_entropies(), *_naive(), *_distances(), *_margins()]


def _entropies() -> list[FamilyMutant]:
    smooth = _losses(lambda x, y: losses.softmax_cross_entropy_with_logits(labels=y * 0.999 + 1e-4, logits=x))
    summed = _losses(lambda x, y: losses.sigmoid_cross_entropy_with_logits(labels=y, logits=x).sum(axis=1))
    on = _on(SparseSoftmaxCrossEntropy())
    return [
        FamilyMutant("labels smoothed by 1e-3", _on(SoftmaxCrossEntropy()), *LOGITS, smooth),
        FamilyMutant("sparse labels from 1", on, *VALUE, _totals(lambda right, x, y: right(x, (y + 1) % 10))),
        FamilyMutant("the loss's mean over N - 1", on, *VALUE, _totals(_one_less)),
        FamilyMutant("sigmoid cross-entropy summed over classes", _on(SigmoidCrossEntropy()), *VALUE, summed),
    ]


def _naive() -> list[FamilyMutant]:
    clipped, added = NaiveCrossEntropy(clip_value_min=1e-10), NaiveCrossEntropy(epsilon=1e-10)
    through = _losses(lambda x, y: -(y * jnp.log(_clipped_value(softmax(x)))).sum(axis=1))
    return [
        FamilyMutant("gradient through clipped probabilities", _saturated(clipped), *LOGITS, through),
        FamilyMutant("the stable loss for the clipped one", _saturated(clipped), *VALUE, _losses(_stable)),
        FamilyMutant("the stable loss for log(p + epsilon)", _saturated(added), *LOGITS, _losses(_stable)),
        FamilyMutant("epsilon 1e-8 for 1e-10", _saturated(added), *VALUE, _losses(_with_epsilon)),
    ]


def _distances() -> list[FamilyMutant]:
    squared, absolute = _on(MeanSquaredError("sigmoid")), _on(AbsoluteDifference(), output="relu")
    halved = _totals(lambda right, x, y: right(x, y)._replace(loss=right(x, y).loss / 2))
    summed = _losses(lambda x, y: jnp.square(activations.sigmoid(x) - y).sum(axis=1))
    narrow = _losses(lambda x, y: elementwise_losses.huber(y, x).mean(axis=1))
    return [
        FamilyMutant("half the squared error", squared, *VALUE, halved),
        FamilyMutant("squared error summed over classes", squared, *VALUE, summed),
        FamilyMutant("absolute error's gradient 1 at 0", absolute, *LOGITS, _losses(_abs_of_jax)),
        FamilyMutant("softmax for the logits", _on(MeanSquaredError()), *VALUE, _losses(_of_softmax)),
        FamilyMutant("Huber's delta 1 for 0.3", _on(Huber(delta=0.3)), *VALUE, narrow),
    ]


def _margins() -> list[FamilyMutant]:
    at_kink = linear(loss=Hinge(), output=Output(Zeros(), Constant(-1.0)))
    half = _losses(lambda x, y: jnp.maximum(1 - (2 * y - 1) * x, 0).mean(axis=1))
    unsigned = _losses(lambda x, y: activations.relu(1 - y * x).mean(axis=1))
    folded = _losses(lambda x, y: elementwise_losses.log_loss(y, softmax(x), folded=True).mean(axis=1))
    default = _losses(lambda x, y: elementwise_losses.log_loss(y, softmax(x)).mean(axis=1))
    return [
        FamilyMutant("half a gradient at hinge's kink", at_kink, *LOGITS, half),
        FamilyMutant("hinge of labels 0 and 1", _on(Hinge()), *VALUE, unsigned),
        FamilyMutant("log_loss's constants folded", _saturated(LogLoss()), *VALUE, folded),
        FamilyMutant("log_loss's epsilon 1e-7 for 1e-3", _on(LogLoss(epsilon=1e-3)), *VALUE, default),
    ]


def _on(loss: Loss, output: Any = "identity") -> Program:
    return small(dense(12), loss=loss, output=Output(GLOROT, activation=output))


def _saturated(loss: Loss) -> Program:
    return linear(loss=loss, output=SATURATED.output, scale=1)


def _totals(change: Callable[..., Totals]) -> Change:
    """`change(right, logits, labels)`."""
    return of_port(totals=lambda right: lambda logits, labels: change(right, logits, labels))


def _losses(wrong: Losses) -> Change:
    """Other losses, the right hits."""

    def totals(right: Any, logits: Array, labels: Array) -> Totals:
        one_hot = jax.nn.one_hot(labels, logits.shape[1], dtype=logits.dtype)
        return Totals(wrong(logits, one_hot).sum(), hits(logits, labels).sum(dtype=jnp.int32))

    return _totals(totals)


def _one_less(right: Any, logits: Array, labels: Array) -> Totals:
    totals = right(logits, labels)
    return totals._replace(loss=totals.loss * (len(logits) / (len(logits) - 1)))


def _clipped_value(p: Array) -> Array:
    """The clipped value; the gradient as if nothing were clipped."""
    return p + jax.lax.stop_gradient(jnp.clip(p, 1e-10, 1.0) - p)


def _stable(logits: Array, labels: Array) -> Array:
    return losses.softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def _with_epsilon(logits: Array, labels: Array) -> Array:
    return losses.cross_entropy_of_probabilities(labels=labels, probabilities=softmax(logits), epsilon=1e-8)


def _abs_of_jax(logits: Array, labels: Array) -> Array:
    return jnp.abs(logits - labels).mean(axis=1)


def _of_softmax(logits: Array, labels: Array) -> Array:
    return jnp.square(softmax(logits) - labels).mean(axis=1)
