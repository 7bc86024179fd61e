"""Rules of sums and means, of shapes, and of what picks and joins."""

from typing import Any

import numpy as np

from parity.subject.graph.node import Node
from parity.subject.graph.ops.indexing import strided
from parity.subject.port_writer.expression import (
    ARRAY,
    INDEX,
    INPUT,
    RESHAPE,
    SIZE,
    Expression,
    NotWritten,
    is_number,
    number,
)
from parity.subject.port_writer.reading import FIXED, Reading, Rule


def reduction(word: str) -> Rule:
    """Over all axes, or over those that are named."""

    def rule(reading: Reading, node: Node) -> Expression:
        one = reading.input(node, 0)
        axes = tuple(int(axis) % max(len(one.shape), 1) for axis in reading.value(node.inputs[1]).reshape(-1))
        keep = bool(node.attributes.get("keep_dims", False))
        if not axes or not one.shape:
            return one
        whole = len(set(axes)) == len(one.shape) and not keep
        axis = None if whole else axes[0] if len(axes) == 1 else axes
        return Expression(word, (one,), (axis, keep))

    return rule


def divide_no_nan(reading: Reading, node: Node) -> Expression:
    """tf.losses' mean: a sum divided by how many there are."""
    total, count = reading.inputs(node)
    counted = np.asarray(count.value).reshape(-1)[0] if count.op in ("number", SIZE) else None
    while total.op == "sum" and not total.shape and not total.inputs[0].shape:
        total = total.inputs[0]
    if total.op == "sum" and total.value[0] is None and counted == total.inputs[0].size:
        return Expression("mean", total.inputs, (None, False))
    raise NotWritten(node.called)


def divided(rule: Rule) -> Rule:
    """A sum divided by a size that is its own number of elements."""

    def tried(reading: Reading, node: Node) -> Expression:
        total, count = reading.inputs(node)
        if count.op != SIZE:
            return rule(reading, node)
        if total.op == "sum" and total.value[0] is None and is_number(count, total.inputs[0].size):
            return Expression("mean", total.inputs, (None, False))
        if count.inputs:
            return rule(reading, node)
        raise NotWritten(node.called)

    return tried


def reshape(reading: Reading, node: Node) -> Expression:
    """Only that of a batch: a row for each example, or a column of them to a vector."""
    one = reading.input(node, 0)
    shape = reading.value(f"{node.name}:0").shape
    if shape == one.shape:
        return one
    if len(shape) == 1 and one.size == shape[0]:
        return Expression(RESHAPE, (one,), (-1,), shape)
    if one.shape and shape and shape[0] == one.shape[0]:
        return Expression(RESHAPE, (one,), (-1, *shape[1:]), shape)
    if one.op == INPUT or reading.kind(node.inputs[1]) == 0:
        return Expression(RESHAPE, (one,), (-1, *shape[1:]), shape)
    raise NotWritten(node.called)


def squeeze(reading: Reading, node: Node) -> Expression:
    one = reading.input(node, 0)
    axes = tuple(i for i, side in enumerate(one.shape) if side == 1)
    axes = tuple(a % len(one.shape) for a in node.attributes.get("squeeze_dims") or ()) or axes
    shape = tuple(side for i, side in enumerate(one.shape) if i not in axes)
    return Expression("jnp.squeeze", (one,), shape=shape, named=(("axis", axes if len(axes) != 1 else axes[0]),))


def one_hot(reading: Reading, node: Node) -> Expression:
    labels, depth, on, off = reading.inputs(node)
    if not (is_number(on, 1) and is_number(off, 0)):
        raise NotWritten(node.called)
    return Expression("jax.nn.one_hot", (labels, depth))


def sparse_to_dense(reading: Reading, node: Node) -> Expression:
    """As the first tutorials made one-hot rows: concat(range, labels) says where the ones are."""
    places = reading.graph.of(reading.resolved(node.inputs[0]))
    ones = is_number(reading.input(node, 2), 1) and is_number(reading.input(node, 3), 0)
    if places.op != "ConcatV2" or not ones or len(places.inputs) != 3:
        raise NotWritten(node.called)
    rows, labels = (reading.expression(name) for name in places.inputs[:2])
    while labels.op in (RESHAPE, "astype") or labels.op == "jnp.expand_dims":
        labels = labels.inputs[0]
    depth = reading.value(node.inputs[1])
    if rows.op not in (SIZE, ARRAY) or not np.array_equal(np.asarray(rows.value).reshape(-1), np.arange(depth[0])):
        raise NotWritten(node.called)
    return Expression("jax.nn.one_hot", (labels, number(int(depth[1]))))


def expand(reading: Reading, node: Node) -> Expression:
    axis = int(reading.value(node.inputs[1]))
    return Expression("jnp.expand_dims", (reading.input(node, 0),), named=(("axis", axis),))


def argmax(reading: Reading, node: Node) -> Expression:
    one = reading.input(node, 0)
    return Expression("jnp.argmax", (one,), named=(("axis", int(reading.value(node.inputs[1]))),))


def concat(reading: Reading, node: Node) -> Expression:
    *parts, axis = reading.inputs(node)
    return Expression("jnp.concatenate", tuple(parts), int(axis.value))


def pack(reading: Reading, node: Node) -> Expression:
    return Expression("jnp.stack", tuple(reading.inputs(node)), int(node.attributes.get("axis", 0)))


def gather(reading: Reading, node: Node) -> Expression:
    """Rows, or entries along an axis."""
    axis = int(reading.value(node.inputs[2])) if len(node.inputs) > 2 else 0
    if node.attributes.get("batch_dims", 0):
        raise NotWritten(node.called)
    return Expression("jnp.take", tuple(reading.inputs(node)[:2]), named=(("axis", axis),))


def sliced(reading: Reading, node: Node) -> Expression:
    """Between bounds that are numbers of the graph."""
    one, bounds = reading.input(node, 0), node.inputs[1:]
    if any(reading.kind(name) != FIXED for name in bounds):
        raise NotWritten(node.called)
    index = _index(node, one.shape, *map(reading.value, bounds))
    told = [_bounds(part) for part in index]
    while told and told[-1] == ":":
        told.pop()
    return Expression(INDEX, (one,), ", ".join(told), reading.value(f"{node.name}:0").shape) if told else one


def _index(node: Node, shape: tuple[int, ...], begin: np.ndarray, *bounds: np.ndarray) -> tuple[Any, ...]:
    if node.op == "StridedSlice":
        return strided(node.attributes, begin, *bounds)
    ends = (begin + size if size >= 0 else side for begin, size, side in zip(begin, *bounds, shape, strict=True))
    pairs = zip(begin, ends, shape, strict=True)
    return tuple(slice(int(start), int(end) if end < side else None) for start, end, side in pairs)


def _bounds(part: Any) -> str:
    if not isinstance(part, slice):
        return "..." if part is Ellipsis else str(part)
    start, stop, step = ("" if one is None else str(one) for one in (part.start or None, part.stop, part.step))
    return f"{start}:{stop}" + (f":{step}" if step not in ("", "1") else "")


RULES: dict[str, Rule] = {
    "Sum": reduction("sum"),
    "Mean": reduction("mean"),
    "Max": reduction("max"),
    "DivNoNan": divide_no_nan,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "OneHot": one_hot,
    "SparseToDense": sparse_to_dense,
    "ExpandDims": expand,
    "ArgMax": argmax,
    "ConcatV2": concat,
    "Pack": pack,
    **dict.fromkeys(("Gather", "GatherV2", "ResourceGather"), gather),
    **dict.fromkeys(("Slice", "StridedSlice"), sliced),
}
