"""What float64 says honest float32 may do: how far from the ReLU's kink a unit may still come out either sign."""

import itertools

import numpy as np
import pytest

from jaxmlp.data.dataset import Split
from parity.noise.float64 import softmax, truth


def in_order(fed, weights):
    """float32, one product after the other."""
    sums = np.zeros((len(fed), weights.shape[1]), np.float32)
    for values, row in zip(fed.T.astype(np.float32), weights, strict=True):
        sums += values[:, None] * row
    return sums


def in_blocks(fed, weights):
    """float32, sums of 64 products each added up."""
    fed = fed.astype(np.float32)
    blocks = [fed[:, i : i + 64] @ weights[i : i + 64] for i in range(0, fed.shape[1], 64)]
    return np.sum(blocks, axis=0, dtype=np.float32)


def normal(rng, *widths, stddevs=None):
    """float32 weights and zero biases by name."""
    weights = {}
    for i, shape in enumerate(itertools.pairwise(widths), 1):
        stddev = 1.0 if stddevs is None else stddevs[i - 1]
        weights[f"weights_{i}"] = rng.normal(0, stddev, shape).astype(np.float32)
        weights[f"biases_{i}"] = np.zeros(shape[1], np.float32)
    return weights


def inputs_of(weights, images, layer=1):
    """A hidden layer's inputs and their scales of rounding, [n, units]."""
    split = Split(images, np.zeros(len(images), np.uint8))
    parts = list(truth(weights, split).inputs_of(layer, np.arange(len(images))))
    return tuple(np.concatenate(some) for some in zip(*parts, strict=True))


