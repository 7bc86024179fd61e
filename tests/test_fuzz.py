"""Damaged files: a few for every reader by chance, and all that once were bugs. `python -m tests.fuzz` tries more."""

import random

import pytest
from durability import counted
from fuzz import Bug, kept, mutated, tried
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readers import READERS, Reader

every_reader = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@every_reader
@pytest.mark.durability_too
def test_a_damaged_file_is_taken_or_refused_in_one_line(reader, tmp_path):
    seeds = reader.seeds(tmp_path / "seeds")

    @FEW
    @given(st.randoms(use_true_random=False), st.sampled_from(seeds))
    def holds(chance, seed):
        counted("a damaged file for a reader")
        tried(reader, mutated(chance, seed), tmp_path / "tried")

    holds()


@every_reader
@pytest.mark.durability_too
def test_a_whole_file_is_taken_and_what_once_was_a_bug_is_none(reader, tmp_path):
    for seed in reader.seeds(tmp_path / "seeds"):
        assert tried(reader, seed, tmp_path / "tried")
    for content in kept(reader):
        counted("a file that once was a bug")
        tried(reader, content, tmp_path / "tried")


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda file: {}["x"], "KeyError"),
        (lambda file: (_ for _ in ()).throw(ValueError("two\nlines")), "refused in other than one line"),
        (lambda file: file.read_bytes(), "written and read again it is another"),
    ],
)
def test_what_no_reader_may_do_is_noticed(read, said, tmp_path):
    reader = Reader("x", "x", lambda _: [b""], read, (ValueError,), lambda value, _: value + b"x")
    with pytest.raises(Bug, match=said):
        tried(reader, b"content", tmp_path)


def test_what_is_tried_is_often_another_file_and_comes_again_with_its_seed():
    chance, content = random.Random(1), b'{"a": [1, 2.5, {"b": null}], "c": "text"}'
    found = [mutated(chance, content) for _ in range(300)]
    assert len(set(found)) > 150
    assert found[0] == mutated(random.Random(1), content)
