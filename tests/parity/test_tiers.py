"""The port against TensorFlow, tensor by tensor, on a few hundred images; the whole set is `-m full`."""

import dataclasses
from typing import get_args

import numpy as np
import pytest
from small_runs import STEPS, first, traced

from jaxmlp.config import Config, Layout, Pixels
from jaxmlp.model import init
from parity import port
from parity.admissible import require_comparable
from parity.budget import benign
from parity.exact import exact_step, softmax
from parity.oracle import Question
from parity.prove import ProveOptions, run
from parity.reference import live_trace
from parity.report import table
from parity.tiers import Ground, compare

LAYOUTS = [layout for layout in get_args(Layout) if layout != "auto"]
PIXELS = [pixels for pixels in get_args(Pixels) if pixels != "auto"]


def failures(checks):
    return [check for check in checks if not check.passed]


@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_engine_computes_what_tensorflow_computes(answered, cpu, layout, pixels):
    config, dataset, reference, ground = answered
    trace = traced(port.port(config, dataset, cpu, layout, pixels), reference, ground)
    require_comparable(reference, trace)
    assert not failures(compare(reference, trace, ground))
    assert trace.free.losses == pytest.approx(reference.free.losses, rel=1e-4)


def test_no_benign_variant_comes_near_a_limit(answered, cpu):
    config, dataset, reference, ground = answered
    for variant in benign(config, dataset, cpu, free=False):
        checks = compare(reference, traced(variant, reference, ground, 0), ground)
        near = [check for check in checks if check.ratio > (1 if check.tier == "T3" else 1 / 3)]
        assert not near, variant.name


@pytest.mark.mnist
def test_real_images_and_genuine_tensorflow_1_15_agree_too(tf115, mnist, cpu, rng):
    config = Config(seed=int(rng.integers(2**31)), steps=max(STEPS) + 1, report_every=2)
    dataset = first(mnist, 300)
    reference, exacts = live_trace(tf115, config, dataset, STEPS)
    ground = Ground(dataset.train, config.learning_rate, exacts)
    trace = traced(port.port(config, dataset, cpu, "dense", "float32"), reference, ground)
    require_comparable(reference, trace)
    assert not failures(compare(reference, trace, ground))


@pytest.mark.parametrize("hidden", [1024, 300])
def test_tensorflow_1_15_finds_the_op_seeds_by_itself(tf115, digits, hidden, monkeypatch):
    monkeypatch.setenv("TF2_BEHAVIOR", "1")  # as an import of TensorFlow 2 leaves it behind
    config, dataset = Config(seed=5, hidden=hidden), first(digits, 2, 2)
    answers = tf115.ask(config, dataset, [Question({"ask": "init"})])
    assert answers.provenance["tensorflow"] == "1.15.5"
    # Below 1000 elements tf.zeros is one op and not three, so the second weights come two ops earlier.
    assert answers.provenance["op_seeds"] == [[5, 21], [5, 39 if hidden >= 1000 else 37]]


@pytest.mark.parametrize("hidden", [1024, 300])
def test_tensorflow_2_is_told_the_seeds_that_1_15_finds(tf115, compat, digits, hidden):
    config, dataset = Config(seed=6, hidden=hidden), first(digits, 2, 2)
    genuine, told = (one.ask(config, dataset, [Question({"ask": "init"})]) for one in (tf115, compat))
    assert genuine.provenance["op_seeds"] == told.provenance["op_seeds"]
    for name, array in genuine.arrays[0].items():
        np.testing.assert_array_equal(array, told.arrays[0][name])


@pytest.mark.parametrize("hidden", [1024, 1000, 999, 300])
def test_the_port_draws_tensorflows_weights_whatever_the_hidden_units(compat, digits, hidden, rng):
    config, dataset = Config(seed=int(rng.integers(2**31)), hidden=hidden), first(digits, 2, 2)
    drawn = compat.ask(config, dataset, [Question({"ask": "init"})]).arrays[0]
    for name, array in init(config, 10)._asdict().items():
        np.testing.assert_array_equal(array, drawn[name])


def test_float64_gradient_of_the_port_is_that_of_the_written_formula(cpu, digits):
    config, dataset = Config(seed=9, hidden=12, chunk=16), first(digits, 40)
    one = dataclasses.replace(port.port(config, dataset, cpu, "dense", "float32"), float64=True)
    weights = {name: np.asarray(value) for name, value in init(config, 10)._asdict().items()}
    exact = exact_step(weights, dataset.train)
    got = one.step(weights, exact.logits_grad)
    p = softmax(exact.logits) - (np.arange(10) == dataset.train.labels[:, None])
    hidden = np.maximum(dataset.train.images.astype(np.float64) @ weights["weights_1"], 0)
    np.testing.assert_allclose(got.logits.array, exact.logits, rtol=1e-12)
    np.testing.assert_allclose(got.update.grads["weights_2"].array, hidden.T @ p / 40, rtol=1e-9, atol=1e-12)


@pytest.mark.full
@pytest.mark.mnist
@pytest.mark.timeout(7200)
def test_whole_training_set_against_genuine_tensorflow_1_15(tf115, mnist):
    proof = run(ProveOptions(oracle="tf115", seed=11, steps=(0, 1, 2, 3), data="mnist"), print)
    assert proof.proven, table(proof)


@pytest.mark.full
@pytest.mark.mnist
@pytest.mark.timeout(7200)
def test_whole_training_set_against_the_recording(mnist):
    proof = run(ProveOptions(oracle="recording", data="mnist", free_steps=11), print)
    assert proof.proven, table(proof)