@pytest.mark.parametrize("summed", [in_order, in_blocks])
@pytest.mark.parametrize("ink", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("bias", [0.0, 1.0], ids=["no bias", "a bias as large as the sum"])
def test_rounding_near_the_kink_is_a_fifth_of_its_scale_whatever_the_ink(rng, summed, ink, bias):
    pixels = rng.integers(1, 256, (300, 784), dtype=np.uint8) * (rng.random((300, 784)) < ink)
    weights = normal(rng, 784, 600, 10)
    biases_1 = (bias * np.linalg.norm(pixels, axis=1).mean() * rng.normal(size=600)).astype(np.float32)
    exact, scale = inputs_of({**weights, "biases_1": biases_1}, pixels.astype(np.uint8))
    near = np.abs(exact) < 4e5 * scale
    errors = np.abs(summed(pixels, weights["weights_1"]) + biases_1 - exact) / scale
    assert 0.05 < np.sqrt(np.mean(errors[near] ** 2)) < 0.3
    assert errors[near].max() < 3
    if bias:  # where it outweighs the weights, their scale alone would be too small
        outweighed = near & (np.abs(biases_1) > 2 * np.linalg.norm(pixels.astype(np.float64), axis=1)[:, None])
        assert outweighed.any()
        assert np.sqrt(np.mean(errors[outweighed] ** 2)) < 0.35


@pytest.mark.parametrize("summed", [in_order, in_blocks])
def test_what_the_first_layer_rounded_counts_in_the_second(rng, summed):
    pixels = rng.integers(0, 256, (200, 784), dtype=np.uint8)
    weights = normal(rng, 784, 300, 200, 10, stddevs=(1.0, 0.1, 1.0))
    exact, scale = inputs_of(weights, pixels, layer=2)
    hidden = np.maximum(summed(pixels, weights["weights_1"]), 0)
    near = np.abs(exact) < 1e5 * scale
    errors = (np.abs(summed(hidden, weights["weights_2"]) - exact) / scale)[near]
    assert 0.05 < np.sqrt(np.mean(errors**2)) < 0.35  # 0.27 to 0.30 in order
    assert errors.max() < 3


def test_the_kink_distance_is_that_of_the_farthest_unit_that_differs(rng):
    weights, images = normal(rng, 30, 7, 4), rng.integers(1, 256, (5, 30), dtype=np.uint8)
    found, differs = truth(weights, Split(images, np.zeros(5, np.uint8))), np.zeros((3, 7), bool)
    rows = np.array([1, 3, 4])
    assert found.kink_distance(1, rows, differs) == 0
    differs[1, 2] = differs[1, 4] = True
    z, scale = inputs_of(weights, images)
    distances = np.abs(z[3]) / scale[3]
    assert found.kink_distance(1, rows, differs) == pytest.approx(distances[[2, 4]].max())


def test_a_blank_image_has_no_rounding_to_hide_behind(rng):
    weights = {**normal(rng, 30, 7, 4), "biases_1": np.ones(7, np.float32)}
    found = truth(weights, Split(np.zeros((1, 30), np.uint8), np.zeros(1, np.uint8)))
    assert found.kink_distance(1, np.array([0]), np.ones((1, 7), bool)) == np.inf


def forward(weights, x):
    """Inputs of the hidden layers, what every layer is fed, and logits, float64, as a textbook has them."""
    layers = len(weights) // 2
    fed, inputs = [x.astype(np.float64)], []
    for i in range(1, layers + 1):
        inputs.append(fed[-1] @ weights[f"weights_{i}"].astype(np.float64) + weights[f"biases_{i}"])
        fed.append(np.maximum(inputs[-1], 0))
    return inputs[:-1], fed[:-1], inputs[-1]


@pytest.mark.parametrize("widths", [(9,), (9, 6), ()])
def test_ties_are_the_norms_of_the_jacobians(rng, widths):
    """Each image's Jacobian of the logits by every tensor, from finite differences."""
    weights = normal(rng, 12, *widths, 4, stddevs=[0.01] + [0.3] * len(widths))
    images, labels = rng.integers(0, 256, (6, 12), dtype=np.uint8), rng.integers(0, 4, 6).astype(np.uint8)
    found = truth(weights, Split(images, labels))
    p = softmax(forward(weights, images)[2])
    kappa, step = (p * (1 - p)).max(axis=1), 1e-9  # so short that no unit crosses its kink
    for name, array in weights.items():
        wide = {key: value.astype(np.float64) for key, value in weights.items()}
        columns = []
        for element in np.ndindex(array.shape):
            moved = {key: value.copy() for key, value in wide.items()}
            moved[name][element] += step
            columns.append((forward(moved, images)[2] - forward(wide, images)[2]) / step)
        norms = np.linalg.norm(np.stack(columns, axis=-1), ord=2, axis=(1, 2))
        assert found.ties[name] == pytest.approx(np.mean(kappa * norms), rel=1e-4)


def test_a_unit_on_the_kink_is_allowed_what_it_puts_into_every_gradient_before_it(rng):
    """One unit of the second hidden layer sits on its kink: the gradient with it on and off, in float64."""
    weights = normal(rng, 12, 8, 5, 4, stddevs=(0.01, 0.3, 0.3))
    weights["weights_1"] = np.abs(weights["weights_1"])  # or chance may leave the second layer nothing to round
    images, labels = rng.integers(1, 256, (1, 12), dtype=np.uint8), np.zeros(1, np.uint8)
    inputs, fed, logits = forward(weights, images)
    weights["biases_2"][3] = -np.float32(inputs[1][0, 3])  # … to within what float32 holds
    inputs, fed, logits = forward(weights, images)
    back = softmax(logits) - np.eye(4)[labels]
    sent = back @ weights["weights_3"].astype(np.float64).T * (np.arange(5) == 3)
    before = sent @ weights["weights_2"].astype(np.float64).T * (inputs[0] > 0)
    found = truth(weights, Split(images, labels))
    lengths = [np.linalg.norm(one) for one in fed]
    assert found.kinks["biases_2"] == pytest.approx(np.linalg.norm(sent), rel=1e-3)
    assert found.kinks["weights_2"] == pytest.approx(np.linalg.norm(sent) * lengths[1], rel=1e-3)
    assert found.kinks["biases_1"] == pytest.approx(np.linalg.norm(before), rel=1e-3)
    assert found.kinks["weights_1"] == pytest.approx(np.linalg.norm(before) * lengths[0], rel=1e-3)
    assert found.kinks["weights_3"] == 0


def test_near_ties_are_the_images_whose_label_is_within_the_error_of_another_class():
    weights = {"weights_1": np.array([[1.0, 1.1, 3.0]], np.float32), "biases_1": np.zeros(3, np.float32)}
    found = truth(weights, Split(np.full((3, 1), 10, np.uint8), np.array([0, 1, 2], np.uint8)))
    assert found.largest_logit == 30
    assert [found.near_ties(delta) for delta in (9.0, 9.6, 10.1)] == [0, 2, 3]


def test_summation_is_what_float32_loses_that_adds_up_image_by_image(rng):
    """As TensorFlow 1.15 does with bias gradients; across several chunks of images."""
    weights = normal(rng, 12, 6, 4, stddevs=(0.01, 0.3))
    images, labels = rng.integers(0, 256, (4500, 12), dtype=np.uint8), rng.integers(0, 4, 4500).astype(np.uint8)
    inputs, _, logits = forward(weights, images)
    back = softmax(logits) - np.eye(4)[labels]
    sent = back @ weights["weights_2"].astype(np.float64).T * (inputs[0] > 0)
    found = truth(weights, Split(images, labels))
    for name, rows in (("biases_1", sent), ("biases_2", back)):
        total = np.zeros(rows.shape[1], np.float32)
        for row in rows.astype(np.float32) / np.float32(4500):
            total += row
        lost = np.linalg.norm(rows.sum(axis=0) / 4500 - total)
        assert found.summation[name] == pytest.approx(lost, rel=1e-3)
        assert lost > 0
    assert found.summation["weights_1"] == found.summation["weights_2"] == 0
