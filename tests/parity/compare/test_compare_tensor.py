"""Sketches show every difference, codes give the same bits everywhere, and a digest is equal for equal bits only."""

import hashlib

import numpy as np
import pytest

from parity.compare.probe import probe_weights
from parity.compare.tensor import Coded, Whole, digest, sample, sketch
from parity.compare.trace import cut, data_digests, header, step_name


def test_one_changed_element_shows_in_a_sketch(rng):
    array = rng.normal(size=(300, 40)).astype(np.float32)
    kept = sketch(array, sample(3, 300))
    assert kept.difference_norm(array) == 0
    changed = array.copy()
    changed[tuple(rng.integers(array.shape))] += 1
    assert kept.difference_norm(changed) == pytest.approx(1, rel=1e-6)


def test_a_sketch_estimates_a_differences_norm_to_a_few_percent(rng):
    array = rng.normal(size=(500, 100)).astype(np.float32)
    other = array + rng.normal(size=array.shape).astype(np.float32) * 1e-3
    kept = sketch(array, sample(3, 500))
    assert kept.difference_norm(other) == pytest.approx(Whole(array).difference_norm(other), rel=0.1)
    assert kept.norm() == pytest.approx(Whole(array).norm(), rel=0.1)


def test_a_sketch_knows_its_rows_exactly_and_nothing_of_the_others(rng):
    array = rng.normal(size=(50, 4)).astype(np.float32)
    kept = sketch(array, rows := sample(5, 50))
    np.testing.assert_array_equal(kept.array[rows], array[rows])
    assert np.isnan(np.delete(kept.array, rows, axis=0)).all()
    assert len(sample(5, 3)) == 3


def test_a_sketch_of_known_numbers_is_the_same_on_every_machine_and_day():
    kept = sketch(np.arange(60, dtype=np.float32).reshape(20, 3), sample(3, 20), buckets=8)
    assert kept.rows.tolist() == [14, 15, 17]
    assert kept.sums.tolist() == [85, 101, 8, 49, 61, -88, 51, -31]


@pytest.mark.parametrize("shape", [(50, 20), (30,)])
def test_coded_weights_lie_within_half_a_code(rng, shape):
    start = rng.normal(size=shape).astype(np.float32)
    there = start + rng.normal(size=shape).astype(np.float32) * 1e-2
    coded = Coded.of(start, there)
    assert np.abs(coded.codes).max() == 127
    assert (coded.array.dtype, coded.codes.dtype, coded.array.shape) == (np.float32, np.int8, shape)
    scale = coded.scale.reshape(-1, *[1] * (len(shape) - 1))
    assert (np.abs(coded.array - there) <= 0.5001 * scale + 1e-7).all()


def test_a_row_that_has_not_moved_stays_to_the_bit(rng):
    start = rng.normal(size=(6, 5)).astype(np.float32)
    there = start.copy()
    there[1:] += 1
    np.testing.assert_array_equal(Coded.of(start, there).array[0], start[0])


def test_a_digest_tells_shape_dtype_order_and_sign_of_zero_apart():
    zero = np.zeros(1, np.float32)
    others = [zero[0], zero[None], -zero, zero.astype(np.int32), zero.astype(">f4"), zero[:0]]
    assert len({digest(array) for array in [zero, *others]}) == 7
    turned = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert digest(turned) == digest(np.ascontiguousarray(turned)) != digest(turned.T)
    assert digest(zero) == hashlib.sha256(b"<f4 (1,) " + bytes(4)).hexdigest()


def test_the_probe_has_the_bits_it_always_had():
    weights = probe_weights((784, 1024, 10))
    told = hashlib.sha256("".join(map(digest, weights.values())).encode()).hexdigest()
    assert list(weights) == ["weights_1", "biases_1", "weights_2", "biases_2"]
    assert told == "f16ece89310db0dfd60b3042b08581794eb33237b9129cff143416fa0bc7da72"


def test_the_probe_of_a_deep_network_has_every_layers_inputs_near_one(rng):
    widths = (784, 300, 200, 10)
    weights = probe_weights(widths)
    fed = rng.normal(size=(50, 784)) * 2500 / 28
    for i in (1, 2, 3):
        assert weights[f"weights_{i}"].shape == widths[i - 1 : i + 1]
        z = fed @ weights[f"weights_{i}"] + weights[f"biases_{i}"]
        assert 0.3 < z.std() < 3
        fed = np.maximum(z, 0)
    assert len({digest(array) for array in weights.values()}) == 6


def test_a_series_is_cut_with_its_tests():
    series = {name: np.arange(5) for name in ("losses", "corrects")}
    series |= {"test_steps": np.array([0, 2, 4]), "test_corrects": np.array([7, 8, 9])}
    kept = {name: array.tolist() for name, array in cut(series, 4).items()}
    assert kept == {"losses": [0, 1, 2, 3], "corrects": [0, 1, 2, 3], "test_steps": [0, 2], "test_corrects": [7, 8]}


def test_steps_and_digests_are_named_for_a_reader():
    assert (step_name(-1), step_name(3)) == ("the probe", "step 3")
    data = {name: np.zeros(i) for i, name in enumerate(("train_images", "train_labels", "test_images", "test_labels"))}
    assert list(data_digests(data)) == ["train pixels", "train labels", "test pixels", "test labels"]
    assert len(set(data_digests(data).values())) == 4
    digests = header("subject", "x", {}, data, {"weights_3": np.zeros(1)})["digests"]
    assert list(digests) == [*data_digests(data), "initial weights_3"]
