"""The model against its definition in float64 NumPy, and its initial weights against genuine TensorFlow's."""

import hashlib
import itertools
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp import model
from jaxmlp.engine.base import apart
from jaxmlp.engine.byte_matmul import float32
from jaxmlp.model import Layer
from jaxmlp.network import ORIGINAL
from jaxmlp.program import Dense, Output, Program, TruncatedNormal
from jaxmlp.tf1 import op_seeds

RECORDING = json.loads((Path(__file__).parent / "tf115_original_seed0.json").read_text())


def test_initial_weights_are_the_bits_genuine_tensorflow_drew():
    params = model.named(model.init(Program(seed=RECORDING["graph_seed"]), 784, 10))
    for name in ("weights_1", "weights_2"):
        assert hashlib.sha256(params[name].tobytes()).hexdigest() == RECORDING["sha256"][f"{name}_initial"]
    assert list(RECORDING["op_seeds"].values()) == op_seeds.of_perceptron([1024, 10])
    assert not np.any(params["biases_1"])
    assert not np.any(params["biases_2"])


def test_initial_weights_scale_with_their_standard_deviation(rng):
    def drawn(stddev: float):
        kernel = TruncatedNormal(stddev)
        return model.init(Program((Dense(7, kernel), Dense(5)), Output(kernel), seed=seed), 784, 10)

    seed = int(rng.integers(2**31))
    one, half = drawn(1.0), drawn(0.5)
    np.testing.assert_array_equal(one[0].weights * np.float32(0.5), half[0].weights)
    np.testing.assert_array_equal(one[1].weights, half[1].weights)
    np.testing.assert_array_equal(one[2].weights * np.float32(0.5), half[2].weights)


@pytest.mark.parametrize("widths", [(), (33,), (20, 1), (9, 8, 7)])
def test_forward_pass_is_that_of_the_formula_at_any_depth(digits, rng, widths):
    shapes = itertools.pairwise((784, *widths, 10))
    params = tuple(Layer(_normal(rng, shape) / shape[0] ** 0.5, _normal(rng, shape[1:])) for shape in shapes)
    fed, sizes = [digits.train.images.astype(np.float64) / 255], [digits.train.images.astype(np.float64) / 255]
    for weights, biases in params:
        fed.append(fed[-1] @ weights + biases)
        sizes.append(sizes[-1] @ np.abs(weights) + np.abs(biases))  # what is summed, however much of it cancels
        if len(fed) <= len(widths) + 1:
            fed[-1] = np.maximum(fed[-1], 0)
    first, rest = apart(params)
    ours = ORIGINAL.forward(float32(jnp.asarray(digits.train.images), first / np.float32(255)), rest)
    for mine, right, size in zip((*ours.hidden, ours.logits), fed[1:], sizes[1:], strict=True):
        np.testing.assert_allclose(mine, right, rtol=0, atol=1e-6 * size.max())
    assert model.from_named(model.named(params)) == params


def _normal(rng, shape) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def test_totals_are_tensorflows_cross_entropy_and_hits(rng):
    logits = (rng.normal(size=(200, 10)) * 10.0 ** rng.integers(-2, 4, (200, 1))).astype(np.float32)
    labels = rng.integers(0, 10, 200).astype(np.uint8)
    z = logits.astype(np.float64)
    log_sum = np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1)
    loss, correct = ORIGINAL.totals(jnp.asarray(logits), jnp.asarray(labels))
    np.testing.assert_allclose(loss, (log_sum - z[np.arange(200), labels]).sum(), rtol=1e-6)
    assert correct == (z.argmax(1) == labels).sum()
    assert correct.dtype == jnp.int32


def test_equal_logits_count_for_the_first_class_as_in_numpy():
    logits = jnp.zeros((3, 10), jnp.float32)
    assert ORIGINAL.totals(logits, jnp.array([0, 1, 0], jnp.uint8)).correct == 2
