"""What each type of op computes: of a node's attributes and its inputs its output, or a tuple of outputs.

A table a theme. Gradients are JAX's where those are TensorFlow's, else a rule beside the op says what TensorFlow's
functions in tensorflow/python/ops/{array,math,nn}_grad.py say.
"""

from parity.subject.graph.ops import (
    activations,
    arithmetic,
    backward,
    comparison,
    convolution,
    functions,
    indexing,
    joining,
    lists,
    losses,
    normalization,
    passing,
    pooling,
    products,
    reductions,
    segments,
    shapes,
)
from parity.subject.graph.values import Op

TABLES = (
    *(activations, arithmetic, backward, comparison, convolution, functions, indexing, joining, lists, losses),
    *(normalization, passing, pooling, products, reductions, segments, shapes),
)
OPS: dict[str, Op] = {name: op for table in TABLES for name, op in table.TABLE.items()}
