"""A live oracle's answers become a trace: every step is asked from its own weights, and segments make a run."""

import numpy as np
import pytest
from textbook import DEPTHS, Book, Noise, Oracle, case, failed, logits_grad, named, program, starts, trace, traced

from parity.compare.comparable import require_comparable
from parity.compare.probe import PROBE
from parity.compare.tensor import digest
from parity.errors import CannotCompare, OracleFailed
from parity.oracle import long_run
from parity.oracle.live import free_run


@pytest.mark.parametrize("units", DEPTHS)
def test_answers_become_a_trace_of_any_depth(rng, units):
    asked = case(rng, program(units))
    reference, begun = traced(Oracle(questions=[]), asked)
    subject = trace("subject", asked.program, asked.data, begun, backwards=True)
    require_comparable(reference, subject)
    assert not failed(reference, subject, {step: Noise(weights, asked.data) for step, weights in begun.items()})
    assert list(reference.steps) == [0, 2, PROBE]
    np.testing.assert_array_equal(
        reference.series["losses"], trace("x", asked.program, asked.data, begun).series["losses"]
    )


def test_steps_start_from_the_free_runs_weights_and_the_probes(rng):
    asked, oracle = case(rng, program()), Oracle(questions=[])
    reference, begun = traced(oracle, asked)
    free = oracle.run(Book(asked.program, asked.data), starts()[0], 0, 3, [0, 2])
    for step in (0, 2):
        for name, array in begun[step].items():
            np.testing.assert_array_equal(array, free[f"{step}/weights/{name}"])
    for step, one in reference.steps.items():
        assert {key: digest(tensor.array) for key, tensor in one.start.items()} == {
            key: digest(array) for key, array in named(begun[step]).items()
        }


def test_the_derivative_handed_over_is_that_of_the_mean_loss(rng):
    asked, oracle = case(rng, program()), Oracle(questions=[])
    _, begun = traced(oracle, asked)
    handed = [question for question in oracle.questions if question.ask["ask"] == "backward"]
    assert len(handed) == len(begun) == 3
    for question, weights in zip(handed, begun.values(), strict=True):
        right = logits_grad(weights, asked.data) / np.float32(60)
        np.testing.assert_array_equal(question.arrays["logits_grad"], right, strict=True)


def test_the_header_says_whose_trace_it_is_and_of_what(rng):
    asked = case(rng, program())
    header = traced(Oracle(questions=[]), asked)[0].header
    assert header["side"] == "reference"
    assert header["who"] == "TensorFlow 1.15.9"
    assert (header["program"], header["program_digest"]) == (asked.program, asked.digest)
    assert (header["images"], header["tests"], header["source"]) == (60, 20, "noise")
    assert header["graph_digest"] == "0" * 64
    assert "graph_digest" not in header["provenance"]
    assert sorted(header["digests"]) == sorted(
        ["train pixels", "train labels", "test pixels", "test labels"]
        + [f"initial {kind}_{i}" for kind in ("weights", "biases") for i in (1, 2)]
    )


@pytest.mark.parametrize("segment", [1, 2, 3, 25])
def test_a_run_in_segments_is_the_run(rng, tmp_path, monkeypatch, segment):
    monkeypatch.setattr(long_run, "SEGMENT", segment)
    asked = case(rng, program(steps=5))
    whole = free_run(Oracle(questions=[]), asked)
    oracle = Oracle(questions=[])
    parts = long_run.long_run(oracle, asked, [0, 3], tmp_path)
    assert len(oracle.questions) == -(-5 // segment)
    for name, array in whole.items():
        np.testing.assert_array_equal(parts[name], array, strict=True)
    right = oracle.run(Book(asked.program, asked.data), starts()[0], 0, 5, [0, 3])
    for key in [key for key in right if key.startswith(("0/", "3/", "test_predictions"))]:
        np.testing.assert_array_equal(parts[key], right[key], strict=True)


def test_a_run_that_broke_off_goes_on_where_it_was(rng, tmp_path, monkeypatch):
    monkeypatch.setattr(long_run, "SEGMENT", 2)
    asked = case(rng, program(steps=6))

    class Tired(Oracle):
        def ask(self, case, questions):
            if len(self.questions) == 2:
                raise OracleFailed("killed")
            return super().ask(case, questions)

    with pytest.raises(OracleFailed):
        long_run.long_run(Tired(questions=[]), asked, [], tmp_path)
    rest = Oracle(questions=[])
    parts = long_run.long_run(rest, asked, [], tmp_path)
    assert [question.ask["first"] for question in rest.questions] == [4]
    np.testing.assert_array_equal(parts["losses"], free_run(Oracle(questions=[]), asked)["losses"])


def test_a_segment_that_is_damaged_is_refused_by_its_name(rng, tmp_path, monkeypatch):
    monkeypatch.setattr(long_run, "SEGMENT", 2)
    asked = case(rng, program(steps=4))
    long_run.long_run(Oracle(questions=[]), asked, [], tmp_path)
    segment = tmp_path / "0002.npz"
    segment.write_bytes(segment.read_bytes()[:-30])
    with pytest.raises(CannotCompare, match=r"0002\.npz is no part of a run \(.*\): remove it, and it is run anew"):
        long_run.long_run(Oracle(questions=[]), asked, [], tmp_path)
    segment.unlink()
    long_run.long_run(Oracle(questions=[]), asked, [], tmp_path)
