"""Reads that no edge orders beside a write: found, told by what depends on them, and computed in either order."""

import numpy as np
import pytest

from parity.subject.graph.graph import Graph
from parity.subject.graph.step import GraphStep


def node(name, op, *inputs, **attributes):
    return {"name": name, "op": op, "inputs": list(inputs), "attributes": {"dtype": "float32", **attributes}}


def step(*order, reader="Sub"):
    """v moves along g, an average follows v, and `order` is what edges put before the average's read of v."""
    nodes = [
        node("v", "VariableV2"),
        node("average", "VariableV2"),
        node("v/read", "Identity", "v"),
        node("g", "Placeholder"),
        node("rate", "Const"),
        node("decay", "Const"),
        node("train", "ApplyGradientDescent", "v", "rate", "g"),
        node("apart", reader, *(("average", "v/read") if reader == "Sub" else ("v/read",)), *order),
        node("change", "Mul", "apart", "decay"),
        node("follow", "AssignSub", "average", "change"),
    ]
    constants = {"rate": np.float32(0.5), "decay": np.float32(0.25)}
    update = {"op": "train", "type": "ApplyGradientDescent", "variable": "v"}
    side = {"op": "follow", "type": "AssignSub", "variable": "average"}
    told = {"updates": [update], "side": [side], "variables": ["v", "average"], "losses": [], "gradients": {}}
    return GraphStep(Graph(nodes, constants), told)


def test_an_average_that_reads_beside_the_update_may_come_in_either_order(rng):
    v, average, g = rng.standard_normal((3, 4), np.float32)
    given = {"v": v}, {"average": average}, {"g": g}, {}
    racing = step()
    assert racing.racing == {"slots/average"}
    for made, seen in ((racing(*given), v), (racing.late(*given), v - np.float32(0.5) * g)):
        expected = average - (average - seen) * np.float32(0.25)
        np.testing.assert_allclose(made["slots"]["average"], expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(made["weights"]["v"], v - np.float32(0.5) * g, rtol=1e-6, atol=1e-6)


def test_an_average_that_an_edge_orders_does_not_race(rng):
    v, average, g = rng.standard_normal((3, 4), np.float32)
    given = {"v": v}, {"average": average}, {"g": g}, {}
    ordered = step("^train")
    assert not ordered.racing
    for made in (ordered(*given), ordered.late(*given)):
        expected = average - (average - (v - np.float32(0.5) * g)) * np.float32(0.25)
        np.testing.assert_allclose(made["slots"]["average"], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("reader", ["Shape", "Rank", "Size"])
def test_what_reads_a_shape_does_not_race(reader):
    assert not step(reader=reader).racing


def clipped_beside_its_update(*order):
    """v moves along g, and is cut off at 1; `order` is what edges put before the cutting."""
    nodes = [
        node("v", "VariableV2"),
        node("v/read", "Identity", "v", *order),
        node("g", "Placeholder"),
        node("rate", "Const"),
        node("train", "ApplyGradientDescent", "v", "rate", "g"),
        node("cut", "Minimum", "v/read", "rate"),
        node("clip", "Assign", "v", "cut", *order),
    ]
    updates = [{"op": "train", "variable": "v"}, {"op": "clip", "variable": "v"}]
    told = {"updates": updates, "side": [], "variables": ["v"], "losses": [], "gradients": {}}
    return GraphStep(Graph(nodes, {"rate": np.float32(1)}), told)


def test_two_writes_of_one_variable_race_unless_an_edge_orders_them():
    assert clipped_beside_its_update().unordered == {"v"}
    assert clipped_beside_its_update("^train").unordered == set()
    assert step().unordered == set()
