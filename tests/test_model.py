"""The model against its definition in float64 NumPy, and its initial weights against genuine TensorFlow's."""

import hashlib
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from jaxmlp import model
from jaxmlp.config import Config
from jaxmlp.engine.pixel_matmul import float32

RECORDING = json.loads((Path(__file__).parent / "tf115_original_seed0.json").read_text())


def test_initial_weights_are_the_bits_genuine_tensorflow_drew():
    params = model.init(Config(seed=RECORDING["graph_seed"]), 10)
    for name in ("weights_1", "weights_2"):
        weights = np.asarray(getattr(params, name))
        assert hashlib.sha256(weights.tobytes()).hexdigest() == RECORDING["sha256"][f"{name}_initial"]
    assert RECORDING["op_seeds"] == model.op_seeds(1024)
    assert not np.any(params.biases_1)
    assert not np.any(params.biases_2)


def test_initial_weights_scale_with_their_standard_deviation(rng):
    config = Config(hidden=7, seed=int(rng.integers(2**31)))
    one, half = model.init(config, 10), model.init(Config(hidden=7, seed=config.seed, weight_stddev=0.5), 10)
    np.testing.assert_array_equal(np.asarray(one.weights_1) * np.float32(0.5), half.weights_1)


def test_logits_are_those_of_the_formula(digits, rng):
    params = model.init(Config(hidden=33, seed=int(rng.integers(2**31))), 10)
    params = params._replace(biases_1=rng.normal(0, 100, 33).astype(np.float32))
    x, w1, w2 = (np.asarray(a, np.float64) for a in (digits.train.images, params.weights_1, params.weights_2))
    expected = np.maximum(x @ w1 + params.biases_1, 0) @ w2 + params.biases_2
    ours = model.logits(params, jnp.asarray(digits.train.images), float32)
    np.testing.assert_allclose(ours, expected, atol=2e-6 * np.abs(expected).max())


def test_totals_are_tensorflows_cross_entropy_and_hits(rng):
    logits = (rng.normal(size=(200, 10)) * 10.0 ** rng.integers(-2, 4, (200, 1))).astype(np.float32)
    labels = rng.integers(0, 10, 200).astype(np.uint8)
    z = logits.astype(np.float64)
    log_sum = np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1)
    loss, correct = model.totals(jnp.asarray(logits), jnp.asarray(labels))
    np.testing.assert_allclose(loss, (log_sum - z[np.arange(200), labels]).sum(), rtol=1e-6)
    assert correct == (z.argmax(1) == labels).sum()
    assert correct.dtype == jnp.int32


def test_equal_logits_count_for_the_first_class_as_in_numpy():
    logits = jnp.zeros((3, 10), jnp.float32)
    assert model.totals(logits, jnp.array([0, 1, 0], jnp.uint8)).correct == 2
