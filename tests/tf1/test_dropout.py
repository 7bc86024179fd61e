"""Dropout against genuine TensorFlow 1.15.5, run after run, and against its own definition."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp.tf1 import dropout
from jaxmlp.tf1.generators import Generator, generator
from jaxmlp.tf1.random import Stream, random_uniform, stream

VECTORS = json.loads((Path(__file__).parent / "tf115_family_vectors.json").read_text())["dropout"]


def _floats(text) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(text), ">f4").astype(np.float32)


X = jnp.asarray(_floats(VECTORS["x"]["hex"]).reshape(VECTORS["x"]["shape"]))
FORMS = {
    "dropout(x, 0.8)": lambda x, of: dropout.dropout(x, of, 0.8),
    "dropout(x, rate=0.3)": lambda x, of: dropout.dropout(x, of, rate=0.3),
    "layers.dropout(x, 0.5, training=True)": lambda x, of: dropout.layers_dropout(x, of, 0.5, training=True),
}


def _same_bits(ours, theirs) -> None:
    np.testing.assert_array_equal(np.asarray(ours).view(np.uint32).reshape(-1), theirs.view(np.uint32).reshape(-1))


@pytest.fixture
def of(rng) -> Generator:
    return generator(stream(int(rng.integers(2**31)), int(rng.integers(2**31))))


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_five_runs_have_tensorflows_bits(form, jit):
    vector = VECTORS["runs"][form]
    following, run = generator(Stream(*vector["seeds"][0][1:])), jax.jit(FORMS[form]) if jit else FORMS[form]
    for expected in vector["outputs_of_runs"]:
        out, following = run(X, following)
        _same_bits(out, _floats(expected))


def test_two_ops_in_a_row_have_tensorflows_bits_after_an_evaluation_of_a_larger_batch():
    vector = VECTORS["two_in_a_row, keep_prob a placeholder"]
    first, second = (generator(Stream(*seeds[1:])) for seeds in vector["seeds"])
    compiled = jax.jit(dropout.dropout)
    compared = 0
    for run in vector["runs"]:
        x = jnp.tile(X, (run["tiles_of_x"], 1))
        keep = jnp.float32(run["keep_prob"])
        hidden, first = compiled(x, first, keep)
        out, second = compiled(hidden, second, keep)
        if run["d1"] is not None:  # of the evaluation, no output was kept
            _same_bits(hidden, _floats(run["d1"]))
            _same_bits(out, _floats(run["d2"]))
            compared += 1
    assert compared == 3


def test_a_dropped_negative_is_minus_zero_and_a_dropped_infinity_nan_under_jit(of):
    x = jnp.where(jnp.arange(400) % 2 == 0, -jnp.float32(1), jnp.float32(jnp.inf))
    out, _ = jax.jit(lambda x: dropout.dropout(x, of, 0.5))(x)
    kept = np.asarray(dropout.mask(of, x.shape, 0.5))
    assert np.signbit(np.asarray(out)[::2]).all()
    np.testing.assert_array_equal(np.isnan(out)[1::2], ~kept[1::2])


def test_gradient_is_masked_and_scaled_as_the_value(of, rng):
    x, g = (jnp.asarray(rng.normal(size=(20, 30)).astype(np.float32)) for _ in range(2))
    rate = float(rng.uniform(0.1, 0.9))
    _, backward = jax.vjp(lambda x: dropout.dropout(x, of, rate=rate)[0], x)
    scale = np.float32(1) / (np.float32(1) - np.float32(rate))
    expected = np.asarray(g) * np.asarray(dropout.mask(of, x.shape, rate)).astype(np.float32) * scale
    _same_bits(jax.jit(backward)(g)[0], expected)


def test_rows_of_a_mask_are_those_of_the_whole_mask(of, rng):
    rows = jnp.asarray(rng.permutation(60)[:25].astype(np.int32))
    whole = dropout.mask(of, (60, 37), 0.3)
    np.testing.assert_array_equal(dropout.mask(of, (60, 37), 0.3, rows=rows), whole[rows])


def test_a_number_that_drops_nothing_draws_nothing_but_a_placeholder_of_one_does(of):
    for out, following in (dropout.dropout(X, of, 1), dropout.dropout(X, of, rate=0.0), dropout.layers_dropout(X, of)):
        _same_bits(out, np.asarray(X))
        assert following is of
    out, following = dropout.dropout(X, of, jnp.float32(1))
    _same_bits(out, np.asarray(X))
    np.testing.assert_array_equal(following.counter, of.after(X.shape).counter)
    assert (following.counter != of.counter).any()


@pytest.mark.parametrize("training", [True, False])
def test_training_may_be_a_placeholder_too(training, of):
    out, following = jax.jit(lambda t: dropout.layers_dropout(X, of, 0.4, training=t))(jnp.asarray(training))
    same, as_far = dropout.layers_dropout(X, of, 0.4, training=training)
    _same_bits(out, np.asarray(same))
    np.testing.assert_array_equal(following.counter, as_far.counter)


def test_noise_shape_shares_decisions(rng):
    source = stream(int(rng.integers(2**31)), 3)
    out, following = dropout.dropout(jnp.ones((8, 6)), generator(source), 0.5, noise_shape=(None, 1))
    kept = random_uniform((8, 1), source) >= 0.5
    np.testing.assert_array_equal(np.asarray(out) != 0, np.broadcast_to(kept, (8, 6)))
    np.testing.assert_array_equal(following.counter, generator(source.after((8, 1))).counter)


def test_steps_share_one_compilation(of):
    traced = []

    @jax.jit
    def step(of, rate):
        traced.append(1)
        return dropout.dropout(X, of, rate=rate)

    for rate in (0.1, 0.7, 0.0):
        _, of = step(of, jnp.float32(rate))
    step(generator(stream(5, 6)), jnp.float32(0.3))
    assert len(traced) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "keep_prob"),
        ({"keep_prob": 0.5, "rate": 0.5}, "either"),
        ({"keep_prob": 0.0}, r"keep_prob = 0\.0; it must lie in \(0, 1\]"),
        ({"keep_prob": 1.5}, r"\(0, 1\]"),
        ({"rate": 1.0}, r"rate = 1\.0; it must lie in \[0, 1\)"),
        ({"rate": float("nan")}, "rate = nan"),
        ({"keep_prob": 0.5, "noise_shape": (6, 7)}, "noise_shape"),
        ({"keep_prob": 0.5, "noise_shape": (1, 6, 50)}, "noise_shape"),
    ],
)
def test_argument_tensorflow_does_not_take_is_refused_by_name(arguments, named, of):
    with pytest.raises(ValueError, match=named):
        dropout.dropout(X, of, **arguments)


def test_integers_are_refused(of):
    with pytest.raises(ValueError, match="int32"):
        dropout.dropout(jnp.ones(4, jnp.int32), of, 0.5)
