"""Which images each step sees: every order is TensorFlow programs' own, from the program's seed."""

import itertools

import numpy as np
import pytest

from jaxmlp import minibatches
from jaxmlp.errors import ConfigError
from jaxmlp.program import ORDERS, Batching, Program
from jaxmlp.tf1 import batches

IMAGES = 103


def _rows(program: Program, steps: int) -> np.ndarray:
    return np.stack(list(itertools.islice(minibatches.rows(program, IMAGES), steps)))


def test_without_batches_a_step_takes_all_images_in_their_order():
    np.testing.assert_array_equal(_rows(Program(), 2), [np.arange(IMAGES)] * 2)


def test_next_batch_is_input_datas_from_the_graph_seed_across_blocks(rng, monkeypatch):
    monkeypatch.setattr(minibatches, "BLOCK", 4)
    seed, validation = int(rng.integers(2**31)), int(rng.integers(0, 50))
    data_set = batches.read_data_sets(IMAGES, 10, validation, graph_seed=seed).train
    ours = _rows(Program(seed=seed, batching=Batching(10, "next_batch", validation)), 25)
    np.testing.assert_array_equal(ours, data_set.indices(25, 10) + validation)


@pytest.mark.parametrize("order", ["shuffled", "in_order"])
def test_an_epoch_has_each_image_once_but_for_an_incomplete_batch(rng, order):
    epochs = _rows(Program(seed=int(rng.integers(99)), batching=Batching(10, order, 3)), 30).reshape(3, -1)
    for epoch in epochs:
        assert len(set(epoch)) == 100
        assert epoch.min() >= 3
    assert np.array_equal(epochs[0], epochs[1]) == (order == "in_order")


def test_sequential_slices_go_round_as_the_course_takes_them(monkeypatch):
    monkeypatch.setattr(minibatches, "BLOCK", 4)
    starts = _rows(Program(batching=Batching(10, "sequential", 3)), 12)[:, 0]
    np.testing.assert_array_equal(starts, [3 + step * 10 % 90 for step in range(12)])


@pytest.mark.parametrize("order", ORDERS)
def test_a_seed_repeats_its_rows_and_a_batch_beyond_the_set_is_refused(rng, order):
    program = Program(seed=int(rng.integers(99)), batching=Batching(7, order))
    np.testing.assert_array_equal(_rows(program, 40), _rows(program, 40))
    with pytest.raises(ConfigError, match="batch_size = 104"):
        next(minibatches.rows(Program(batching=Batching(104, order)), IMAGES))
