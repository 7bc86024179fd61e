"""What of a loss jaxmlp's family has: its kind, its labels, and an L2 penalty."""

from typing import Any

from jaxmlp import program as parts
from parity.subject.port_writer.arithmetic import penalty
from parity.subject.port_writer.expression import NUMBER, Expression, NotWritten, is_number, short
from parity.subject.port_writer.family_layers import Layer
from parity.subject.port_writer.losses import SIGMOID, SOFTMAX, SPARSE

CROSS_ENTROPIES = {SOFTMAX: parts.SoftmaxCrossEntropy(), SPARSE: parts.SparseSoftmaxCrossEntropy()}


def penalty_apart(loss: Expression) -> tuple[Expression, tuple[float, list[str]] | None]:
    """The loss of the images, and scale and names of an L2 penalty."""
    if loss.op != "+":
        return loss, None
    for one, other in (loss.inputs, loss.inputs[::-1]):
        if found := penalty(other):
            scale, squares = found
            return one, (1.0 if scale is None else short(scale), [part.value for part in squares.inputs])
    raise NotWritten("a loss with a term that is no L2 penalty")


def l2_of(penalised: tuple[float, list[str]] | None, layers: list[Layer]) -> parts.L2 | None:
    if penalised is None:
        return None
    scale, names = penalised
    kernels, biases = [layer.kernel for layer in layers], [layer.bias for layer in layers if layer.bias]
    if sorted(names) not in (sorted(kernels), sorted([*kernels, *biases])):
        raise NotWritten(f"an L2 penalty on some of the weights alone: {', '.join(names)}")
    return parts.L2(scale, len(names) > len(kernels))


def loss_of(loss: Expression) -> tuple[Any, Expression, Expression]:
    """The kind, the logits, the labels."""
    if loss.op != "mean" or loss.value[0] is not None:
        raise NotWritten(f"a loss that is no mean over a batch: {loss.op}")
    (one,) = loss.inputs
    if one.op in CROSS_ENTROPIES:
        return CROSS_ENTROPIES[one.op], one.inputs[0], one.inputs[1]
    if one.op == SIGMOID:
        return parts.SigmoidCrossEntropy(), one.inputs[0], one.inputs[1]
    if one.op == "jnp.square" and one.inputs[0].op == "-":
        return _squares(*one.inputs[0].inputs)
    if one.op == "negative" and one.inputs[0].op == "sum" and one.inputs[0].value == (1, False):
        return _naive(one.inputs[0].inputs[0])
    raise NotWritten(f"the loss {one.op}")


def _squares(a: Expression, b: Expression) -> tuple[Any, Expression, Expression]:
    outputs, labels = (a, b) if not a.is_leaf else (b, a)
    of = {"jax.nn.softmax": "softmax", "jax.nn.sigmoid": "sigmoid"}.get(outputs.op, "logits")
    return parts.MeanSquaredError(of), outputs.inputs[0] if of != "logits" else outputs, labels  # pyright: ignore


def _naive(product: Expression) -> tuple[Any, Expression, Expression]:
    if product.op != "*" or product.inputs[1].op != "jnp.log":
        raise NotWritten("a naive cross-entropy of another form")
    labels, (one,) = product.inputs[0], product.inputs[1].inputs
    epsilon, least = 0.0, None
    if one.op == "+" and one.inputs[1].op == NUMBER:
        one, epsilon = one.inputs[0], short(one.inputs[1].value)
    if one.op == "kinks.maximum" and one.inputs[0].op == "kinks.minimum" and is_number(one.inputs[0].inputs[1], 1):
        one, least = one.inputs[0].inputs[0], short(one.inputs[1].value)
    if one.op != "jax.nn.softmax":
        raise NotWritten(f"the logarithm of {one.op}")
    return parts.NaiveCrossEntropy(epsilon, least), one.inputs[0], labels
