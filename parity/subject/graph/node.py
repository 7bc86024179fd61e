"""One op of a graph, as plain data; see `parity/oracle/py37/graphdef.py`, which tells it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from parity.errors import CannotCompare


class Node(NamedTuple):
    """inputs: tensor names, "a:0"; control: names of nodes that run before it."""

    name: str
    op: str
    inputs: tuple[str, ...]
    control: tuple[str, ...]
    attributes: Mapping[str, Any]
    where: str | None

    @property
    def called(self) -> str:
        """For a person: op type, name, and the script's line."""
        return f"{self.op} {self.name}" + (f" ({self.where})" if self.where else "")


def node_of(told: Mapping[str, Any]) -> Node:
    """Raises `CannotCompare` where a field is missing or of another kind."""
    try:
        name, op, inputs, attributes = (told[field] for field in ("name", "op", "inputs", "attributes"))
        data = tuple(map(tensor_name, (one for one in inputs if not one.startswith("^"))))
        control = tuple(one[1:] for one in inputs if one.startswith("^"))
        return Node(str(name), str(op), data, control, dict(attributes), told.get("where"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotCompare(f"a node of the graph is not readable ({error!r}): {str(told)[:80]}") from None


def tensor_name(name: str) -> str:
    """In full: "a" is the tensor "a:0"."""
    return name if ":" in name else f"{name}:0"


def maker(tensor: str) -> str:
    """The name of the node that makes a tensor."""
    return tensor.rpartition(":")[0]


def outlet(tensor: str) -> int:
    """Which of that node's outputs it is."""
    return int(tensor.rpartition(":")[2])


def nodes_of(told: Sequence[Mapping[str, Any]]) -> dict[str, Node]:
    """By name, in their order. Raises `CannotCompare` where an input names no node."""
    nodes = {node.name: node for node in map(node_of, told)}
    for node in nodes.values():
        for name in (*map(maker, node.inputs), *node.control):
            if name not in nodes:
                raise CannotCompare(f"{node.called} has the input {name}, and the graph has no such node")
    return nodes
