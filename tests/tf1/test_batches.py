"""Minibatches against those that input_data gave in genuine TensorFlow 1.15.5, and against their definitions."""

import json
from pathlib import Path

import numpy as np
import pytest

from jaxmlp.tf1 import batches

HERE = Path(__file__).parent
CALLS = json.loads((HERE / "tf115_next_batch.json").read_text())  # three data sets, at random
FAMILY = json.loads((HERE / "tf115_family_vectors.json").read_text())["next_batch"]
SEEDED = {
    "np.random.seed(11) after construction": {"numpy_seed": 11},
    "tf.set_random_seed(11) before construction": {"graph_seed": 11},
    "seed=12": {"seed": 12},
    "shuffle=False": {},
}


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_train_validation_and_test_share_one_generator_as_in_tensorflow(number):
    genuine = CALLS[number]
    seeds = {"seed": genuine["s"], "graph_seed": genuine["gs"], "numpy_seed": genuine["ns"]}
    train, validation, test = genuine["n"]
    sets = batches.read_data_sets(train + validation, test, validation, **seeds)
    for which, size, shuffle, rows, completed in genuine["calls"]:
        assert sets[which].next_batch(size, shuffle).tolist() == rows
        assert sets[which].epochs_completed == completed


@pytest.mark.parametrize("name", SEEDED)
def test_next_batch_gives_the_rows_that_tensorflow_gave(name):
    examples = FAMILY["examples"]
    train = batches.read_data_sets(examples + 5, 5, 5, **SEEDED[name]).train
    rows = train.indices(10, FAMILY["batch_size"], shuffle=name != "shuffle=False")
    assert rows.dtype == np.int32
    assert rows.tolist() == FAMILY["runs"][name]


def test_pixels_are_scaled_to_tensorflows_bits():
    expected = np.frombuffer(bytes.fromhex(FAMILY["pixel_scaling"]), ">f4").astype(np.float32)
    np.testing.assert_array_equal(batches.pixels(np.arange(256, dtype=np.uint8)), expected)


def test_mnist_is_split_into_its_first_5000_images_and_the_others():
    sets = batches.read_data_sets()
    assert [one.num_examples for one in sets] == [55_000, 5_000, 10_000]
    assert sets.train_start == 5_000


def test_every_epoch_has_every_row_once(rng):
    examples, size = int(rng.integers(50, 200)), int(rng.integers(1, 50))
    train = batches.read_data_sets(examples + 3, 3, 3, seed=int(rng.integers(2**31))).train
    rows = train.indices(-(-3 * examples // size), size).reshape(-1)[: 3 * examples].reshape(3, examples)
    assert (np.sort(rows, axis=1) == np.arange(examples)).all()
    assert (rows[0] != rows[1]).any()


def test_sequential_slices_begin_where_udacitys_do(rng):
    examples, size = int(rng.integers(100, 999)), int(rng.integers(1, 99))
    rows = batches.sequential(40, size, examples, first_step=5)
    for step, batch in enumerate(rows, 5):
        offset = (step * size) % (examples - size)
        assert batch.tolist() == list(range(offset, offset + size))


def test_epochs_are_permutations_without_the_incomplete_batch(rng):
    examples, size = int(rng.integers(100, 200)), int(rng.integers(2, 50))
    seed = int(rng.integers(2**31))
    rows = batches.epochs(3, size, examples, np.random.RandomState(seed))
    twin = np.random.RandomState(seed)
    for epoch in np.split(rows, 3):
        np.testing.assert_array_equal(epoch.reshape(-1), twin.permutation(examples)[: epoch.size])
    assert batches.epochs(1, size, examples)[0].tolist() == list(range(size))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: batches.read_data_sets(10, 5, 11), "validation_size = 11"),
        (lambda: batches.read_data_sets(10, 5, 2).train.next_batch(0), "batch_size = 0"),
        (lambda: batches.read_data_sets(10, 5, 2).train.indices(3, 9), "at most num_examples, 8"),
        (lambda: batches.sequential(3, 10, 10), "batch_size = 10"),
        (lambda: batches.epochs(3, 11, 10), "batch_size = 11"),
    ],
)
def test_impossible_batches_are_refused_by_name(call, named):
    with pytest.raises(ValueError, match=named):
        call()
