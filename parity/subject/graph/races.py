"""Reads that race with writes: no edge of a graph says which comes first, and TensorFlow takes either order.

A moving average beside its update is the usual one; gradients of `tf.gradients`, which nothing gates, another. A run
shows one order, an evaluation takes the read first, and neither is wrong.
"""

from collections.abc import Iterable

from parity.subject.graph.graph import Graph
from parity.subject.graph.kinds import ASKS, PASSES
from parity.subject.graph.node import Node, maker
from parity.subject.graph.order import Order, Races

Nodes = set[str]
SHAPES = {"Shape", "ShapeN", "VariableShape", "Size", "Rank"}  # which no write changes


def races_of(graph: Graph, writes: Iterable[str], outputs: Iterable[str]) -> tuple[Races, Nodes]:
    """The races of one step, and all nodes whose values depend on how they end.

    `outputs`: tensors that the step computes besides what it writes.
    """
    order = Order(graph, writes)
    behind = {write: _behind(graph, [write]) for write in order.writes}
    run = _behind(graph, map(maker, outputs)).union(behind, *behind.values())
    found = {node.name: _raced(order, node, behind) for node in graph.nodes.values() if node.name in run}
    races = {name: raced for name, raced in found.items() if raced}
    return races, _dependent(order, run, set(races))


def to_be_late(graph: Graph, races: Races) -> Races:
    """Those whose reads may all come last together: no raced write waits for them."""
    behind = _behind(graph, [write for raced in races.values() for write in raced])
    return {name: raced for name, raced in races.items() if name not in behind}


def _behind(graph: Graph, names: Iterable[str]) -> Nodes:
    """All nodes that run before these, and these."""
    todo = list(names)
    seen = set(todo)
    while todo:
        node = graph.node(todo.pop())
        new = {*map(maker, node.inputs), *node.control} - seen
        seen |= new
        todo += new
    return seen


def _raced(order: Order, node: Node, behind: dict[str, Nodes]) -> set[str]:
    return {
        write
        for variable in _read(order.graph, node)
        for write in order.chains.get(variable, ())
        if node.name not in behind[write] and not order.precedes(write, node.name) and write != node.name
    }


def _read(graph: Graph, node: Node) -> set[str]:
    """The variables that a node takes, unless it only hands them on."""
    if node.op in PASSES | ASKS | SHAPES:
        return set()
    return {name for tensor in node.inputs if (name := graph.variable(tensor)) is not None}


def _dependent(order: Order, run: Nodes, racing: Nodes) -> Nodes:
    """What takes a value from these, along edges and through variables; never mere order."""
    users: dict[str, set[str]] = {}
    for node in (order.graph.nodes[name] for name in run):
        last = {order.last(variable, node.name) for variable in _read(order.graph, node)}
        for name in {*map(maker, node.inputs), *last} - {None}:
            users.setdefault(str(name), set()).add(node.name)
    todo, seen = list(racing), set(racing)
    while todo:
        new = users.get(todo.pop(), set()) - seen
        seen |= new
        todo += new
    return seen
