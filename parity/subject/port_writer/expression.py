"""What a tensor of the graph is, as an expression of Python: already simpler than the graph has it.

`op` is one of the words below, an operator, or a function with its module, "jnp.log", that is called with the inputs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.errors import CannotCompare

VARIABLE, AFTER = "variable", "after"  # a leaf: the value before the step, and after its updates; value: the name
INPUT, DRAW = "input", "draw"  # a leaf: fed or handed out, and drawn; value: the tensor's name
NUMBER, ARRAY = "number", "array"  # a leaf: a constant; value: it
SIZE = "size"  # what depends on the shapes of data alone; value: what it is in the recording; SHAPED: how it is written
SHAPED = "shaped"  # named: a text, with braces for the one input whose shape it takes; without: the input is it
INDEX = "index"  # value: the text between the brackets
LEAVES = {VARIABLE, AFTER, INPUT, DRAW, NUMBER, ARRAY, SIZE}
REDUCTIONS = {"mean", "sum", "max"}  # methods; value: axis (None: all) and keepdims
JOINS = {"jnp.concatenate", "jnp.stack"}  # value: the axis
CAST, RESHAPE = "astype", "reshape"  # value: dtype; sides
L2 = "l2"  # of variables, the sum of their l2_loss
TRANSPOSE = "transpose"


class NotWritten(CannotCompare):
    """An op, or a place of one, for which no Python is written."""


@dataclass(frozen=True, eq=False)
class Expression:
    """One node; nodes are shared, and compared by identity."""

    op: str
    inputs: tuple["Expression", ...] = ()
    value: Any = None
    shape: tuple[int, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()  # arguments by name, numbers alone

    @property
    def is_leaf(self) -> bool:
        return self.op in LEAVES

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def number(value: Any, shape: tuple[int, ...] = ()) -> Expression:
    """A constant that is one number everywhere."""
    return Expression(NUMBER, value=np.asarray(value).reshape(-1)[0], shape=shape)


def is_number(one: Expression, value: float | None = None) -> bool:
    """Whether it is a constant number; if told so, just this one. Also one that fills a shape of the data."""
    if one.op == SIZE:
        held = np.asarray(one.value)
        return value is not None and held.size > 0 and bool((held == value).all())
    return one.op == NUMBER and (value is None or float(one.value) == value)


def walk(*roots: Expression, seen: Iterable[int] = ()) -> Iterator[Expression]:
    """Every node once, its inputs first; but for those with these ids, and what they alone lead to."""
    seen = set(seen)
    todo = [(one, False) for one in reversed(roots)]
    while todo:
        one, opened = todo.pop()
        if opened:
            yield one
        elif id(one) not in seen:
            seen.add(id(one))
            todo.append((one, True))
            todo += [(part, False) for part in reversed(one.inputs)]


def leaves(*roots: Expression) -> list[Expression]:
    """In the order in which they are met."""
    return [one for one in walk(*roots) if one.is_leaf]


def short(value: Any) -> float:
    """The shortest number that is the same float32."""
    return float(str(np.float32(value)))
