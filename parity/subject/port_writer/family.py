"""What was read of a graph, as a `Program` of jaxmlp's family: layers, loss, optimizer, and whose tensors are whose."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxmlp import program as parts
from jaxmlp.errors import ConfigError
from jaxmlp.program import Batching, Dense, Output, Program
from parity.subject.port_writer.expression import (
    DRAW,
    INPUT,
    L2,
    NUMBER,
    RESHAPE,
    VARIABLE,
    Expression,
    NotWritten,
    is_number,
)
from parity.subject.port_writer.initial import initializer
from parity.subject.port_writer.losses import DROPOUT, SIGMOID, SOFTMAX, SPARSE
from parity.subject.port_writer.module import Read

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
CLIPS = {"global_norm": parts.ClipByGlobalNorm, "norm": parts.ClipByNorm, "value": parts.ClipByValue}
CROSS_ENTROPIES = {SOFTMAX: parts.SoftmaxCrossEntropy(), SPARSE: parts.SparseSoftmaxCrossEntropy()}
BYTE = 255


class Layer(NamedTuple):
    """One layer, and the names of its tensors."""

    kernel: str
    bias: str | None
    activation: str
    draw: str | None  # of its dropout
    keep_prob: float
    fed: bool  # whether keep_prob is fed


class Family(NamedTuple):
    """A program, and how the recording calls what it works on."""

    program: Program
    layers: tuple[Layer, ...]
    images: Expression  # INPUT, or a constant of the graph
    labels: Expression
    input_draw: str | None  # of the dropout on the pixels
    slots: Mapping[str, tuple[str, str]]
    powers: Mapping[str, str]  # of Adam's betas, by their names here
    counter: str | None  # the variable that a schedule counts by
    shapes: Mapping[str, tuple[int, ...]]  # of the weights

    @property
    def pixels(self) -> int:
        """Of an image."""
        return self.shapes[self.layers[0].kernel][0]


def family_of(read: Read) -> Family:
    """Raises `NotWritten` with the feature that a `Program` has not."""
    loss, penalised = _apart(read.loss)
    kind, outputs, labels = _loss(loss)
    layers, images, dropout = _layers(read, outputs)
    optimizer, counter = _optimizer(read)
    first = read.reading.starts[0]
    rows = images.shape[0] if images.shape else 0
    hidden = [_dense(read, layer) for layer in layers[:-1]]
    last = layers[-1]
    try:
        program = Program(
            layers=tuple(hidden),
            output=Output(_initial(read, last.kernel), _initial(read, last.bias), last.activation),  # pyright: ignore
            optimizer=optimizer,
            report_every=None,
            loss=kind,
            l2=_l2(penalised, layers),
            clipping=CLIPS[read.clip.kind](*map(short, read.clip.limits)) if read.clip else None,
            batching=Batching(rows) if images.op == INPUT else None,
            scale=_scale(read, images),
            input_keep_prob=dropout.keep_prob if dropout else 1.0,
            evaluation_draws=any(layer.fed for layer in (*layers, *([dropout] if dropout else []))),
        )
    except ConfigError as error:
        raise NotWritten(str(error)) from None
    powers = {name: one.value for name, one in read.update.powers.items() if one.op == VARIABLE}
    if len(powers) != len(read.update.powers):
        raise NotWritten("powers of Adam's betas that are computed anew each step")
    if strange := [name for name in read.beside if name not in first["slots"]]:
        raise NotWritten(f"{strange[0]}, which is written beside the update")
    own_draw = dropout.draw if dropout else None
    shapes = {name: array.shape for name, array in first["weights"].items()}
    return Family(program, tuple(layers), images, labels, own_draw, read.update.slots, powers, counter, shapes)


def _apart(loss: Expression) -> tuple[Expression, tuple[float, list[str]] | None]:
    """The loss of the images, and scale and names of an L2 penalty."""
    if loss.op != "+":
        return loss, None
    for one, other in (loss.inputs, loss.inputs[::-1]):
        if other.op == L2:
            return one, (1.0, [part.value for part in other.inputs])
        if other.op == "*" and other.inputs[0].op == NUMBER and other.inputs[1].op == L2:
            return one, (short(other.inputs[0].value), [part.value for part in other.inputs[1].inputs])
    raise NotWritten("a loss with a term that is no L2 penalty")


def _l2(penalised: tuple[float, list[str]] | None, layers: list[Layer]) -> parts.L2 | None:
    if penalised is None:
        return None
    scale, names = penalised
    kernels, biases = [layer.kernel for layer in layers], [layer.bias for layer in layers if layer.bias]
    if sorted(names) not in (sorted(kernels), sorted([*kernels, *biases])):
        raise NotWritten(f"an L2 penalty on some of the weights alone: {', '.join(names)}")
    return parts.L2(scale, len(names) > len(kernels))


def _loss(loss: Expression) -> tuple[Any, Expression, Expression]:
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


def _layers(read: Read, outputs: Expression) -> tuple[list[Layer], Expression, Layer | None]:
    """From the first to the last, the images, and the pixels' dropout."""
    layers: list[Layer] = []
    one, dropout = outputs, None
    while not _is_pixels(one):
        layer, one = _layer(read, one)
        layers.insert(0, layer)
        dropout = _dropout(read, one) if one.op == DROPOUT and _is_pixels(one.inputs[0]) else None
        one = one.inputs[0] if dropout else one
    if not layers or layers[-1].draw is not None:
        raise NotWritten("a dropout behind the last layer")
    while not one.is_leaf:
        one = one.inputs[0]
    return layers, one, dropout


