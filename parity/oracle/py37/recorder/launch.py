"""Runs a script, a module or a notebook as Python or Jupyter would, its own arguments in place."""

from __future__ import annotations
import __future__

import builtins
import linecache
import os
import runpy
import sys
import types
from typing import Any, Callable

from . import notebook
from .order import Order

FUTURE = 0
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag

Tell = Callable[[str], None]


def launch(order: Order, tell: Tell) -> None:
    """Raises whatever the script does."""
    sys.argv = [order.script, *order.arguments]
    if order.kind == "module":
        sys.path.insert(0, os.getcwd())
        runpy.run_module(order.script, run_name="__main__", alter_sys=True)
        return
    sys.path.insert(0, os.path.dirname(order.script))
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=order.script, __builtins__=builtins)
    sys.modules["__main__"] = main
    if order.kind == "notebook":
        main.__dict__.update(get_ipython=lambda: Shell(tell), display=print)
    _execute(_pieces(order, tell), main.__dict__)


def _pieces(order: Order, tell: Tell) -> list[tuple[str, Any]]:
    """(file name, source) of what is executed, one after the other."""
    with open(order.script, "rb") as file:
        source = file.read()
    if order.kind == "script":
        return [(order.script, source)]
    code = notebook.cells(source.decode("utf-8"), tell)
    return [(f"{order.script} cell {number}", one) for number, one in code]


def _execute(pieces: list[tuple[str, Any]], names: dict[str, Any]) -> None:
    flags = 0  # a cell's __future__ holds for those after it
    for name, source in pieces:
        if isinstance(source, str):  # Jupyter's own code must find its lines too, and so must autograph
            linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        code = compile(source, name, "exec", flags, dont_inherit=True)
        flags |= code.co_flags & FUTURE
        exec(code, names)


class Shell:
    """Stands for IPython's shell, whose every method does nothing."""

    def __init__(self, tell: Tell):
        self.tell = tell

    def __getattr__(self, name: str) -> Callable[..., None]:
        def nothing(*rest: Any, **named: Any) -> None:
            self.tell("magic dropped: get_ipython()." + name)

        return nothing
