"""What was read of a graph, as a `Program` of jaxmlp's family: layers, loss, optimizer, and whose tensors are whose."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxmlp import program as parts
from jaxmlp.errors import ConfigError
from jaxmlp.program import Batching, Dense, Output, Program
from parity.subject.port_writer.expression import (
    INPUT,
    VARIABLE,
    Expression,
    NotWritten,
    short,
)
from parity.subject.port_writer.family_layers import Layer, layers_of
from parity.subject.port_writer.family_loss import l2_of, loss_of, penalty_apart
from parity.subject.port_writer.family_optimizer import optimizer_of
from parity.subject.port_writer.family_pixels import scale_of
from parity.subject.port_writer.initial import initializer
from parity.subject.port_writer.read import Read

CLIPS = {"global_norm": parts.ClipByGlobalNorm, "norm": parts.ClipByNorm, "value": parts.ClipByValue}


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
    loss, penalised = penalty_apart(read.loss)
    kind, outputs, labels = loss_of(loss)
    layers, images, dropout = layers_of(read, outputs)
    _require_trained(read, layers)
    optimizer, counter = optimizer_of(read)
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
            l2=l2_of(penalised, layers),
            clipping=CLIPS[read.clip.kind](*map(short, read.clip.limits)) if read.clip else None,
            batching=Batching(rows) if images.op == INPUT else None,
            scale=scale_of(read, images),
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


def _require_trained(read: Read, layers: Sequence[Layer]) -> None:
    """Raises `NotWritten` for a variable that the updates leave as it is: a judge's, where its maker is trained."""
    held = [name for layer in layers for name in (layer.kernel, layer.bias) if name is not None]
    if still := [name for name in held if name not in read.reading.starts[0]["weights"]]:
        raise NotWritten(f"a layer that is not trained: {still[0]}")


def _dense(read: Read, layer: Layer) -> Dense:
    units = read.reading.starts[0]["weights"][layer.kernel].shape[1]
    kernel, bias = _initial(read, layer.kernel), _initial(read, layer.bias)
    return Dense(units, kernel, bias, layer.activation, layer.keep_prob)  # pyright: ignore[reportArgumentType]


def _initial(read: Read, name: str | None) -> Any:
    return None if name is None else initializer(read.reading, name)
