"""What float64 says honest float32 may do: how far from the ReLU's kink a unit may still come out either sign."""

import numpy as np
import pytest

from jaxmlp.data.dataset import Split
from parity.exact import kink_distance, reach


def in_order(pixels, weights_1):
    """float32, one product after the other."""
    sums = np.zeros((len(pixels), weights_1.shape[1]), np.float32)
    for pixel, row in zip(pixels.T.astype(np.float32), weights_1, strict=True):
        sums += pixel[:, None] * row
    return sums


def in_blocks(pixels, weights_1):
    """float32, sums of 64 products each added up."""
    pixels = pixels.astype(np.float32)
    blocks = [pixels[:, i : i + 64] @ weights_1[i : i + 64] for i in range(0, pixels.shape[1], 64)]
    return np.sum(blocks, axis=0, dtype=np.float32)


@pytest.mark.parametrize("summed", [in_order, in_blocks])
@pytest.mark.parametrize("ink", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("bias", [0.0, 1.0], ids=["no bias", "a bias as large as the sum"])
def test_rounding_near_the_kink_is_a_fifth_of_its_reach_whatever_the_ink(rng, summed, ink, bias):
    pixels = rng.integers(1, 256, (300, 784), dtype=np.uint8) * (rng.random((300, 784)) < ink)
    weights_1 = rng.normal(size=(784, 600)).astype(np.float32)
    biases_1 = (bias * np.linalg.norm(pixels, axis=1).mean() * rng.normal(size=600)).astype(np.float32)
    exact = pixels.astype(np.float64) @ weights_1.astype(np.float64) + biases_1
    scale = reach({"weights_1": weights_1, "biases_1": biases_1}, pixels)
    near = np.abs(exact) < 1e5 * scale
    errors = np.abs(summed(pixels, weights_1) + biases_1 - exact) / scale
    assert 0.05 < np.sqrt(np.mean(errors[near] ** 2)) < 0.3
    assert errors[near].max() < 3
    if bias:  # where it outweighs the weights, their scale alone would be too small
        outweighed = near & (np.abs(biases_1) > 2 * np.linalg.norm(pixels.astype(np.float64), axis=1)[:, None])
        assert outweighed.any()
        assert np.sqrt(np.mean(errors[outweighed] ** 2)) < 0.3


def test_the_kink_distance_is_that_of_the_farthest_unit_that_differs(rng):
    weights = {
        "weights_1": rng.normal(size=(30, 7)).astype(np.float32),
        "biases_1": rng.normal(size=7).astype(np.float32),
    }
    images = rng.integers(1, 256, (5, 30), dtype=np.uint8)
    split, differs = Split(images, np.zeros(5, np.uint8)), np.zeros((5, 7), bool)
    assert kink_distance(weights, split, differs) == 0
    differs[3, 2] = differs[3, 4] = True
    z = images[3].astype(np.float64) @ weights["weights_1"].astype(np.float64) + weights["biases_1"]
    distances = np.abs(z) / reach(weights, images[3:4])[0]
    assert kink_distance(weights, split, differs) == pytest.approx(distances[[2, 4]].max())


def test_a_blank_image_has_no_rounding_to_hide_behind(rng):
    weights = {"weights_1": rng.normal(size=(30, 7)).astype(np.float32), "biases_1": np.ones(7, np.float32)}
    split = Split(np.zeros((1, 30), np.uint8), np.zeros(1, np.uint8))
    assert kink_distance(weights, split, np.ones((1, 7), bool)) == np.inf
