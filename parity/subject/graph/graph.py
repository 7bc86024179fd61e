"""A graph and what can be said of it before it is evaluated: which variable an edge is, and what decides a tf.cond."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parity.compare.recorded import recording
from parity.errors import CannotCompare
from parity.oracle.py37.op_names import VARIABLES
from parity.subject.graph import loops
from parity.subject.graph.kinds import EXITS, PASSES, SWITCHES, held, resource, writes
from parity.subject.graph.node import Node, maker, nodes_of, outlet, tensor_name


class Graph:
    """Nodes and constants, as `parity/oracle/py37/graphdef.py` tells them, and the functions that nodes may call."""

    def __init__(
        self,
        nodes: Sequence[Mapping[str, Any]],
        constants: Mapping[str, np.ndarray],
        functions: Mapping[str, Mapping[str, Any]] | None = None,
    ):
        self.nodes: dict[str, Node] = nodes_of(nodes)
        self.constants = constants
        self.functions = functions or {}
        self._variables: dict[str, str | None] = {}
        self._called: dict[str, tuple[Graph, list[str], list[str]]] = {}
        self._loops: dict[str, loops.Loop] = {}

    @classmethod
    def recorded(cls, told: recording.Graph) -> "Graph":
        """A recording's."""
        return cls(told.nodes, told.constants, told.functions)

    def node(self, name: str) -> Node:
        """Raises `CannotCompare` where there is none."""
        if name not in self.nodes:
            raise CannotCompare(f"the graph has no node {name}")
        return self.nodes[name]

    def of(self, tensor: str) -> Node:
        """The node that makes it."""
        return self.node(maker(tensor_name(tensor)))

    def function(self, name: str) -> "tuple[Graph, list[str], list[str]]":
        """The graph of one that nodes call, the names of its arguments, and of its results."""
        if name not in self.functions:
            raise CannotCompare(f"it calls the function {name}, which was not recorded")
        if name not in self._called:
            self._called[name] = self._read(name)
        return self._called[name]

    def _read(self, name: str) -> "tuple[Graph, list[str], list[str]]":
        told = self.functions[name]
        head = f"{name}|"
        own = {key.removeprefix(head): array for key, array in self.constants.items() if key.startswith(head)}
        constants = {**self.constants, **own}  # all: a function may call another
        return Graph(told["nodes"], constants, self.functions), told["arguments"], told["results"]

    def variable(self, tensor: str) -> str | None:
        """The name of the variable whose reference or handle an edge is; None of one that carries values."""
        if tensor not in self._variables:
            self._variables[tensor] = self._variable(self.of(tensor), outlet(tensor))
        return self._variables[tensor]

    def _variable(self, node: Node, output: int) -> str | None:
        if node.op in VARIABLES:
            return node.name
        through = node.op in PASSES or (output == 0 and writes(node.op) and not resource(node.op))
        return self.variable(node.inputs[0]) if through and node.inputs else None

    def targets(self, node: Node) -> list[str]:
        """The variables that an op changes, the first of its inputs. Raises `CannotCompare` where those are none."""
        names = [self.variable(tensor) for tensor in node.inputs[: held(node.op)]] if writes(node.op) else []
        if None in names:
            raise CannotCompare(f"{node.called} changes {node.inputs[0]}, and that is no variable")
        return [name for name in names if name is not None]

    def pivots(self, node: Node) -> list[str]:
        """Those of its control inputs that a tf.cond keeps it alive by."""
        return [name for name in node.control if self._is_pivot(self.nodes[name])]

    def _is_pivot(self, node: Node) -> bool:
        if node.op in SWITCHES:
            return True
        return node.op == "Identity" and bool(node.inputs) and self.of(node.inputs[0]).op in SWITCHES

    def loop(self, exit: Node) -> loops.Loop:
        """What one of its ways out needs of a tf.while_loop."""
        if exit.name not in self._loops:
            self._loops[exit.name] = loops.loop_of(exit, self.node, self.pivots)
        return self._loops[exit.name]

    def inputs(self, node: Node) -> tuple[str, ...]:
        """Of what leaves a while loop all that enters it for its sake; of all others their own."""
        return tuple(name for one in self.loop(node).enters for name in one.inputs) if node.op in EXITS else node.inputs

    def behind(self, tensor: str) -> Iterator[Node]:
        """The nodes that a tensor is computed from, its own first, and those that a tf.cond keeps them alive by."""
        todo = [maker(tensor_name(tensor))]
        seen = set(todo)
        while todo:
            node = self.node(todo.pop())
            yield node
            new = {*map(maker, self.inputs(node)), *self.pivots(node)} - seen
            seen |= new
            todo += sorted(new)

    def predicate(self, merge: Node) -> str:
        """The tensor that decides which input of a tf.cond's Merge lives: that of the first open Switch behind it."""
        todo, seen = [(name, 0) for name in merge.inputs], set()
        while todo and not loops.is_turned(merge, self.node):
            tensor, depth = todo.pop()
            node = self.of(tensor)
            if (node.name, depth) in seen:
                continue
            seen.add((node.name, depth))
            if node.op in SWITCHES and depth == 0:
                return node.inputs[1]
            depth += (node.op == "Merge") - (node.op in SWITCHES)
            inputs = (
                [name for one in self.loop(node).enters for name in one.inputs] if node.op in EXITS else node.inputs
            )
            todo += [(name, depth) for name in (*inputs, *(f"{one}:0" for one in self.pivots(node)))]
        raise CannotCompare(f"{merge.called} belongs to no tf.cond, and what decides it is not known")
