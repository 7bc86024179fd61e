"""Nodes that race: no edge of a graph says which comes first, and TensorFlow takes either order.

A read beside a write, as of a moving average beside its update, or of gradients that `tf.gradients` leaves ungated; or
two writes of one variable. A run shows one order, an evaluation takes reads first, and neither is wrong.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from parity.subject.graph.graph import Graph
from parity.subject.graph.kinds import ASKS, PASSES
from parity.subject.graph.node import Node, maker
from parity.subject.graph.order import Order

Nodes = set[str]
SHAPES = {"Shape", "ShapeN", "VariableShape", "Size", "Rank"}  # which no write changes


class Pair(NamedTuple):
    """Two nodes that race: a read and a write, or two writes, which follow one another as the script made them."""

    first: str  # where nothing else is chosen
    then: str


class Races:
    """Of one step. `outputs`: tensors that it computes besides what it writes."""

    def __init__(self, order: Order, outputs: Iterable[str]):
        self.order = order
        written = {write: _behind(order.graph, [write]) for write in order.writes}
        self.run = _behind(order.graph, map(maker, outputs)).union(written, *written.values())
        chains = [pair for chain in order.chains.values() for pair in itertools.combinations(chain, 2)]
        writes = [Pair(*pair) for pair in chains if not (order.precedes(*pair) or order.precedes(*pair[::-1]))]
        reads = [Pair(name, write) for name in self._run_in_order() for write in self._raced(name, written)]
        self.pairs = _each_once([*writes, *reads])
        ends = {name for pair in self.pairs for name in pair}
        self._behind = written | {name: _behind(order.graph, [name]) for name in ends - set(written)}

    def ordered(self, turned: Collection[Pair]) -> Order:
        """That in which these pairs come the other way about."""
        return self.order.oriented(_edges(self.pairs, turned))

    def possible(self, decided: Collection[Pair], turned: Collection[Pair]) -> bool:
        """Whether such an order of the decided pairs goes without a circle."""
        edges = set(_edges(decided, turned))
        ends = {name for edge in edges for name in edge}
        before = {name: (self._behind[name] & ends - {name}) | {a for a, b in edges if b == name} for name in ends}
        while free := [name for name, those in before.items() if not those]:
            for name in free:
                del before[name]
            for those in before.values():
                those.difference_update(free)
        return not before

    def completed(self, decided: Mapping[Pair, bool]) -> frozenset[Pair]:
        """The turned pairs of a whole order: those decided, and of the others each that cannot be otherwise."""
        found = dict(decided)
        for pair in self.pairs:
            if pair not in found:
                found[pair] = not self.possible([*found, pair], {one for one, turned in found.items() if turned})
        return frozenset(pair for pair, turned in found.items() if turned)

    def deciding(self, nodes: Iterable[str]) -> list[Pair]:
        """The pairs whose order may decide what these nodes make."""
        behind = self._computed_from(nodes)
        return [pair for pair in self.pairs if behind.issuperset(pair)]

    def told(self, pair: Pair) -> str:
        """For a person."""
        first, then = (self.order.graph.node(name) for name in pair)
        return f"no edge orders {first.called} and {then.called}"

    def seen_by(self, write: str) -> list[Pair]:
        """Those that may decide what a node that writes finds in the variables that it takes."""
        before = {other for name in self._held(write) for other in self._preceding(name, write)}
        behind = self._computed_from(before) | {write}
        return [pair for pair in self.pairs if behind.issuperset(pair)]

    def waiting(self) -> Nodes:
        """What runs before some raced write."""
        return Nodes().union(*(self._behind[pair.then] for pair in self.pairs))

    def writes(self) -> list[Pair]:
        """The pairs of two writes of one variable."""
        chains = [set(chain) for chain in self.order.chains.values()]
        return [pair for pair in self.pairs if any(chain.issuperset(pair) for chain in chains)]

    def reads_for(self, one: str, other: str) -> list[Pair]:
        """The reads beside the first of two writes that only the second waits for."""
        return [
            pair
            for pair in self.pairs
            if pair.then == one and pair.first in self._behind[other] and pair.first not in self._behind[one]
        ]

    def _run_in_order(self) -> Iterator[str]:
        return (name for name in self.order.graph.nodes if name in self.run)

    def _raced(self, reader: str, behind: dict[str, Nodes]) -> list[str]:
        variables = _read(self.order.graph, self.order.graph.node(reader))
        writes = (write for variable in variables for write in self.order.chains.get(variable, ()))
        return [w for w in writes if w != reader and reader not in behind[w] and not self.order.precedes(w, reader)]

    def _computed_from(self, nodes: Iterable[str]) -> Nodes:
        """Along edges and through variables; never mere order. What a node reads of a write came before that node, and
        so did all that the write was computed from."""
        todo = [(name, frozenset[str]()) for name in nodes]
        seen = set(todo)
        while todo:
            name, readers = todo.pop()
            new = {(maker(tensor), readers) for tensor in self.order.graph.node(name).inputs}
            for write in (one for held in self._held(name) for one in self._preceding(held, name)):
                if readers.isdisjoint(self._behind[write]):
                    new.add((write, readers | {name}))
            todo += new - seen
            seen |= new
        return {name for name, _ in seen}

    def _held(self, node: str) -> set[str]:
        """The variables among its inputs."""
        graph = self.order.graph
        return {name for name in map(graph.variable, graph.node(node).inputs) if name is not None}

    def _preceding(self, variable: str, node: str) -> list[str]:
        """Writes of it that may come before a node."""
        return [w for w in self.order.chains.get(variable, ()) if w != node and node not in self._behind[w]]


def _edges(pairs: Iterable[Pair], turned: Collection[Pair]) -> list[tuple[str, str]]:
    return [(then, first) if (first, then) in turned else (first, then) for first, then in pairs]


def _each_once(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """By its two nodes, whichever is named first."""
    found: dict[frozenset[str], Pair] = {}
    for pair in pairs:
        found.setdefault(frozenset(pair), pair)
    return tuple(found.values())


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


def _read(graph: Graph, node: Node) -> set[str]:
    """The variables that a node takes, unless it only hands them on."""
    if node.op in PASSES | ASKS | SHAPES:
        return set()
    return {name for tensor in node.inputs if (name := graph.variable(tensor)) is not None}
