"""A graph's evaluation: what is constant, which branch lives, when a variable is read, what is told when it cannot."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity.errors import CannotCompare
from parity.subject.graph.evaluation import Evaluation, evaluate
from parity.subject.graph.graph import Graph
from parity.subject.graph.order import Order


def node(name, op, *inputs, where=None, **attributes):
    return {"name": name, "op": op, "inputs": list(inputs), "attributes": attributes, "where": where}


def const(name, dtype):
    return node(name, "Const", dtype=dtype)


def cond(*branches):
    """tf.cond of the fed flag: `branches` make "if_true" and "if_false" of "x"."""
    return [
        node("flag", "Placeholder", dtype="bool"),
        node("x", "Placeholder", dtype="float32"),
        node("at", "Switch", "flag", "flag", T="bool"),
        node("pivot_true", "Identity", "at:1", T="bool"),
        node("pivot_false", "Identity", "at:0", T="bool"),
        node("way", "Switch", "x", "flag", T="float32"),
        *branches,
        node("out", "Merge", "if_false", "if_true", T="float32"),
    ]


DOUBLED = cond(node("if_true", "Add", "way:1", "way:1"), node("if_false", "Neg", "way:0"))
DRAWN = cond(
    const("shape", "int32") | {"inputs": ["^pivot_true"]},
    node("draw", "RandomUniform", "shape", dtype="float32", where="net.py:7"),
    node("if_true", "Mul", "way:1", "draw"),
    node("if_false", "Neg", "way:0"),
)


@pytest.mark.parametrize("flag", [True, False])
def test_a_condition_takes_the_branch_of_its_predicate_traced_or_not(flag, rng):
    graph, x = Graph(DOUBLED, {}), rng.normal(size=5).astype(np.float32)

    def out(flag, x):
        return evaluate(graph, ["out"], {"flag:0": flag, "x:0": x})["out"]

    for made in (out(np.bool_(flag), jnp.asarray(x)), jax.jit(out)(flag, x)):
        np.testing.assert_array_equal(made, 2 * x if flag else -x)
    grad = jax.jit(jax.grad(lambda x: out(jnp.asarray(flag), x).sum()))(x)
    np.testing.assert_array_equal(grad, np.full(5, 2 if flag else -1, np.float32))


def test_a_branch_that_is_not_taken_needs_no_draws(rng):
    graph, x = Graph(DRAWN, {"shape": np.array([3], np.int32)}), rng.normal(size=3).astype(np.float32)
    given = {"x:0": jnp.asarray(x), "flag:0": np.bool_(False)}
    np.testing.assert_array_equal(evaluate(graph, ["out"], given)["out"], -x)
    with pytest.raises(CannotCompare, match=r"draws has no draw:0, which is RandomUniform draw \(net.py:7\)$"):
        evaluate(graph, ["out"], {**given, "flag:0": np.bool_(True)})
    with_draws = {**given, "flag:0": np.bool_(True), "draw:0": jnp.ones(3, jnp.float32)}
    np.testing.assert_array_equal(evaluate(graph, ["out"], with_draws)["out"], x)


def test_a_traced_predicate_that_leads_into_a_branch_without_draws_gives_nan(rng):
    graph, x = Graph(DRAWN, {"shape": np.array([3], np.int32)}), rng.normal(size=3).astype(np.float32)
    out = jax.jit(lambda flag, x: evaluate(graph, ["out"], {"flag:0": flag, "x:0": x})["out"])
    np.testing.assert_array_equal(out(False, x), -x)
    assert np.isnan(out(True, x)).all()


def test_an_unknown_op_is_named_with_its_line_in_one_line():
    graph = Graph([node("x", "Placeholder", dtype="float32"), node("deep/y", "Fft9", "x", where="net.py:12")], {})
    with pytest.raises(CannotCompare, match=r"^Fft9 deep/y \(net.py:12\): this type of op is not known"):
        evaluate(graph, ["deep/y"], {"x": jnp.ones(2)})


def test_what_jax_refuses_is_told_with_the_node():
    nodes = [node("x", "Placeholder"), node("y", "Placeholder"), node("z", "MatMul", "x", "y", where="net.py:3")]
    with pytest.raises(CannotCompare, match=r"^MatMul z \(net.py:3\): .*") as told:
        evaluate(Graph(nodes, {}), ["z"], {"x": jnp.ones((2, 3)), "y": jnp.ones((2, 3))})
    assert "\n" not in str(told.value)


def repeated(turn="Add"):
    """While "x" is below "limit", it is doubled."""
    return [
        node("x", "Placeholder", dtype="float32"),
        node("limit", "Placeholder", dtype="float32"),
        node("in", "Enter", "x", frame_name="loop"),
        node("most", "Enter", "limit", frame_name="loop", is_constant=True),
        node("m", "Merge", "in", "next"),
        node("less", "Less", "m", "most"),
        node("on", "LoopCond", "less"),
        node("way", "Switch", "m", "on"),
        node("turn", turn, "way:1", "way:1"),
        node("next", "NextIteration", "turn"),
        node("out", "Exit", "way:0"),
    ]


def test_a_loop_turns_round_while_its_predicate_holds_and_is_differentiated(rng):
    x = np.float32(rng.uniform(1, 2))
    turns = int(rng.integers(1, 6))
    counted = [
        *(const(name, "int32") for name in ("zero", "one", "turns")),
        node("from", "Enter", "zero", frame_name="loop"),
        node("step", "Enter", "one", frame_name="loop", is_constant=True),
        node("to", "Enter", "turns", frame_name="loop", is_constant=True),
        node("i", "Merge", "from", "next_i"),
        node("below", "Less", "i", "to"),
        node("on", "LoopCond", "below"),
        node("way_i", "Switch", "i", "on"),
        node("more", "Add", "way_i:1", "step"),
        node("next_i", "NextIteration", "more"),
    ]
    others = [one for one in repeated() if one["name"] not in ("limit", "most", "less", "on")]
    graph = Graph([*counted, *others], {"zero": np.int32(0), "one": np.int32(1), "turns": np.int32(turns)})
    out, grad = jax.jit(jax.value_and_grad(lambda x: evaluate(graph, ["out"], {"x:0": x})["out"]))(x)
    assert (out, grad) == (x * 2**turns, 2**turns)


def test_a_loop_whose_end_is_traced_data_is_refused():
    graph = Graph(repeated(), {})
    with pytest.raises(CannotCompare, match=r"^Exit out: when this loop ends depends on data that is traced by JAX"):
        jax.jit(lambda x: evaluate(graph, ["out"], {"x:0": x, "limit:0": np.float32(3)}))(1.0)


def test_a_loop_without_an_end_is_refused():
    given = {"x:0": np.float32(-1), "limit:0": np.float32(3)}
    with pytest.raises(CannotCompare, match=r"^Exit out: it turns round more than 2,000 times"):
        evaluate(Graph(repeated("Maximum"), {}), ["out"], given)


def test_what_lies_inside_a_loop_is_known_in_its_turns_alone():
    given = {"x:0": np.float32(1), "limit:0": np.float32(3)}
    for name in ("m", "turn"):
        with pytest.raises(CannotCompare, match=r"^(Merge m|Enter in) lies inside a while loop"):
            evaluate(Graph(repeated(), {}), [name], given)


def test_what_is_drawn_in_a_loop_is_named():
    shape, draw = const("shape", "int32"), node("draw", "RandomUniform", "shape", dtype="float32", where="net.py:3")
    turn = node("turn", "Add", "way:1", "draw")
    nodes = [shape, draw, *(turn if one["name"] == "turn" else one for one in repeated())]
    given = {"x:0": np.float32(1), "limit:0": np.float32(3)}
    with pytest.raises(
        CannotCompare, match=r"^Exit out: RandomUniform draw \(net.py:3\) lies inside a while loop, where"
    ):
        evaluate(Graph(nodes, {"shape": np.array([], np.int32)}), ["out"], given)


def test_what_a_loop_has_not_filled_is_not_read(rng):
    nodes = [const("n", "int32"), const("i", "int32"), node("array", "TensorArrayV3", "n", dtype="float32")]
    nodes.append(node("read", "TensorArrayReadV3", "array", "i", "array:1", dtype="float32"))
    place = int(rng.integers(0, 3))
    with pytest.raises(CannotCompare, match=f"^TensorArrayReadV3 read: its element {place} is read, and nothing was"):
        evaluate(Graph(nodes, {"n": np.int32(3), "i": np.int32(place)}), ["read"], {})


def test_an_input_that_is_no_node_is_refused():
    with pytest.raises(CannotCompare, match=r"^Neg y has the input x, and the graph has no such node$"):
        Graph([node("y", "Neg", "x")], {})


def test_shapes_of_traced_data_and_what_is_made_of_them_stay_static(rng):
    """As the loss of every old softmax does: reshape by Shape, Slice, ConcatV2 and a constant of -1."""
    nodes = [
        node("x", "Placeholder", dtype="float32"),
        *(const(name, "int32") for name in ("one", "begin", "size", "minus", "axis")),
        node("shape", "Shape", "x", out_type="int32"),
        node("rank", "Rank", "x"),
        node("last", "Sub", "rank", "one"),
        node("start", "Pack", "last", N=1, axis=0),
        node("classes", "Slice", "shape", "start", "size"),
        node("flat", "ConcatV2", "minus", "classes", "axis", N=2),
        node("out", "Reshape", "x", "flat"),
    ]
    values = {"one": np.int32(1), "begin": np.array([1], np.int32), "size": np.array([1], np.int32)}
    values |= {"minus": np.array([-1], np.int32), "axis": np.int32(0)}
    graph, x = Graph(nodes, values), rng.normal(size=(2, 3, 4)).astype(np.float32)
    out = jax.jit(lambda x: evaluate(graph, ["out"], {"x": x})["out"])(x)
    np.testing.assert_array_equal(out, x.reshape(6, 4))


def test_a_shape_that_depends_on_traced_data_is_told_and_known_data_is_enough(rng):
    nodes = [node("n", "Placeholder"), node("zero", "Const", dtype="float32"), node("out", "Fill", "n", "zero")]
    graph = Graph(nodes, {"zero": np.float32(0)})
    assert evaluate(graph, ["out"], {"n": np.array([2, 3], np.int32)})["out"].shape == (2, 3)
    with pytest.raises(CannotCompare, match=r"^Fill out: its shape depends on data that is traced"):
        jax.jit(lambda n: evaluate(graph, ["out"], {"n": n})["out"])(np.array([2, 3], np.int32))


WRITES = [
    node("v", "VariableV2", dtype="float32"),
    node("v/read", "Identity", "v", T="float32"),
    const("one", "float32"),
    node("early", "Mul", "v/read", "one"),
    node("rise", "AssignAdd", "v", "one"),
    node("late", "Mul", "v/read", "one", "^rise"),
    node("again", "AssignAdd", "v", "late", "^late"),
    node("r", "VarHandleOp", dtype="float32"),
    node("r/before", "ReadVariableOp", "r", dtype="float32"),
    node("r/add", "AssignAddVariableOp", "r", "one", dtype="float32"),
    node("r/after", "ReadVariableOp", "r", "^r/add", dtype="float32"),
    node("r/old", "Mul", "r/before", "one", "^r/add"),
]


def test_a_variable_is_read_as_the_edges_order_it():
    variables = {"v": jnp.float32(10), "r": jnp.float32(5)}
    with jax.enable_x64(True):
        graph = Graph(WRITES, {"one": np.float32(1)})
        run = Evaluation(graph, {}, variables, Order(graph, ["rise", "again", "r/add"]))
        found = run.values(["early", "late", "r/before", "r/after", "r/old"])
        after = [run.after("v"), run.after("r")]
    # A reference shows what is there when it is used; a resource what was there when it was read.
    assert [float(one) for one in found] == [10, 11, 5, 6, 5]
    assert [float(one) for one in after] == [22, 6]


def test_whole_numbers_stay_64_bits_wide_in_a_jitted_caller_too():
    nodes = [node("i", "Placeholder"), const("one", "int64"), node("out", "AddV2", "i", "one")]
    graph = Graph(nodes, {"one": np.int64(1)})
    made = evaluate(graph, ["out"], {"i": np.asarray(2**40, np.int64)})["out"]
    assert (int(made), made.dtype) == (2**40 + 1, np.int64)


def test_a_deep_graph_needs_no_deep_stack():
    nodes = [node("n0", "Placeholder"), *(node(f"n{i}", "Neg", f"n{i - 1}") for i in range(1, 3001))]
    assert float(evaluate(Graph(nodes, {}), ["n3000"], {"n0": np.float32(3)})["n3000"]) == 3
