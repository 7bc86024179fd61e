"""TensorFlow builds and seeds the graph of any depth, and computes what the textbook does; 1.15.5 and 2.x alike."""

import itertools

import numpy as np
import pytest
from textbook import DEPTHS, Noise, case, failed, program, trace, traced

from jaxmlp.tf1.op_seeds import of_perceptron
from jaxmlp.tf1.random import stream, truncated_normal
from parity.compare.comparable import require_comparable
from parity.compare.rules import rule_of
from parity.compare.tiers import own_rule
from parity.oracle.ask import Question

INIT = [Question({"ask": "init"})]


@pytest.fixture(params=["tf115", "compat"])
def oracle(request):
    """Either TensorFlow that is here."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("units", DEPTHS)
def test_tensorflow_computes_what_the_textbook_computes(oracle, rng, units):
    asked = case(rng, program(units, seed=int(rng.integers(2**31))))
    reference, begun = traced(oracle, asked)
    subject = trace("subject", asked.program, asked.data, begun)
    require_comparable(reference, subject)
    assert not failed(reference, subject, {step: Noise(weights, asked.data) for step, weights in begun.items()})
    assert all(check.passed for check in own_rule(reference, rule_of(asked.program)))
    np.testing.assert_allclose(subject.series["losses"], reference.series["losses"], rtol=1e-4)
    np.testing.assert_array_equal(subject.series["test_steps"], reference.series["test_steps"])


@pytest.mark.parametrize("units", [(), (300,), (1024,), (7, 1000, 5)])
def test_weights_are_drawn_from_the_op_seeds_that_1_15_finds(oracle, rng, units, monkeypatch):
    monkeypatch.setenv("TF2_BEHAVIOR", "1")  # as an import of TensorFlow 2 leaves it behind
    seed = int(rng.integers(2**31))
    asked = case(rng, program(units, seed), images=2, tests=2, pixels=50)
    answers = oracle.ask(asked, INIT)
    seeds = of_perceptron([*units, 10])
    assert answers.provenance["op_seeds"] == [[seed, op_seed] for op_seed in seeds]
    kernels = [layer["kernel"]["stddev"] for layer in (*asked.program["layers"], asked.program["output"])]
    widths = itertools.pairwise([50, *units, 10])
    for i, (shape, op_seed, stddev) in enumerate(zip(widths, seeds, kernels, strict=True), 1):
        drawn = truncated_normal(shape, stream(seed, op_seed), stddev=stddev)
        np.testing.assert_array_equal(answers.arrays[0][f"weights/weights_{i}"], drawn, strict=True)
        np.testing.assert_array_equal(answers.arrays[0][f"weights/biases_{i}"], np.zeros(shape[1], np.float32))


def test_each_tensorflow_says_which_it_is(tf115, compat, rng):
    asked = case(rng, program(), images=2, tests=2)
    genuine, told = (one.ask(asked, INIT).provenance for one in (tf115, compat))
    assert genuine["tensorflow"] == "1.15.5"
    assert told["tensorflow"].startswith("2.")
    assert genuine["op_seeds"] == told["op_seeds"]


def test_a_graphs_digest_is_of_the_program_and_not_of_the_data(compat, rng):
    def digest(asked):
        return compat.ask(asked, INIT).provenance["graph_digest"]

    right = digest(case(rng, program()))
    assert digest(case(rng, program(steps=7), images=5)) == right
    faster = {**program(), "optimizer": {"learning_rate": 2e-4}}
    wider = {**program(), "output": {"kernel": {"stddev": 0.5}}}
    others = [program(seed=4), program((35,)), program((12, 9)), program(()), faster, wider]
    assert len({right, *(digest(case(rng, other)) for other in others)}) == 7
