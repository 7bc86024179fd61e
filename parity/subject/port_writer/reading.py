"""A graph's tensors as expressions, read with the recorded steps at hand: these tell shapes and branches."""

import contextlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jax
import numpy as np

from parity.compare.recorded.recording import Program, starts
from parity.errors import CannotCompare
from parity.subject.graph.evaluation import Evaluation
from parity.subject.graph.graph import Graph
from parity.subject.graph.kinds import SWITCHES, given, writes
from parity.subject.graph.node import Node, maker, tensor_name
from parity.subject.graph.order import Order
from parity.subject.port_writer.expression import (
    AFTER,
    ARRAY,
    DRAW,
    INPUT,
    SHAPED,
    SIZE,
    VARIABLE,
    Expression,
    NotWritten,
    number,
)

FIXED, SIZED, DATA = range(3)  # what a tensor depends on: nothing, shapes of data alone, data
MEASURES = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"}
SAME = {"Identity", "Snapshot", "CheckNumerics", "PreventGradient", "PlaceholderWithDefault", "EnsureShape"}
FULL = {0.0: "jnp.zeros_like({})", 1.0: "jnp.ones_like({})"}
WAYS = {"Assign": "=", "AssignAdd": "+", "AssignSub": "-"}
Rule = Callable[["Reading", Node], Expression]


