"""Writes what was recorded: raw.json and raw.npz, whose arrays are named "program|step|role|name".

Roles of a step: before, after, feed, draw, source, loss, gradient, arriving, number, logits, and indices, the rows that
a sparse gradient speaks of. Beside the steps:
"program|final|name", the variables at the end; what each of the first runs was given, see `rows.py`;
"program|losses" float64 [runs], NaN where nobody fetched the loss; "const|graph|node", the graphs' constants.
"""

from __future__ import annotations

import json
import os
import platform
from typing import Any

import numpy as np
import tensorflow as tf

from ..graphdef import described
from ..op_names import SOURCE
from .op_types import ancestors
from .order import Order
from .program import Program
from .recorder import Recorder

FORMAT = 1
SMALL = 16  # elements


def write(order: Order, recorder: Recorder, told: dict[str, Any]) -> None:
    """`told`: what raw.json says beside programs and graphs. The arrays come first: where raw.json is, all is."""
    programs = list(recorder.programs.values())
    kept = [program for program in programs if program.steps]
    graphs: list[tf.Graph] = list(dict.fromkeys(program.graph for program in kept))
    arrays: Any = dict(recorder.arrays)
    for number, program in enumerate(programs):
        arrays.update((f"{number}|final|{name}", value) for name, value in program.final.items())
        arrays.update((f"{number}|{key}", value) for key, value in program.rows.arrays().items())
        arrays[f"{number}|losses"] = np.array(program.losses, np.float64)
    definitions = [described(graph) for graph in graphs]
    for number, (graph, one) in enumerate(zip(graphs, definitions)):
        unused = _unused(graph, [program for program in kept if program.graph is graph])
        found = {name: value for name, value in one.constants.items() if name not in unused or _may_be_a_start(value)}
        arrays.update((f"const|{number}|{name}", value) for name, value in found.items())
    arrays = {name: _plain(value) for name, value in arrays.items()}
    np.savez(os.path.join(order.out, "raw.npz"), **arrays)
    places = {graph: number for number, graph in enumerate(graphs)}
    about = {
        "format": FORMAT,
        **_versions(),
        **told,
        "programs": [program.told(places.get(program.graph)) for program in programs],
        "graphs": [one.graph for one in definitions],
    }
    _whole(os.path.join(order.out, "raw.json"), json.dumps(about))


def _plain(value: Any) -> np.ndarray:
    """Text as bytes: as objects it would be pickled, and nobody reads that."""
    array = np.asarray(value)
    return array.astype(bytes) if array.dtype == object else array


def _may_be_a_start(value: np.ndarray) -> bool:
    """Whether a constant that nothing trains with is kept: it may say how a variable starts, as 0 does."""
    return value.size <= SMALL or (value.dtype.kind in "fiub" and bool((value == value.flat[0]).all()))


def _unused(graph: tf.Graph, programs: list[Program]) -> set[str]:
    """Constants that no training run computes with: initial values, and data sets that only an iterator hands out."""
    updates = [graph.get_operation_by_name(name) for program in programs for name in program.plan.key]
    handed = [tensor.name for op in graph.get_operations() if SOURCE.match(op.type) for tensor in op.outputs]
    used = ancestors([*updates, *_named(graph, programs)], handed)
    return {op.name for op in graph.get_operations() if op.type == "Const" and op not in used}


def _named(graph: tf.Graph, programs: list[Program]) -> list[tf.Operation]:
    losses = [graph.as_graph_element(name).op for program in programs for name in program.plan.losses]
    return losses + [graph.get_operation_by_name(one["op"]) for program in programs for one in program.plan.side]


def _versions() -> dict[str, Any]:
    return {
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "threads": {"processors": os.cpu_count()},
        "cpu": platform.processor() or platform.machine(),
    }


def _whole(path: str, text: str) -> None:
    """There all at once or not at all."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".part", path)
