"""Listens to every `tf.gradients` call: no op of a graph says what its loss is, and the call does."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.ops import gradients_util

from .op_types import variable_of


class Asked(NamedTuple):
    """One call: what was differentiated, by the ops of which variables, and the gradients, None where there is none.

    `weights`: what each y is weighted by, None where by 1.
    """

    ys: list[Any]
    weights: list[Any]
    variables: list[tf.Operation | None]
    grads: list[Any]

    def of_variables(self, ops: set[tf.Operation]) -> dict[tf.Operation, Any]:
        """The gradients by variables that are made by these ops."""
        pairs = zip(self.variables, self.grads)
        return {variable: grad for variable, grad in pairs if variable and getattr(grad, "op", None) in ops}


class Gradients:
    """The calls, graph by graph."""

    def __init__(self) -> None:
        self.calls: Any = weakref.WeakKeyDictionary()

    def listen(self) -> None:
        """From now on. `Optimizer.compute_gradients`, tf.keras and the script itself all end in this function."""
        real = gradients_util._GradientsHelper

        def gradients_helper(ys: Any, xs: Any, grad_ys: Any = None, *rest: Any, **named: Any) -> Any:
            grads = real(ys, xs, grad_ys, *rest, **named)
            weights = [None] * len(_list(ys)) if grad_ys is None else _list(grad_ys)
            asked = Asked(_list(ys), weights, [variable_of(x) for x in _list(xs)], _list(grads))
            self.calls.setdefault(tf.compat.v1.get_default_graph(), []).append(asked)
            return grads

        gradients_util._GradientsHelper = gradients_helper

    def reaching(self, graph: tf.Graph, ops: set[tf.Operation]) -> list[Asked]:
        """The calls, one of whose gradients by a variable is made by these ops."""
        return [asked for asked in self.calls.get(graph, []) if asked.of_variables(ops)]


def _list(one: Any) -> list[Any]:
    return list(one) if isinstance(one, (list, tuple)) else [one]
