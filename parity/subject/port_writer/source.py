"""Expressions as Python's text, each in one line."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.subject.port_writer.expression import (
    CAST,
    INDEX,
    JOINS,
    L2,
    NUMBER,
    REDUCTIONS,
    RESHAPE,
    SHAPED,
    SIZE,
    TRANSPOSE,
    Expression,
    NotWritten,
)

Names = Callable[[Expression], str | None]  # how one is called, if it has a name
BINDS = {
    **dict.fromkeys((">=", ">", "<=", "<", "==", "!="), 1),
    "|": 2,
    "&": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "@": 5,
    "negative": 6,
    "**": 7,
}
ATOM = 9


def text(one: Expression, names: Names, binding: int = 0) -> str:
    """In brackets where it stands beside an operator that binds as tight."""
    called = names(one)
    if called is not None:
        return called
    if one.op == SIZE and one.inputs and not one.named:
        return text(one.inputs[0], names, binding)
    made = _text(one, names)
    return (
        f"({made})" if BINDS.get(one.op, ATOM) < binding or (one.op == NUMBER and made[0] == "-" and binding) else made
    )


def inside(one: Expression, names: Names) -> str:
    """Its text though it has a name: what stands behind the = of that name."""
    return _text(one, names)


def _text(one: Expression, names: Names) -> str:
    if one.op == NUMBER:
        return literal(one.value)
    if one.op == SIZE and one.inputs:
        return dict(one.named)[SHAPED].format(text(one.inputs[0], names, ATOM))
    if one.op == SIZE:
        raise NotWritten("a number that depends on the batch's size")
    if one.op == "negative":
        return f"-{text(one.inputs[0], names, BINDS['negative'])}"
    if one.op in BINDS:
        return _between(one, names)
    if one.op == L2:
        return _penalty(one, names)
    if one.op == TRANSPOSE:
        return f"{text(one.inputs[0], names, ATOM)}.T"
    if one.op in REDUCTIONS or one.op in (CAST, RESHAPE):
        return f"{text(one.inputs[0], names, ATOM)}.{one.op}({_arguments(one)})"
    if one.op == INDEX:
        return f"{text(one.inputs[0], names, ATOM)}[{one.value}]"
    if one.op in JOINS:
        parts = ", ".join(text(part, names) for part in one.inputs)
        return f"{one.op}([{parts}], axis={one.value})"
    if one.is_leaf:
        raise NotWritten(f"{one.op} {one.value}")
    told = [text(part, names) for part in one.inputs] + [f"{key}={value!r}" for key, value in one.named]
    return f"{one.op}({', '.join(told)})"


def _between(one: Expression, names: Names) -> str:
    binds = BINDS[one.op]
    left, right = one.inputs
    first = binds + (one.op == "**")  # a power of a power needs brackets on the left, all others on the right
    return f"{text(left, names, first)} {one.op} {text(right, names, binds + (one.op != '**'))}"


def _arguments(one: Expression) -> str:
    if one.op == CAST:
        return str(one.value)
    if one.op == RESHAPE:
        return ", ".join(map(str, one.value))
    axis, keep = one.value
    return ", ".join(([f"axis={axis}"] if axis is not None else []) + (["keepdims=True"] if keep else []))


def _penalty(one: Expression, names: Names) -> str:
    if len(one.inputs) == 1:
        return f"losses.l2_loss({text(one.inputs[0], names)})"
    called = ", ".join(f'"{part.value}"' for part in one.inputs)
    return f"sum(losses.l2_loss(weights[name]) for name in ({called}))"


def literal(value: Any) -> str:
    """The shortest that is the same float32, or a whole number."""
    plain = np.asarray(value)
    if plain.dtype.kind in "iub" or (np.isfinite(plain) and float(plain) == int(plain) and abs(plain) < 1e6):
        return str(int(plain))
    told = str(np.float32(plain))
    return re.sub(r"e([+-])0+", r"e\1", told) if np.isfinite(plain) else f"jnp.{told}".replace("jnp.-", "-jnp.")
