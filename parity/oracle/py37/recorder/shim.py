"""Names and argument orders of TensorFlow 0.x for a script that is older than 1.0; each that is used is told."""

from __future__ import annotations

from typing import Any, Callable

import tensorflow as tf

Tell = Callable[[str], None]

RENAMED = {
    "pack": "stack",
    "unpack": "unstack",
    "mul": "multiply",
    "sub": "subtract",
    "neg": "negative",
    "inv": "reciprocal",
    "select": "where",
    "batch_matmul": "matmul",
    "listdiff": "setdiff1d",
    "initialize_all_variables": "global_variables_initializer",
    "initialize_local_variables": "local_variables_initializer",
    "initialize_variables": "variables_initializer",
    "all_variables": "global_variables",
}
SUMMARIES = {
    "scalar_summary": "scalar",
    "histogram_summary": "histogram",
    "image_summary": "image",
    "merge_summary": "merge",
    "merge_all_summaries": "merge_all",
}
CROSS_ENTROPIES = (
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "sigmoid_cross_entropy_with_logits",
)
SAMPLED_LOSSES = ("nce_loss", "sampled_softmax_loss")


def shim(tell: Tell) -> None:
    """Adds what 1.15 no longer has, and takes arguments in their old order where they come so."""
    for old, new in RENAMED.items():
        _add(tf, old, getattr(tf, new), tell)
    for old, new in SUMMARIES.items():
        _add(tf, old, getattr(tf.summary, new), tell)
    _add(tf.train, "SummaryWriter", tf.summary.FileWriter, tell)
    for name in CROSS_ENTROPIES:
        setattr(tf.nn, name, _logits_first(name, getattr(tf.nn, name), tell))
    for name in SAMPLED_LOSSES:
        setattr(tf.nn, name, _inputs_first(name, getattr(tf.nn, name), tell))
    tf.concat = _axis_first("concat", tf.concat, 2, tell)
    tf.split = _axis_first("split", tf.split, 3, tell)


def _add(module: Any, name: str, new: Callable[..., Any], tell: Tell) -> None:
    def old(*rest: Any, **named: Any) -> Any:
        tell("shim: " + name)
        return new(*rest, **named)

    if not hasattr(module, name):
        setattr(module, name, old)


def _logits_first(name: str, new: Callable[..., Any], tell: Tell) -> Callable[..., Any]:
    def old(*rest: Any, **named: Any) -> Any:
        if rest and rest[0] is not None:  # 1.x has a sentinel there
            tell("shim: logits before labels in " + name)
            named.update(zip(("logits", "labels", "name"), rest))
        return new(**named)

    return old


def _inputs_first(name: str, new: Callable[..., Any], tell: Tell) -> Callable[..., Any]:
    """Of (weights, biases, inputs, labels, ...) 1.0 swapped the inputs, which are no whole numbers, and the labels."""

    def old(*rest: Any, **named: Any) -> Any:
        if len(rest) >= 4 and tf.convert_to_tensor(rest[2]).dtype.is_floating:
            tell("shim: inputs before labels in " + name)
            weights, biases, inputs, labels, *others = rest
            rest = (weights, biases, labels, inputs, *others)
        return new(*rest, **named)

    return old


def _axis_first(name: str, new: Callable[..., Any], arguments: int, tell: Tell) -> Callable[..., Any]:
    """concat(axis, values), split(axis, number, value): the axis goes to the end, the last comes first."""

    def old(*rest: Any, **named: Any) -> Any:
        if len(rest) >= arguments and isinstance(rest[0], int):
            tell("shim: the axis comes first in " + name)
            axis, *middle = rest[: arguments - 1]
            rest = (rest[arguments - 1], *middle, axis, *rest[arguments:])
        return new(*rest, **named)

    return old
