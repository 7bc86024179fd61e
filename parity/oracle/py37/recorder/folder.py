"""Writes what was recorded: raw.json and raw.npz, whose arrays are named "program|step|role|name".

Roles of a step: before, after, feed, draw, source, loss, gradient, arriving, number, logits. Beside the steps:
"program|final|name", the variables at the end; "program|losses" float64 [runs], NaN where the script did not fetch the
loss; "const|graph|node", the graphs' constants.
"""

from __future__ import annotations

import json
import os
import platform
from typing import Any, Dict, List

import numpy as np
import tensorflow as tf

from ..graphdef import described
from .order import Order
from .recorder import Recorder

FORMAT = 1


def write(order: Order, recorder: Recorder, told: Dict[str, Any]) -> None:
    """`told`: what raw.json says beside programs and graphs. The arrays come first: where raw.json is, all is."""
    programs = list(recorder.programs.values())
    kept = [program for program in programs if program.steps]
    graphs: List[tf.Graph] = list(dict.fromkeys(program.graph for program in kept))
    arrays = dict(recorder.arrays)
    for number, program in enumerate(programs):
        arrays.update(("%d|final|%s" % (number, name), value) for name, value in program.final.items())
        arrays["%d|losses" % number] = np.array(program.losses, np.float64)
    definitions = [described(graph) for graph in graphs]
    for number, one in enumerate(definitions):
        arrays.update(("const|%d|%s" % (number, name), value) for name, value in one.constants.items())
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


def _versions() -> Dict[str, Any]:
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
