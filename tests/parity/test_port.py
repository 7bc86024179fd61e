"""The port against TensorFlow, tensor by tensor, on a few hundred images; the whole set is `-m full`."""

import dataclasses

import numpy as np
import pytest
from small_runs import STEPS, Answered, first

from jaxmlp import model
from jaxmlp.data.generated import generated_digits
from jaxmlp.execution import LAYOUTS, PRECISIONS, Execution
from jaxmlp.method import Method, Slots, from_optax
from jaxmlp.network import ORIGINAL
from jaxmlp.program import Dense, Program
from parity.commands.options import ProveOptions
from parity.commands.prove import run
from parity.compare.comparable import require_comparable
from parity.compare.trace import of_role
from parity.noise import reference
from parity.noise.benign import benign_variants
from parity.noise.float64 import softmax, truth
from parity.oracle.ask import Question
from parity.report.text import table
from parity.subject.port import Port, candidates

CHUNK = 90


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_engine_computes_what_tensorflow_computes(answered, cpu, layout, precision):
    got = answered.trace(Port.of(answered.program, answered.dataset, cpu, Execution(layout, precision, CHUNK)))
    require_comparable(answered.reference, got)
    assert not answered.failures(got)
    assert got.series["losses"] == pytest.approx(answered.reference.series["losses"], rel=1e-4)


@pytest.mark.parametrize(("images", "own"), [(300, "staircase float32"), (2000, "staircase float32 screened")])
def test_the_engine_that_training_would_choose_is_proven_first(cpu, images, own):
    assert next(candidates(Program(), generated_digits(images, 10), cpu, [], [])).name == own


@pytest.mark.parametrize("layout", LAYOUTS)
def test_three_hidden_layers_are_what_tensorflow_computes_too(deep, cpu, layout):
    got = deep.trace(Port.of(deep.program, deep.dataset, cpu, Execution(layout, "float32", CHUNK)))
    require_comparable(deep.reference, got)
    assert not deep.failures(got)
    assert {"active units 1", "active units 2", "active units 3"} <= {check.tensor for check in deep.checks(got)}


def test_a_unit_left_out_of_a_deep_network_is_noticed(deep, cpu):
    def forward(inputs, rest, rows):
        changed = rest[2]._replace(weights=rest[2].weights.at[-1].set(0))
        return ORIGINAL.forward(inputs, (*rest[:2], changed, *rest[3:]), rows)

    one = Port.of(deep.program, deep.dataset, cpu, Execution("dense", "float32", CHUNK))
    # At the probe, where every unit matters; at a step's own weights this one may be 0 for all images.
    assert "T1b logits, probe" in deep.failures(deep.trace(dataclasses.replace(one, forward=forward)))


def test_no_benign_variant_comes_near_a_limit(answered, cpu):
    for variant in benign_variants(answered.program, answered.dataset, cpu, free=False):
        checks = answered.checks(answered.trace(variant, 0))
        near = [check for check in checks if check.ratio > (1 if check.tier == "T3" else 1 / 3)]
        assert not near, variant.name


@pytest.mark.mnist
def test_real_images_and_genuine_tensorflow_1_15_agree_too(tf115, mnist, cpu, rng):
    program = Program(seed=int(rng.integers(2**31)), steps=max(STEPS) + 1, report_every=2)
    dataset = first(mnist, 300)
    genuine = Answered(program, dataset, *reference.live(tf115, program, dataset, STEPS))
    got = genuine.trace(Port.of(program, dataset, cpu, Execution("dense", "float32")))
    require_comparable(genuine.reference, got)
    assert not genuine.failures(got)


@pytest.mark.parametrize("widths", [(1024,), (1000,), (999,), (300,), (), (7, 1000, 5)])
def test_the_port_draws_tensorflows_weights_whatever_the_layers(compat, digits, widths, rng):
    program = Program(tuple(Dense(units) for units in widths), seed=int(rng.integers(2**31)))
    case = reference.case(program, first(digits, 2, 2))
    drawn = of_role(compat.ask(case, [Question({"ask": "init"})]).arrays[0], "weights")
    ours = model.named(model.init(program, 784, 10))
    assert list(ours) == list(drawn)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, drawn[name])


def test_float64_gradient_of_the_port_is_that_of_the_written_formula(cpu, digits):
    program, dataset = Program((Dense(12),), seed=9), first(digits, 40)
    one = dataclasses.replace(Port.of(program, dataset, cpu, Execution("dense", "float32", 16)), float64=True)
    weights = of_role(one.start(), "weights")
    exact = truth(weights, dataset.train)
    got = one.steps(one.start(), 1)[0]
    p = softmax(exact.logits) - (np.arange(10) == dataset.train.labels[:, None])
    hidden = np.maximum(dataset.train.images.astype(np.float64) @ weights["weights_1"], 0)
    np.testing.assert_allclose(got["logits/logits"], exact.logits, rtol=1e-12)
    np.testing.assert_allclose(got["grads/weights_2"], hidden.T @ p / 40, rtol=1e-9, atol=1e-12)


def test_what_the_optimizer_remembers_goes_along_from_step_to_step(cpu, digits):
    import optax

    program, dataset = Program((Dense(8),), seed=1), first(digits, 30)
    one = Port.of(program, dataset, cpu, Execution("dense", "float32"))
    momentum = optax.sgd(1e-4, momentum=0.5)
    method, slots = Method(from_optax(momentum)), lambda params: Slots(momentum.init(params))
    heavy = dataclasses.replace(one, method=method, slots=slots)
    (first_plain, second_plain), (first_heavy, second_heavy) = (some.steps(one.start(), 2) for some in (one, heavy))
    np.testing.assert_allclose(first_heavy["weights/biases_2"], first_plain["weights/biases_2"], rtol=1e-5)
    assert np.abs(second_heavy["weights/biases_2"] - second_plain["weights/biases_2"]).max() > 0


@pytest.mark.full
@pytest.mark.mnist
@pytest.mark.timeout(7200)
def test_whole_training_set_against_genuine_tensorflow_1_15(tf115, mnist):
    proof = run(ProveOptions(oracle="tf115", seed=11, steps=(0, 1, 2, 3)), print)
    assert proof.proven, table(proof)


@pytest.mark.full
@pytest.mark.mnist
@pytest.mark.timeout(7200)
def test_whole_training_set_against_the_recording(mnist):
    proof = run(ProveOptions(oracle="recording", free_steps=11), print)
    assert proof.proven, table(proof)
