"""Op seeds against those of graphs that genuine TensorFlow 1.15.5 made: thirty chosen at random, and the usual ones."""

import json
from pathlib import Path

import pytest

from jaxmlp.tf1 import op_seeds
from jaxmlp.tf1.op_seeds import Graph

HERE = Path(__file__).parent
RANDOM_GRAPHS = json.loads((HERE / "tf115_op_seeds.json").read_text())
FAMILY = json.loads((HERE / "tf115_family_vectors.json").read_text())["op_seeds"]


def _seeds(graph: Graph, plan) -> list[int]:
    made = [getattr(graph, method)(*args, **kwargs) for method, args, kwargs in plan]
    flat = [seed for one in made for seed in (one if isinstance(one, tuple) else [one])]
    return [seed for seed in flat if seed is not None]


@pytest.mark.parametrize("number", range(len(RANDOM_GRAPHS)))
def test_a_graph_of_anything_has_the_seeds_and_the_length_it_had_in_tensorflow(number):
    genuine, graph = RANDOM_GRAPHS[number], Graph()
    assert _seeds(graph, genuine["plan"]) == genuine["seeds"]
    assert graph.ops == genuine["ops"]


def _two_placeholders(plan) -> list:
    return [("make", ("placeholder",) * 2, {}), *plan]


def _draw(kind, *rest):
    return ("variable", (kind, [784, 256]), {}), *(("variable", (one, 256), {}) for one in rest)


def _dense(units, activation=None):
    return "dense", (784, units, activation), {}


KERAS = [("make", ("placeholder", "flatten"), {}), ("keras_dense", (784, 128, "relu"), {})]
KERAS += [("keras_dropout", (True,), {}), ("keras_dense", (128, 10, "softmax"), {})]
PLANS = {
    "3 weights then 3 biases": _two_placeholders(_draw("random_normal") * 6),
    "b Variable(zeros), twice": _two_placeholders(_draw("truncated_normal", "zeros") * 2),
    "b Variable(constant(.1,shape)), twice": _two_placeholders(_draw("truncated_normal", "constant") * 2),
    "layers.dense relu, relu, linear": _two_placeholders([_dense(256, "relu"), _dense(256, "relu"), _dense(10)]),
    "layers.dropout(training=True)": _two_placeholders(
        [_dense(256, "relu"), ("layers_dropout", (True,), {}), _dense(256, "relu"), _dense(10)]
    ),
    "get_variable w1, b1 zeros_initializer, w2": _two_placeholders(
        [*_draw("glorot_uniform", "zeros"), *_draw("glorot_uniform")]
    ),
    "dropout(relu(matmul+b), kp)": [
        ("make", ("placeholder",) * 3, {}),
        *_draw("truncated_normal", "zeros"),
        ("make", ("matmul", "add", "relu"), {}),
        ("dropout", ("keep_prob",), {}),
        *_draw("truncated_normal"),
    ],
    "keras Sequential": KERAS,
    "contrib fully_connected x3": _two_placeholders([_dense(256, "relu")] * 3),
}


@pytest.mark.parametrize("name", PLANS)
def test_common_programs_have_the_seeds_they_had_in_tensorflow(name):
    (genuine,) = [seeds for program, seeds in FAMILY["programs"].items() if name in program]
    assert _seeds(Graph(), PLANS[name]) == [seed2 for _, _, seed2 in genuine]


def test_the_originals_weights_have_the_seeds_its_graph_gave_them():
    assert op_seeds.of_perceptron([1024, 10]) == [21, 39]
    assert op_seeds.of_perceptron([999, 10]) == [21, 37]


@pytest.mark.parametrize(
    "call",
    [
        lambda graph: graph.make("placeholdr"),
        lambda graph: graph.draw("gamma"),
        lambda graph: graph.variable("nought", 3),
        lambda graph: graph.dense(3, 4, "swish"),
        lambda graph: graph.dense(3, 4, regularizer="l3"),
        lambda graph: graph.dropout("prob"),
        lambda graph: graph.layers_dropout("placeholder"),
        lambda graph: graph.batch_normalization(3, "placeholder"),
    ],
)
def test_name_it_does_not_know_is_refused_with_those_it_does(call):
    with pytest.raises(ValueError, match=r"op_seeds knows no .*; it knows "):
        call(Graph())
