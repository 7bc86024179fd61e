"""tf.while_loop as TensorFlow 1.x writes it, and what of a graph belongs to one.

A value comes in by an Enter. A Merge takes it, and in later turns what a NextIteration made of it; a Switch leads it
into the next turn or, by an Exit, out. A loop is unrolled: whether it goes on must be known before JAX traces it, as
where it depends on shapes, and then a gradient is that of any straight line.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from parity.errors import CannotCompare
from parity.subject.graph.kinds import AGAIN, ENTERS
from parity.subject.graph.node import Node, maker
from parity.subject.graph.values import Traced, Value, Variable, known

MOST = 2_000  # turns: what is unrolled must be compiled

Nodes = Callable[[str], Node]  # by name
Function = Callable[[Sequence[Value]], Sequence[Value]]
Pivots = Callable[[Node], list[str]]


class Carried(NamedTuple):
    """What one turn hands to the next; all are tensors."""

    merged: str  # as a turn finds it
    entered: str  # as the first turn does
    made: str  # as a turn leaves it to the next


class Loop(NamedTuple):
    """As much of one as an Exit needs."""

    frame: str  # TensorFlow's name of it
    left: str  # the tensor that the last turn gives out
    goes_on: str  # the tensor that tells whether there is a further turn
    enters: tuple[Node, ...]
    carried: tuple[Carried, ...]


def loop_of(exit: Node, nodes: Nodes, pivots: Pivots) -> Loop:
    """The loop that an Exit leaves. `pivots`: the nodes that a tf.cond keeps one alive by.

    Raises `CannotCompare` where it is none that tf.while_loop writes.
    """
    switch = nodes(maker(exit.inputs[0]))
    merge = nodes(maker(switch.inputs[0]))
    if switch.op not in ("Switch", "RefSwitch") or not is_turned(merge, nodes):
        raise CannotCompare(f"{exit.called} leaves a loop that tf.while_loop has not written")
    frame = _frame(nodes(maker(merge.inputs[0])))
    inside = list(_inside(frame, [merge.name, maker(switch.inputs[1])], nodes, pivots))
    enters = tuple(one for one in inside if one.op in ENTERS and _frame(one) == frame)
    names = {one.name for one in enters}
    own = (one for one in inside if is_turned(one, nodes) and maker(one.inputs[0]) in names)
    carried = tuple(Carried(f"{one.name}:0", one.inputs[0], nodes(maker(one.inputs[1])).inputs[0]) for one in own)
    return Loop(frame, f"{merge.name}:0", switch.inputs[1], enters, carried)


def is_turned(node: Node, nodes: Nodes) -> bool:
    """Whether it is a loop's Merge, not a tf.cond's."""
    return node.op in ("Merge", "RefMerge") and any(nodes(maker(name)).op in AGAIN for name in node.inputs)


def goes_on(predicate: Value, turns: int) -> bool:
    """Whether there is a further turn. Raises `Traced` for a predicate that no shape tells."""
    if not known(predicate):
        raise Traced("when this loop ends depends on data that is traced by JAX; it must be known before")
    further = bool(np.all(np.asarray(predicate)))
    if further and turns == MOST:
        raise CannotCompare(f"it turns round more than {MOST:,} times, and each turn would be compiled by itself")
    return further


def unrolled(loop: Loop, entering: Sequence[Value], turn: Callable[[int, dict[str, Value]], Any]) -> Value:
    """What it gives out. `turn`: the evaluation of one, by its number, from the values of these tensors."""
    entered = {f"{one.name}:0": value for one, value in zip(loop.enters, entering, strict=True)}
    found, number = {one.merged: entered[one.entered] for one in loop.carried}, 0
    while goes_on((run := turn(number, entered | found)).values([loop.goes_on])[0], number):
        made = run.values(one.made for one in loop.carried)
        found, number = {one.merged: value for one, value in zip(loop.carried, made, strict=True)}, number + 1
    return found[loop.left]


def repeated(values: Sequence[Value], predicate: Function, turn: Function) -> tuple[Value, ...]:
    """A loop whose turns are functions. A variable goes round unread."""
    number = 0
    while goes_on(predicate(values)[0], number):
        made = turn(values)
        values = [old if isinstance(old, Variable) else new for old, new in zip(values, made, strict=True)]
        number += 1
    return tuple(values)


def _frame(enter: Node) -> str:
    return str(enter.attributes.get("frame_name"))


def _inside(frame: str, names: Sequence[str], nodes: Nodes, pivots: Pivots) -> Iterator[Node]:
    """These nodes and all that they are computed from, as far as the frame's own Enters."""
    todo, seen = list(names), set(names)
    while todo:
        node = nodes(todo.pop())
        yield node
        if node.op in ENTERS and _frame(node) == frame:
            continue
        new = {*map(maker, node.inputs), *pivots(node)} - seen
        seen |= new
        todo += sorted(new)
