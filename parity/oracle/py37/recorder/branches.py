"""Ops inside `tf.cond`: a run may fetch them only where it takes their branch.

Python alone refuses to fetch from inside a branch; the runtime gives what a living branch computed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Tuple

import tensorflow as tf

from ..op_names import APPLY, ASSIGN, VARIABLES
from .op_types import ancestors

EXITS = ("Exit", "RefExit")

Guards = List[Tuple[Any, int]]  # predicate and the branch it must take, outermost first


def guards(op: tf.Operation) -> Guards | None:
    """None inside a while loop, whose values come many times; what leaves the loop comes once."""
    context, found = op._get_control_flow_context(), []
    if op.type in EXITS and not hasattr(context, "pred"):
        context = getattr(context, "outer_context", None)
    while context is not None:
        if not hasattr(context, "pred"):
            return None
        found.append((context.pred, context.branch))
        context = context.outer_context
    return found[::-1]


class Lives:
    """Which branches one run takes, by evaluating their predicates beforehand with the run's own feeds."""

    def __init__(self, evaluate: Callable[[list[Any]], list[Any]], fed: Any, told: Callable[[str], None]):
        self.evaluate, self.fed, self.told = evaluate, fed, told
        self.taken: dict[str, int | None] = {}

    def alive(self, wanted: Guards) -> bool:
        """False also where a predicate cannot be known without changing what it is drawn from."""
        return all(self._branch(predicate) == branch for predicate, branch in wanted)

    def _branch(self, predicate: Any) -> int | None:
        if predicate.name not in self.taken:
            self.taken[predicate.name] = self._known(predicate)
        return self.taken[predicate.name]

    def _known(self, predicate: Any) -> int | None:
        if any(_changes(op) for op in ancestors([predicate], self.fed)):
            self.told("a branch is taken by chance, what is drawn inside is not recorded: " + predicate.name)
            return None
        with fetchable([predicate]):
            return int(bool(self.evaluate([predicate])[0]))


def _changes(op: tf.Operation) -> bool:
    stateful = op.op_def.is_stateful and op.type not in VARIABLES
    return bool(stateful or ASSIGN.match(op.type) or APPLY.match(op.type)) and op.type != "ReadVariableOp"


@contextmanager
def fetchable(tensors: list[Any]) -> Iterator[None]:
    """Lifts Python's refusal to fetch these."""
    lifted = [tensor.op for tensor in tensors if not tensor.graph.is_fetchable(tensor)]
    for op in lifted:
        op.graph._unfetchable_ops.discard(op)
    try:
        yield
    finally:
        for op in lifted:
            op.graph._unfetchable_ops.add(op)
