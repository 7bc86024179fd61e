"""The loop: the original's order of events, one compilation, the same bits from the same seed."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp import model, placement, trainer
from jaxmlp.compilation import CompileClock
from jaxmlp.errors import DivergedError
from jaxmlp.execution import Execution
from jaxmlp.network import ORIGINAL
from jaxmlp.program import Dense, GradientDescent, Program

RECORDING = json.loads((Path(__file__).parent / "tf115_original_seed0.json").read_text())


@pytest.fixture
def program(rng) -> Program:
    return Program(
        (Dense(32),), optimizer=GradientDescent(1e-5), steps=12, report_every=5, seed=int(rng.integers(2**31))
    )


@pytest.fixture
def placed(digits, cpu) -> placement.Placed:
    return placement.place(CHUNKS, digits, cpu)


CHUNKS = Execution(chunk=200)


def _run(program, digits, cpu) -> trainer.Run:
    return trainer.Run(program, placement.place(CHUNKS, digits, cpu))


def test_a_report_a_step_and_test_accuracy_where_the_original_reports(program, digits, cpu):
    reports = list(_run(program, digits, cpu))
    assert [report.step for report in reports] == list(range(12))
    assert [report.step for report in reports if report.test_accuracy is not None] == [0, 5, 10]


def test_loss_and_training_accuracy_are_before_the_update_and_test_accuracy_after_it(program, digits, cpu):
    run = _run(program, digits, cpu)
    engine, train = run.placed.engine, run.placed.train
    before, _ = engine.sum_grads(ORIGINAL.loss, jax.tree.map(jnp.copy, run.state.params), train)
    first = next(iter(run))
    np.testing.assert_allclose(first.loss, before.loss / train.size, rtol=1e-6)
    assert first.train_accuracy == pytest.approx(100 * int(before.correct) / train.size)
    assert first.test_accuracy == run.test_accuracy()


def test_updates_are_plain_gradient_descent_and_remember_nothing(program, placed):
    """The rate is so large that the weights are next to nothing beside the update, and 0.1 % of it shows."""
    state = trainer.init(dataclasses.replace(program, optimizer=GradientDescent(0.5)), 10)
    sum_grads = jax.jit(lambda params: placed.engine.sum_grads(ORIGINAL.loss, params, placed.train)[1])
    for _ in range(3):
        before = {name: np.array(array, np.float64) for name, array in model.named(state.params).items()}
        grads = model.named(sum_grads(state.params))
        state, _ = trainer.step(state, placed.train, engine=placed.engine)
        for name, new in model.named(state.params).items():
            wanted = before[name] - 0.5 * np.asarray(grads[name], np.float64) / placed.train.size
            assert np.linalg.norm(new - wanted) <= 1e-5 * np.linalg.norm(new - before[name])


def test_second_step_does_not_recompile(program, digits, cpu):
    reports = iter(_run(program, digits, cpu))
    next(reports)
    with CompileClock() as clock:
        for _ in reports:
            pass
    assert clock.programs == []


def test_another_rate_and_another_seed_do_not_recompile(program, placed):
    list(trainer.Run(program, placed))
    other = dataclasses.replace(
        program, steps=3, report_every=1, optimizer=GradientDescent(3e-6), seed=program.seed + 1
    )
    with CompileClock() as clock:
        list(trainer.Run(other, placed))
    assert clock.programs == []


def test_same_seed_gives_the_same_bits_and_another_seed_does_not(program, digits, cpu):
    one, same = _run(program, digits, cpu), _run(program, digits, cpu)
    reports = list(one)
    assert reports == list(same)
    jax.tree.map(np.testing.assert_array_equal, one.state.params, same.state.params)
    other = dataclasses.replace(program, seed=program.seed + 1, steps=1)
    assert next(iter(_run(other, digits, cpu))).loss != reports[0].loss


def test_dtypes_survive_a_step(program, digits, cpu):
    run = _run(program, digits, cpu)
    before = jax.tree.map(lambda leaf: (leaf.dtype, leaf.shape), run.state)
    after, metrics = trainer.step(run.state, run.placed.train, engine=run.placed.engine)
    assert jax.tree.map(lambda leaf: (leaf.dtype, leaf.shape), after) == before
    assert (metrics.loss.dtype, metrics.correct.dtype) == (jnp.float32, jnp.int32)


def test_a_block_of_steps_is_the_same_run_as_single_steps(program, digits, cpu):
    single, block = _run(program, digits, cpu), _run(program, digits, cpu)
    block._capacity = program.report_every  # what a run on a GPU or TPU does
    for one, other in zip(single, block, strict=True):
        assert one.step == other.step
        assert one.test_accuracy == other.test_accuracy
        np.testing.assert_allclose(one.loss, other.loss, rtol=1e-5)


def test_blocks_of_any_length_share_one_program(digits, cpu):
    run = _run(Program((Dense(8),), steps=9, report_every=4), digits, cpu)
    run._capacity = 4
    reports = iter(run)
    next(reports)
    with CompileClock() as clock:
        assert len(list(reports)) == 8
    assert clock.programs == []


def test_divergence_names_step_last_finite_loss_and_rate(digits, cpu):
    program = Program((Dense(16),), optimizer=GradientDescent(1e30), steps=50)
    seen = []
    with pytest.raises(DivergedError, match=r"loss at step \d+ is (nan|inf).*last finite loss was .*1e\+30") as error:
        seen.extend(_run(program, digits, cpu))
    assert error.value.step >= 1


def test_predictions_are_probabilities_of_every_test_image_in_order(program, digits, cpu):
    run = _run(program, digits, cpu)
    list(run)
    predictions = run.test_predictions()
    assert predictions.shape == (len(digits.test.labels), 10)
    np.testing.assert_allclose(predictions.sum(1), 1, rtol=1e-5)
    assert 100 * (predictions.argmax(1) == digits.test.labels).mean() == pytest.approx(run.test_accuracy())


@pytest.mark.mnist
@pytest.mark.parametrize("steps", [3, pytest.param(301, marks=pytest.mark.full)])
def test_losses_and_accuracies_are_genuine_tensorflows(mnist, cpu, steps):
    program = Program(steps=steps, seed=RECORDING["graph_seed"])
    recorded = {report["step"]: report for report in RECORDING["reports"]}
    for report in _run(program, mnist, cpu):
        limit = 1e-6 if report.step == 0 else 2e-5
        assert report.loss == pytest.approx(RECORDING["losses_float32"][report.step], rel=limit)
        if genuine := recorded.get(report.step):
            assert report.train_accuracy == pytest.approx(genuine["training_accuracy_percent"], abs=0.1)
            assert report.test_accuracy == pytest.approx(genuine["test_accuracy_percent"], abs=0.1)
