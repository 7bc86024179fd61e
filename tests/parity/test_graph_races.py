"""Reads that no edge orders beside a write: found, told by what depends on them, and computed in either order."""

import numpy as np
import pytest

from parity.subject.graph.graph import Graph
from parity.subject.graph.orders import Orders
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


def given(rng):
    v, average, g = rng.standard_normal((3, 4), np.float32)
    return {"v": v}, {"average": average}, {"g": g}, {}


def followed(average, seen):
    return average - (average - seen) * np.float32(0.25)


def test_an_average_that_reads_beside_the_update_may_come_in_either_order(rng):
    weights, slots, batch, _ = start = given(rng)
    moved = weights["v"] - np.float32(0.5) * batch["g"]
    orders = Orders(step(), {})
    assert set(orders.racing) == {"slots/average"}
    assert "no edge orders Sub apart and ApplyGradientDescent train" in orders.racing["slots/average"]
    (pair,) = orders.deciding("slots/average")
    for turned, seen in (([], weights["v"]), ([pair], moved)):
        made = orders.taken(turned, *start)
        np.testing.assert_allclose(made.value("slots/average"), followed(slots["average"], seen), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(made.value("weights/v"), moved, rtol=1e-6, atol=1e-6)
    assert orders.usual() == [frozenset(), frozenset([pair])]


def test_an_average_that_an_edge_orders_does_not_race(rng):
    weights, slots, batch, _ = start = given(rng)
    ordered = Orders(step("^train"), {})
    assert not ordered.racing
    assert not ordered.races.pairs
    expected = followed(slots["average"], weights["v"] - np.float32(0.5) * batch["g"])
    np.testing.assert_allclose(ordered.taken([], *start).value("slots/average"), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("reader", ["Shape", "Rank", "Size"])
def test_what_reads_a_shape_does_not_race(reader):
    assert not Orders(step(reader=reader), {}).racing


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
    assert [tuple(pair) for pair in clipped_beside_its_update().races.writes()] == [("train", "clip")]
    assert not clipped_beside_its_update("^train").races.writes()
    assert not step().races.writes()


def test_every_order_of_two_racing_writes_that_goes_without_a_circle_is_possible(rng):
    v, g = np.float32([0.5, 3]), np.float32([-2, 1])
    orders = Orders(clipped_beside_its_update(), {})
    writes, read = orders.races.pairs
    assert (tuple(writes), tuple(read)) == (("train", "clip"), ("cut", "train"))
    found = {}
    for turned in ([], [writes], [read], [writes, read]):
        if orders.races.possible(orders.races.pairs, turned):
            found[tuple(turned)] = orders.taken(turned, {"v": v}, {}, {"g": g}, {}).value("weights/v").tolist()
    cut, late = [0.5, 1], [1, 1]  # of v; of v - g
    assert found == {(): cut, (writes,): [2.5, 0], (read,): late}
