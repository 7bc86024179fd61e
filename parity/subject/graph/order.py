"""When a variable is read: before this step's writes, but for those that an edge puts before the read.

TensorFlow runs what no edge orders in any order; a read that races with a write is taken to come first, and writes to
one variable follow one another as the script made them, unless `oriented` says otherwise.
"""

import copy
from collections.abc import Iterable

from parity.subject.graph.graph import Graph
from parity.subject.graph.node import maker

Names = frozenset[str]
ROUNDS = 2  # an edge may point to a node that was made later


class Order:
    """Of the writing nodes that one step executes."""

    def __init__(self, graph: Graph, writes: Iterable[str] = ()):
        self.graph, executed = graph, set(writes)
        self._chosen: dict[str, set[str]] = {}  # by node, what `oriented` puts before it
        self.writes = [name for name in graph.nodes if name in executed]
        self.chains: dict[str, list[str]] = {}
        for name in self.writes:
            for variable in graph.targets(graph.node(name)):
                self.chains.setdefault(variable, []).append(name)
        self._before = _before(graph, executed) if executed else {}

    def last(self, variable: str, reader: str) -> str | None:
        """The last write to a variable that a node must see; None where it sees the value from before the step."""
        chain = self.chains.get(variable, ())
        if reader in chain:
            place = chain.index(reader)
            return chain[place - 1] if place else None
        seen = [name for name in chain if self.comes(name, reader)]
        return seen[-1] if seen else None

    def oriented(self, pairs: Iterable[tuple[str, str]]) -> "Order":
        """The same, but that of each pair of nodes the one comes before the other."""
        made = copy.copy(self)
        made._chosen = {}
        for one, other in pairs:
            made._chosen.setdefault(other, set()).add(one)
        made.chains = {variable: made._sorted(chain) for variable, chain in self.chains.items()}
        return made

    def _sorted(self, chain: list[str]) -> list[str]:
        if not self._chosen:
            return chain
        return sorted(chain, key=lambda name: sum(self.comes(other, name) for other in chain))

    def comes(self, write: str, node: str) -> bool:
        """Whether the one is before the other, by edges or by choice."""
        return write in self._chosen.get(node, ()) or self.precedes(write, node)

    def precedes(self, write: str, node: str) -> bool:
        """Whether edges put the one before the other."""
        return write in self._before[node]


def _before(graph: Graph, writes: set[str]) -> dict[str, Names]:
    """By node, the writes that edges put before it."""
    found: dict[str, Names] = dict.fromkeys(graph.nodes, frozenset())
    for _ in range(ROUNDS):
        for node in graph.nodes.values():
            for name in (*map(maker, node.inputs), *node.control):
                new = found[name] | {name} if name in writes else found[name]
                if not new <= found[node.name]:
                    found[node.name] |= new
    return found
