"""The loop: the original's order of events, one compilation, the same bits from the same seed."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp import trainer
from jaxmlp.compile_clock import CompileClock
from jaxmlp.config import Config
from jaxmlp.errors import DivergedError

RECORDING = json.loads((Path(__file__).parent / "tf115_original_seed0.json").read_text())


@pytest.fixture
def config(rng) -> Config:
    return Config(hidden=32, steps=12, report_every=5, chunk=200, learning_rate=1e-5, seed=int(rng.integers(2**31)))


def _run(config, digits, cpu) -> trainer.Run:
    return trainer.Run(config, trainer.prepare(config, digits, cpu))


def test_a_record_a_step_and_test_accuracy_where_the_original_reports(config, digits, cpu):
    records = list(_run(config, digits, cpu))
    assert [record.step for record in records] == list(range(12))
    assert [record.step for record in records if record.test_accuracy is not None] == [0, 5, 10]


def test_loss_and_training_accuracy_are_before_the_update_and_test_accuracy_after_it(config, digits, cpu):
    run = _run(config, digits, cpu)
    engine, train = run.workload.engine, run.workload.train
    before = engine.totals(jax.tree.map(jnp.copy, run.state.params), train)
    first = next(iter(run))
    np.testing.assert_allclose(first.loss, before.loss / train.size, rtol=1e-6)
    assert first.train_accuracy == pytest.approx(100 * int(before.correct) / train.size)
    assert first.test_accuracy == run.test_accuracy()


def test_updates_are_plain_gradient_descent_and_remember_nothing(config, digits, cpu):
    """The rate is so large that the weights are next to nothing beside the update, and 0.1 % of it shows."""
    config = dataclasses.replace(config, learning_rate=0.5)
    state, workload = trainer.init(config, 10), trainer.prepare(config, digits, cpu)
    for _ in range(3):
        before = [np.array(p, np.float64) for p in state.params]
        _, _, grads = jax.jit(workload.engine.loss_and_grads)(state.params, workload.train)
        state, _ = trainer.step(state, workload.train, engine=workload.engine)
        for old, grad, new in zip(before, grads, state.params, strict=True):
            wanted = old - 0.5 * np.asarray(grad, np.float64)
            assert np.linalg.norm(new - wanted) <= 1e-5 * np.linalg.norm(new - old)


def test_second_step_does_not_recompile(config, digits, cpu):
    records = iter(_run(config, digits, cpu))
    next(records)
    with CompileClock() as clock:
        for _ in records:
            pass
    assert clock.programs == []


def test_another_rate_and_another_seed_do_not_recompile(config, digits, cpu):
    workload = trainer.prepare(config, digits, cpu)
    list(trainer.Run(config, workload))
    other = Config(hidden=32, steps=3, report_every=1, chunk=200, learning_rate=3e-6, seed=config.seed + 1)
    with CompileClock() as clock:
        list(trainer.Run(other, workload))
    assert clock.programs == []


def test_same_seed_gives_the_same_bits_and_another_seed_does_not(config, digits, cpu):
    one, same = _run(config, digits, cpu), _run(config, digits, cpu)
    records = list(one)
    assert records == list(same)
    for a, b in zip(one.state.params, same.state.params, strict=True):
        np.testing.assert_array_equal(a, b)
    other = dataclasses.replace(config, seed=config.seed + 1, steps=1)
    assert next(iter(_run(other, digits, cpu))).loss != records[0].loss


def test_dtypes_survive_a_step(config, digits, cpu):
    run = _run(config, digits, cpu)
    before = jax.tree.map(lambda leaf: (leaf.dtype, leaf.shape), run.state)
    after, outcome = trainer.step(run.state, run.workload.train, engine=run.workload.engine)
    assert jax.tree.map(lambda leaf: (leaf.dtype, leaf.shape), after) == before
    assert (outcome.loss.dtype, outcome.correct.dtype) == (jnp.float32, jnp.int32)


def test_a_block_of_steps_is_the_same_run_as_single_steps(config, digits, cpu):
    single, block = _run(config, digits, cpu), _run(config, digits, cpu)
    block._capacity = config.report_every  # what a run on a GPU or TPU does
    for one, other in zip(single, block, strict=True):
        assert one.step == other.step
        assert one.test_accuracy == other.test_accuracy
        np.testing.assert_allclose(one.loss, other.loss, rtol=1e-5)


def test_blocks_of_any_length_share_one_program(digits, cpu):
    run = _run(Config(hidden=8, steps=9, report_every=4, chunk=200), digits, cpu)
    run._capacity = 4
    records = iter(run)
    next(records)
    with CompileClock() as clock:
        assert len(list(records)) == 8
    assert clock.programs == []


def test_divergence_names_step_last_finite_loss_and_rate(digits, cpu):
    config = Config(hidden=16, steps=50, learning_rate=1e30)
    seen = []
    with pytest.raises(DivergedError, match=r"loss at step \d+ is (nan|inf).*last finite loss was .*1e\+30") as error:
        seen.extend(_run(config, digits, cpu))
    assert error.value.step >= 1


def test_predictions_are_probabilities_of_every_test_image_in_order(config, digits, cpu):
    run = _run(config, digits, cpu)
    list(run)
    predictions = run.test_predictions()
    assert predictions.shape == (len(digits.test.labels), 10)
    np.testing.assert_allclose(predictions.sum(1), 1, rtol=1e-5)
    assert 100 * (predictions.argmax(1) == digits.test.labels).mean() == pytest.approx(run.test_accuracy())


@pytest.mark.mnist
@pytest.mark.parametrize("steps", [3, pytest.param(301, marks=pytest.mark.full)])
def test_losses_and_accuracies_are_genuine_tensorflows(mnist, cpu, steps):
    config = Config(steps=steps, seed=RECORDING["graph_seed"])
    reports = {report["step"]: report for report in RECORDING["reports"]}
    for record in _run(config, mnist, cpu):
        limit = 1e-6 if record.step == 0 else 2e-5
        assert record.loss == pytest.approx(RECORDING["losses_float32"][record.step], rel=limit)
        if report := reports.get(record.step):
            assert record.train_accuracy == pytest.approx(report["training_accuracy_percent"], abs=0.1)
            assert record.test_accuracy == pytest.approx(report["test_accuracy_percent"], abs=0.1)