class Reading:
    """Of one program of a recording. `rules`: by type of op, what makes an expression of a node."""

    def __init__(self, graph: Graph, program: Program, rules: Mapping[str, Rule]):
        self.graph, self.rules = graph, rules
        self.side = [one["op"] for one in program.fields["side"]]
        self.order = Order(graph, [*(one["op"] for one in program.fields["updates"]), *self.side])
        self.starts = [starts(one) for one in program.trace.steps.values()]
        self.branches: dict[str, bool] = {}  # by predicate, the one that all recorded steps take
        self._expressions: dict[str, Expression] = {}
        self._alike: dict[Any, Expression] = {}
        self._interned: set[int] = set()  # the ids of its values
        self._kinds: dict[str, int] = {}

    def expression(self, tensor: str, reader: str | None = None) -> Expression:
        """Raises `NotWritten`, with the op, where there is no rule for it. `reader`: the node that it is for."""
        name = self.resolved(tensor_name(tensor))
        if (variable := self.graph.variable(name)) is not None:
            return self._variable(variable, reader or maker(name))
        if name not in self._expressions:
            try:
                self._expressions[name] = self._shared(self._made(name))
            except NotWritten:
                raise
            except CannotCompare as error:
                raise NotWritten(str(error)) from None
        return self._expressions[name]

    def inputs(self, node: Node) -> list[Expression]:
        """Of all its inputs."""
        return [self.expression(name, node.name) for name in node.inputs]

    def input(self, node: Node, place: int) -> Expression:
        return self.expression(node.inputs[place], node.name)

    def value(self, tensor: str) -> np.ndarray:
        """What it is at the first recorded step."""
        return self._value(self._runs[0], tensor)

    def kind(self, tensor: str) -> int:
        """FIXED, SIZED or DATA."""
        name = self.resolved(tensor)
        if name not in self._kinds:
            self._kinds[name] = self._kind(name)
        return self._kinds[name]

    def resolved(self, tensor: str) -> str:
        """Behind ops that only hand it on, and within the branch of a tf.cond that is taken."""
        while tensor not in self.data and self.graph.variable(tensor) is None:
            node = self.graph.of(tensor)
            if node.op == "Merge" and not self._by_step(node):
                tensor = node.inputs[int(self._branch(node))]
            elif (node.op in SAME and node.inputs) or node.op in SWITCHES:
                tensor = node.inputs[0]
            else:
                break
        return tensor

    @property
    def taken(self) -> dict[str, bool]:
        """By what is fed, the branches that all recorded steps take."""
        return {self.resolved(name): taken for name, taken in self.branches.items()}

    @cached_property
    def data(self) -> dict[str, str]:
        """By tensor: INPUT or DRAW."""
        first = self.starts[0]
        return dict.fromkeys(first["batch"], INPUT) | dict.fromkeys(first["draws"], DRAW)

    @cached_property
    def _runs(self) -> list[Evaluation]:
        return [
            Evaluation(self.graph, {**one["batch"], **one["draws"]}, {**one["slots"], **one["weights"]})
            for one in self.starts
        ]

    def _value(self, run: Evaluation, tensor: str) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(run.values([tensor])[0])

    def _branch(self, merge: Node) -> bool:
        predicate = self.graph.predicate(merge)
        taken = {bool(self._value(run, predicate)) for run in self._runs}
        if len(taken) > 1:
            raise NotWritten(f"{merge.called}: the recorded steps take both branches of its tf.cond")
        self.branches[predicate] = found = taken.pop()
        return found

    def _by_step(self, merge: Node) -> bool:
        """Whether a tf.cond is decided by what steps write, as by a count of them: later ones take the other branch."""
        behind = self.graph.behind(self.graph.predicate(merge))
        return any(node.name in self.order.chains for node in behind)

    def _kind(self, name: str) -> int:
        if name in self.data or self.graph.variable(name) is not None:
            return DATA
        node = self.graph.of(name)
        if given(node.op) or writes(node.op) or node.op == "Merge":
            return DATA
        kinds = [self.kind(one) for one in self.graph.inputs(node)]
        most = max(kinds, default=FIXED)
        return min(most, SIZED) if node.op in MEASURES else most

    def _variable(self, name: str, reader: str) -> Expression:
        shape = next(one[role][name].shape for one in self.starts for role in ("weights", "slots") if name in one[role])
        last = self.order.last(name, reader)
        if last is not None and last in self.side:
            return self.written(self.graph.nodes[last])
        return self._leaf(AFTER if last else VARIABLE, name, shape)

    def written(self, node: Node) -> Expression:
        """What a write beside the updates makes of its variable."""
        key = f"after {node.name}"
        if key not in self._expressions:
            way = WAYS.get(node.op.removesuffix("VariableOp"))
            if way is None:
                raise NotWritten(node.called)
            old, value = (self.expression(name, node.name) for name in node.inputs[:2])
            made = value if way == "=" else Expression(way, (old, value), shape=old.shape)
            self._expressions[key] = self._shared(made)
        return self._expressions[key]

    def _shared(self, one: Expression) -> Expression:
        """What is computed twice is one."""
        if id(one) in self._interned:
            return one
        inputs = tuple(map(self._shared, one.inputs))
        value = one.value.tobytes() if isinstance(one.value, np.ndarray) else repr(one.value)
        key = (one.op, value, one.shape, one.named, *map(id, inputs))
        if key not in self._alike:
            same = all(a is b for a, b in zip(inputs, one.inputs, strict=True))
            self._alike[key] = one if same else Expression(one.op, inputs, one.value, one.shape, one.named)
            self._interned.add(id(self._alike[key]))
        return self._alike[key]

    def _leaf(self, op: str, name: str, shape: tuple[int, ...]) -> Expression:
        """One for all its readers."""
        return self._shared(Expression(op, value=name, shape=shape))

    def _made(self, name: str) -> Expression:
        if name in self.data:
            return Expression(self.data[name], value=name, shape=self.value(name).shape)
        kind = self.kind(name)
        node = self.graph.of(name)
        if kind == FIXED:
            return self._constant(self._fixed(node, name))
        if kind == SIZED:
            return self._sized(name, node)
        if node.op not in self.rules or (not name.endswith(":0") and node.op != "Split"):
            raise NotWritten(node.called)
        made = self.rules[node.op](self, node)
        if not (made.shape or made.is_leaf):
            with contextlib.suppress(CannotCompare):  # a branch that the first step does not take: there it is a scalar
                return _shaped(made, self.value(name).shape)
        return made

    def _fixed(self, node: Node, name: str) -> np.ndarray:
        """A constant node's own array: evaluated in a branch that is not taken it has no value."""
        return np.asarray(self.graph.constants[node.name]) if node.op == "Const" else self.value(name)

    def _sized(self, name: str, node: Node) -> Expression:
        """Written where it is the number of rows, or one number in the shape of something."""
        value, (like, how) = self.value(name), self._shaped(node)
        with contextlib.suppress(NotWritten):
            if like:
                return Expression(SIZE, (self.expression(like, node.name),), value, value.shape, ((SHAPED, how),))
            if node.op in self.rules:
                return Expression(SIZE, (self.rules[node.op](self, node),), value, value.shape)
        return Expression(SIZE, value=value, shape=value.shape)

    def _shaped(self, node: Node) -> tuple[str | None, str]:
        """A tensor, and how its shape makes this one; no tensor where nothing is known."""
        behind = self.graph.of(self.resolved(node.inputs[0]))
        if node.op == "Cast":
            return self._shaped(behind)
        if node.op in ("OnesLike", "ZerosLike"):
            return node.inputs[0], f"jnp.{node.op.removesuffix('Like').lower()}_like({{}})"
        if node.op == "Range" and self._are(node.inputs[0], 0) and self._are(node.inputs[2], 1):
            like, many = self._shaped(self.graph.of(self.resolved(node.inputs[1])))
            return like, f"jnp.arange({many})"
        if behind.op == "Shape" and node.op == "Fill" and self.kind(node.inputs[1]) == FIXED:
            filled = float(self.value(node.inputs[1]))
            return behind.inputs[0], FULL.get(filled, f"jnp.full_like({{}}, {filled})")
        if behind.op == "Shape" and node.op == "StridedSlice" and not self.value(f"{node.name}:0").shape:
            return behind.inputs[0], f"{{}}.shape[{int(self.value(node.inputs[1])[0])}]"
        return None, ""

    def _are(self, tensor: str, number: float) -> bool:
        return self.kind(tensor) == FIXED and bool((self.value(tensor) == number).all())

    def _constant(self, value: np.ndarray) -> Expression:
        if value.size and (value == value.reshape(-1)[0]).all():
            return number(value, value.shape)
        return Expression(ARRAY, value=value, shape=value.shape)


def _shaped(made: Expression, shape: tuple[int, ...]) -> Expression:
    return Expression(made.op, made.inputs, made.value, shape, made.named) if made.shape != shape else made
