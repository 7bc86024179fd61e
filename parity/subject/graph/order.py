"""When a variable is read: before this step's writes, but for those that an edge puts before the read.

TensorFlow runs what no edge orders in any order; a read that races with a write is taken to come first. Writes to one
variable follow one another as the script made them.
"""

import itertools
from collections.abc import Iterable, Mapping

from parity.subject.graph.graph import Graph
from parity.subject.graph.node import maker

Names = frozenset[str]
Races = Mapping[str, set[str]]  # by reading node, the writes that no edge puts before or after it
ROUNDS = 2  # an edge may point to a node that was made later


class Order:
    """Of the writing nodes that one step executes."""

    def __init__(self, graph: Graph, writes: Iterable[str] = (), late: Races | None = None):
        """`late`: these reads come last, where else they come first."""
        self.graph, self.late, executed = graph, late or {}, set(writes)
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
        late = self.late.get(reader, ())
        seen = [name for name in chain if name in late or self.precedes(name, reader)]
        return seen[-1] if seen else None

    @property
    def unordered(self) -> set[str]:
        """Variables that two writes change, and no edge says which comes first."""
        return {name for name, chain in self.chains.items() if any(map(self._race, itertools.combinations(chain, 2)))}

    def _race(self, pair: tuple[str, str]) -> bool:
        one, other = pair
        return not (self.precedes(one, other) or self.precedes(other, one))

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