def _is_pixels(one: Expression) -> bool:
    """Data, which may be reshaped and divided by a number."""
    if one.op in (RESHAPE, "/", "astype"):
        return _is_pixels(one.inputs[0])
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


def _dense(read: Read, layer: Layer) -> Dense:
    units = read.reading.starts[0]["weights"][layer.kernel].shape[1]
    kernel, bias = _initial(read, layer.kernel), _initial(read, layer.bias)
    return Dense(units, kernel, bias, layer.activation, layer.keep_prob)  # pyright: ignore[reportArgumentType]


def _initial(read: Read, name: str | None) -> Any:
    return None if name is None else initializer(read.reading, name)


def _optimizer(read: Read) -> tuple[Any, str | None]:
    """It, and the variable that counts its schedule's steps."""
    counter: str | None = None
    numbers: dict[str, Any] = {}
    for name, one in read.update.numbers.items():
        if one.op == NUMBER:
            numbers[name] = short(one.value)
        elif name == "learning_rate":
            numbers[name], counter = _schedule(one)
        else:
            raise NotWritten(f"{name} changes from step to step")
    kinds = {kind.kind: kind for kind in _members(parts.Optimizer)}
    starts = {
        name: value for name, value in _starts(read).items() if name in kinds[read.update.factory].__annotations__
    }
    return kinds[read.update.factory](**numbers, **read.update.flags, **starts), counter


def _members(union: Any) -> tuple[Any, ...]:
    return union.__args__


def _starts(read: Read) -> dict[str, float]:
    """What accumulators start from, where the first step was recorded."""
    found = {}
    for slot in ("accumulator", "accum"):
        if slot in read.update.slots:
            before, behind = read.update.slots[slot]
            name = next(iter(read.reading.starts[0]["weights"]))
            value = read.reading.starts[0]["slots"][f"{before}{name}{behind}"]
            if (value == value.reshape(-1)[0]).all():
                found["initial_accumulator_value"] = short(value.reshape(-1)[0])
    return found


def _schedule(rate: Expression) -> tuple[Any, str]:
    """learning_rate * decay_rate ** (step / decay_steps), the quotient whole with a staircase."""
    if rate.op == "*" and rate.inputs[0].op == NUMBER and rate.inputs[1].op == "**":
        base, exponent = rate.inputs[1].inputs
        staircase = exponent.op == "jnp.floor"
        quotient = exponent.inputs[0] if staircase else exponent
        if base.op == NUMBER and quotient.op == "/" and quotient.inputs[0].op == VARIABLE:
            steps = float(quotient.inputs[1].value) if quotient.inputs[1].op == NUMBER else 0.5
            if steps == int(steps):
                told = (short(rate.inputs[0].value), int(steps), short(base.value), staircase)
                return parts.ExponentialDecay(*told), quotient.inputs[0].value
    raise NotWritten("a learning rate that is no number and no exponential decay")


def _scale(read: Read, images: Expression) -> int:
    """What the pixels, whole numbers from 0 to 255, were divided by before they were fed, or in the graph."""
    arrays = [one["batch"][images.value] for one in read.reading.starts] if images.op == INPUT else [images.value]
    if all(is_bytes(array) for array in arrays):
        return BYTE if _is_divided(read.loss) else 1
    if all(is_bytes(array * BYTE) for array in arrays) and not _is_divided(read.loss):
        return BYTE
    raise NotWritten("data that are no pixels: whole numbers from 0 to 255, or these over 255")


def _is_divided(loss: Expression) -> bool:
    return _any(loss, lambda one: one.op == "/" and _is_pixels(one.inputs[0]) and is_number(one.inputs[1], BYTE))


def _any(one: Expression, test: Any) -> bool:
    return test(one) or any(_any(part, test) for part in one.inputs)


def is_bytes(array: np.ndarray) -> bool:
    """But for rounding."""
    wide = np.asarray(array, np.float64)
    near = np.abs(wide - np.rint(wide)).max(initial=0) <= BYTE * 2.0**-23
    return bool(near and wide.min(initial=0) >= -0.5 and wide.max(initial=0) <= BYTE + 0.5)


def short(value: Any) -> float:
    """The shortest number that is the same float32."""
    return float(str(np.float32(value)))
