"""Gradients that are tf.IndexedSlices: the rows that tf.gather took of a variable, each with a gradient of its own.

TensorFlow never makes the whole gradient of them; clipping and the updates see the rows. So a row is differentiated by
itself: what each gather gives is moved by a zero, and the gradient is that of the zero.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from parity.errors import CannotCompare
from parity.subject.graph.graph import Graph

GATHERS = {"Gather", "GatherV2", "ResourceGather"}
JOINS = {"ConcatV2": slice(None, -1), "Concat": slice(1, None)}  # their inputs but for the axis
HANDS_ON = {"Identity", "Reshape"}


def gathers(graph: Graph, variable: str, tensor: str) -> list[str]:
    """The nodes that took the rows of a variable, in the order in which a tensor has these rows' gradients.

    Raises `CannotCompare` where the rows come from elsewhere.
    """
    found = (one for one in graph.nodes.values() if one.op in GATHERS)
    takers = [one.name for one in found if graph.variable(one.inputs[0]) == variable]
    return list(_made_by(graph, tensor, takers))


def in_a_row(rows: Mapping[str, Any], names: Sequence[str], like: Any) -> Any:
    """The gradients of what these nodes gave, one below the other; `like`: the variable."""
    return jnp.concatenate([rows[name].reshape(-1, *like.shape[1:]) for name in names])


def _made_by(graph: Graph, tensor: str, takers: Sequence[str]) -> Iterator[str]:
    node = graph.of(tensor)
    if node.op in JOINS:
        for one in node.inputs[JOINS[node.op]]:
            yield from _made_by(graph, one, takers)
        return
    scope = node.name.rpartition("/")[0]  # TensorFlow names the ops of a gradient after the op whose it is
    found = [name for name in takers if f"/{scope}".endswith(f"/{name}_grad")]
    if found:
        yield max(found, key=len)
    elif node.op in HANDS_ON:
        yield from _made_by(graph, node.inputs[0], takers)
    else:
        raise CannotCompare(
            f"{node.called} makes rows of a sparse gradient (tf.IndexedSlices); only tf.gather is known"
        )
