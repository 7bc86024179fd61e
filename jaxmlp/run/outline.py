"""A program in two lines, for whoever reads a run's log. Serves `console`."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from jaxmlp.data.dataset import PIXELS
from jaxmlp.program import Program

ORIGINAL = Program().digest()


def outline(program: Program, images: int, classes: int) -> list[str]:
    """What a settled program is, and how it is trained on so many images; nothing for the original of any seed."""
    if dataclasses.replace(program, seed=0).digest() == ORIGINAL:
        return []
    return [f"Program: {_network(program, classes)}", f"Updates: {_updates(program, images)}"]


def _network(program: Program, classes: int) -> str:
    """For example `784-300-10, relu, weights glorot_uniform, biases zeros, pixels / 255`."""
    hidden, layers = program.layers, [*program.layers, program.output]
    parts = [_each((PIXELS, *(layer.units for layer in hidden), classes))]
    parts += [_each(layer.activation for layer in hidden)] if hidden else []
    parts += [f"{program.output.activation} of the logits"] if program.output.activation != "identity" else []
    parts += [f"weights {_each(layer.kernel for layer in layers)}", f"biases {_each(layer.bias for layer in layers)}"]
    parts += [f"keep_prob {_each(layer.keep_prob for layer in hidden)}"] if _drops(program) else []
    parts += [f"input_keep_prob {program.input_keep_prob:g}"] if program.input_keep_prob < 1 else []
    parts += [f"pixels / {program.scale}"] if program.scale != 1 else []
    return ", ".join(parts)


def _updates(program: Program, images: int) -> str:
    """For example `adam(learning_rate=0.001) on hinge, l2(scale=0.001), minibatches of 128, shuffled, 4,680 steps`."""
    parts = [f"{_said(program.optimizer)} on {_said(program.loss)}"]
    parts += [f"l2{_arguments(program.l2)}"] if program.l2 else []
    parts += [f"clipped by {_said(program.clipping)}"] if program.clipping else []
    steps = f"{program.steps:,} steps"
    if program.batching is None:
        return ", ".join([*parts, "all images at once", steps])
    size, order, left = program.batching.size, program.batching.order, program.batching.validation
    parts += [f"minibatches of {size}, {order}", *([f"{left:,} images left out"] if left else [])]
    return ", ".join([*parts, f"{steps}, {program.batching.steps_per_epoch(images):,} an epoch"])


def _drops(program: Program) -> bool:
    return any(layer.keep_prob < 1 for layer in program.layers)


def _each(values: Iterable[Any]) -> str:
    """The one value of all layers, or that of each."""
    said = [_said(value) for value in values]
    return said[0] if len(set(said)) == 1 else "-".join(said)


def _said(value: Any) -> str:
    """`adam(learning_rate=0.001)`: a kind, and what it has that is not its default."""
    if dataclasses.is_dataclass(value):
        return f"{value.kind}{_arguments(value)}"  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, tuple):
        return f"[{', '.join(map(_said, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def _arguments(part: Any) -> str:
    pairs = [(one, getattr(part, one.name)) for one in dataclasses.fields(part)]
    said = [f"{one.name}={_said(v)}" for one, v in pairs if v != one.default or one.name == "learning_rate"]
    return f"({', '.join(said)})" if said else ""
