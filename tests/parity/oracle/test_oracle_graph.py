"""TensorFlow builds and seeds the graph of any depth, and computes what the textbook does; 1.15.5 and 2.x alike."""

import itertools

import numpy as np
import pytest
from textbook import CLASSES, DEPTHS, Noise, case, data, failed, program, trace, traced

from jaxmlp.program import Adam, Batching, Dense, NaiveCrossEntropy, Program, SparseSoftmaxCrossEntropy
from jaxmlp.tf1.op_seeds import of_perceptron
from jaxmlp.tf1.random import stream, truncated_normal
from parity.compare.archive import read_arrays
from parity.compare.comparable import require_comparable
from parity.compare.rules import rule_of
from parity.compare.tiers import own_rule
from parity.errors import OracleFailed
from parity.oracle import recording
from parity.oracle.ask import Case, Question
from parity.oracle.stepwise import consecutive, consecutive_all

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


@pytest.mark.parametrize("file", [recording.path(0), recording.path(1), recording.path(2)], ids=lambda file: file.stem)
def test_the_originals_graph_is_the_one_that_was_recorded(tf115, rng, file):
    recorded = read_arrays(file)[0]
    for fields in (recorded["program"], Program.from_dict(recorded["program"]).as_dict()):
        asked = case(rng, fields, images=2, tests=2, pixels=784)
        assert tf115.ask(asked, INIT).provenance["graph_digest"] == recorded["graph_digest"]


def of(program, rng, **sizes):
    """A case of a program of any kind."""
    return Case(program.as_dict(), program.digest(), data(rng, **sizes), CLASSES, "noise")


SMALL = Program((Dense(7),), steps=3, report_every=1, scale=255)


def test_a_program_that_fails_is_told_and_harms_no_other(oracle, rng):
    good, bad = of(SMALL, rng), of(Program((), loss=SparseSoftmaxCrossEntropy(), report_every=1), rng)
    bad.data["train_labels"][3] = CLASSES  # the kernel of 1.15 refuses it
    first, error, third = consecutive_all(oracle, [good, bad, good], 3)
    assert isinstance(error, OracleFailed)
    assert "InvalidArgumentError" in str(error)
    np.testing.assert_array_equal(first.series["losses"], third.series["losses"])
    np.testing.assert_array_equal(first.series["losses"], consecutive(oracle, good, 3).series["losses"])
    with pytest.raises(OracleFailed, match=r"does not run this program: InvalidArgumentError: [^\n]*$"):
        consecutive(oracle, bad, 1)


def test_a_loss_that_is_no_number_is_an_answer(oracle, rng):
    steep = of(Program((), loss=NaiveCrossEntropy(), steps=2, report_every=1), rng)  # of logits in the hundreds
    assert np.isnan(consecutive(oracle, steep, 2).series["losses"]).all()


def test_a_program_that_remembers_is_not_taken_up_in_the_middle(oracle, rng):
    middle = Question({"ask": "run", "first": 1, "steps": 1, "report_every": 1, "weights_at": []})
    for remembers in (Program((), optimizer=Adam()), Program((Dense(7, keep_prob=0.5),))):
        with pytest.raises(OracleFailed, match="only weights can be carried on"):
            oracle.ask(of(remembers, rng), [middle])
    oracle.ask(of(Program((), batching=Batching(6)), rng), [middle])


def test_a_program_whose_reports_are_not_settled_is_refused(oracle, rng):
    with pytest.raises(OracleFailed, match="report_every: None; it must be a number of steps"):
        consecutive(oracle, of(Program((), report_every=None), rng), 1)


def test_a_trace_says_whose_it_is_and_of_what(oracle, rng):
    asked = of(SMALL, rng)
    one = consecutive(oracle, asked, 2)
    assert one.header["side"] == "reference"
    assert one.header["program_digest"] == asked.digest
    assert one.header["provenance"]["oracle"] == oracle.name
    assert list(one.steps) == [0, 1]
    initial = {name for name in one.header["digests"] if name.startswith("initial")}
    assert initial == {f"initial {kind}_{i}" for kind in ("weights", "biases") for i in (1, 2)}
    assert {key.split("/")[0] for key in one.steps[1].start} == {"weights", "rate", "step"}
