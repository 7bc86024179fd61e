"""The port stepped beside a reference, and the tiers of consecutive steps; the reference is the product's own run."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import first

from jaxmlp import minibatches, placement, trainer
from jaxmlp.execution import Execution
from jaxmlp.method import rate
from jaxmlp.network import Network
from jaxmlp.program import (
    L2,
    Adam,
    Batching,
    ClipByGlobalNorm,
    Dense,
    ExponentialDecay,
    GlorotUniform,
    GradientDescent,
    MeanSquaredError,
    Output,
    Program,
    RMSProp,
)
from jaxmlp.random_ops import masks
from parity.compare.rules import rule_of
from parity.compare.stepwise import compare_steps, own_rule_of_steps, start_name, undetermined
from parity.compare.tensor import Whole
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace, Trace, whole
from parity.errors import CannotCompare
from parity.mutants.mutant import WrongSums
from parity.noise.benign import permuted
from parity.noise.sampled import Sampler
from parity.subject.port import named
from parity.subject.stepwise import Stepwise, remembered

STEPS = 3
GLOROT = GlorotUniform()
PROGRAMS = {
    "everything": Program(
        (Dense(12, GLOROT, activation="tanh", keep_prob=0.8), Dense(9, GLOROT, None, "leaky_relu")),
        Output(GLOROT),
        Adam(ExponentialDecay(0.002, 2, 0.9)),
        seed=11,
        l2=L2(1e-3, biases=True),
        clipping=ClipByGlobalNorm(0.5),
        batching=Batching(40, "next_batch", 10),
        scale=255,
        input_keep_prob=0.9,
        evaluation_draws=True,
    ),
    "no hidden layer": Program((), Output(GLOROT), GradientDescent(0.1), seed=2, loss=MeanSquaredError(), scale=255),
    "the whole set": Program((Dense(16, GLOROT, keep_prob=0.5),), Output(GLOROT), RMSProp(0.001), seed=3, scale=255),
}


@pytest.fixture(scope="module")
def few(digits):
    return first(digits, 100, 30)


def ran(program, dataset, cpu):
    """The product's own run: of each step what it started with, and the weights and the report after it."""
    placed = placement.place_for(program, Execution("dense", "float32"), dataset, cpu)
    run, network, rows = trainer.Run(program, placed), Network.of(program), minibatches.rows(program, placed.train.size)
    before, steps = jax.device_get(run.state), {}
    for step, report in enumerate(run):
        drawn, _ = masks(network, before.params, jax.tree.map(jnp.asarray, before.draws), run.batch_size)
        start = {"step/step": np.array(step), **named("weights", before.params), **remembered(before.slots.optimizer)}
        start["rate/rate"] = np.asarray(rate(program.optimizer.learning_rate)(step)) if _scheduled(program) else None
        start["batch/rows"] = next(rows) if program.batching else None
        start["masks/input"] = drawn.pixels
        dropped = [i for i, layer in enumerate(program.layers, 1) if layer.keep_prob < 1]
        start |= {f"masks/{i}": mask for i, mask in zip(dropped, drawn.hidden, strict=True)}
        before = jax.device_get(run.state)
        arrays = {key: np.asarray(array) for key, array in start.items() if array is not None}
        steps[step] = arrays, named("weights", before.params), report
    return steps


def _scheduled(program):
    return not isinstance(program.optimizer.learning_rate, float)


class Case(NamedTuple):
    """The port beside a reference, which is the port itself from the starts of the product's own run."""

    right: Stepwise
    reference: Trace
    noises: dict
    ran: dict

    def checks(self, subject):
        return compare_steps(self.reference, subject.trace(self.reference), self.noises, self.rule)

    def failed(self, subject):
        return {f"{check.tier} {check.tensor}" for check in self.checks(subject) if not check.passed}

    def worst(self, subject, tier, tensor):
        there = [check.ratio for check in self.checks(subject) if (check.tier, check.tensor) == (tier, tensor)]
        return max(there)

    @property
    def rule(self):
        return rule_of(self.right.port.program.as_dict())

    def with_got(self, step, **changes):
        """The reference with tensors that a step got changed: grads__weights_1=array."""
        new = {key.replace("__", "/"): Whole(np.asarray(array)) for key, array in changes.items()}
        one = self.reference.steps[step]
        steps = {**self.reference.steps, step: one._replace(got={**one.got, **new})}
        return self._replace(reference=self.reference._replace(steps=steps))


@pytest.fixture(scope="module", params=PROGRAMS)
def case(request, few, cpu):
    program = dataclasses.replace(PROGRAMS[request.param], steps=STEPS, report_every=1).settled(100)
    right, done = Stepwise.of(program, few, cpu, Execution("dense", "float32")), ran(program, few, cpu)
    rate_then = (
        {"rate/rate": np.float32(getattr(program.optimizer, "learning_rate", 0))} if not _scheduled(program) else {}
    )
    starts = {step: {**start, **rate_then} for step, (start, _, _) in done.items()}
    n = program.batching.size if program.batching else 100
    zeros = np.zeros((n, 10), np.float32)
    known = {step: whole({"logits_grad/logits": zeros, **weights}) for step, (_, weights, _) in done.items()}
    traced = Trace({}, {}, {step: StepTrace(whole(start), known[step]) for step, start in starts.items()})
    for _ in range(2):  # the second time with its own derivative by the logits handed over
        got = right.trace(traced)
        steps = {step: StepTrace(whole(starts[step]), one.got) for step, one in got.steps.items()}
        traced = Trace({**got.header, "side": "reference"}, {}, steps)
    sampler = Sampler(right.port)
    return Case(right, traced, {step: sampler.noise(one) for step, one in traced.steps.items()}, done)


def test_a_step_from_given_starts_is_a_step_of_the_products_own_run(case):
    got = case.right.trace(case.reference)
    for step, (_, weights, report) in case.ran.items():
        ours = got.steps[step].arrays("got")
        for key, array in weights.items():
            np.testing.assert_allclose(ours[key], array, rtol=1e-5, atol=1e-6)
        assert float(ours["loss/loss"]) == pytest.approx(report.loss, rel=1e-5)
        tests = len(case.right.port.dataset.test.labels)
        assert int(ours["test/correct"]) == round(report.test_accuracy * tests / 100)


def test_what_a_run_draws_is_what_the_port_would_start_with(case):
    assert not [check for check in case.checks(case.right) if check.tier == "T0" and check.measured]


def test_the_port_agrees_with_itself_and_with_its_rule(case):
    checks = case.checks(case.right)
    assert {"T0", "T1", "T1b", "T2", "T2b", "T3"} == {check.tier for check in checks}
    assert not [check for check in checks if check.measured and check.tier != "T3"]
    assert all(check.passed for check in [*checks, *own_rule_of_steps(case.reference, case.rule)])
    assert not [check for check in checks if check.limit > 1e-3 and check.unit in ("relative", "of the norm")]


def test_images_in_another_order_stay_under_a_third_of_every_limit(case):
    right = case.right
    order = np.random.default_rng(0).permutation(len(case.reference.steps[0].got["logits/logits"].array))
    port = permuted(right.port, 1) if order.size == 100 and not right.port.program.batching else right.port
    shuffled = dataclasses.replace(
        right, port=dataclasses.replace(port, order=port.order if port.order is not None else order)
    )
    assert not [check for check in case.checks(shuffled) if check.ratio > (1 if check.tier == "T3" else 1 / 3)]


@pytest.mark.parametrize("factor", [1.001, 0.999])
def test_a_gradient_off_by_a_thousandth_is_ten_times_over_the_limit(case, factor):
    right = case.right.port.placed
    wrong = WrongSums(right.engine, lambda sums, *rest: _scaled(sums(*rest), factor))
    subject = dataclasses.replace(
        case.right, port=dataclasses.replace(case.right.port, placed=right._replace(engine=wrong))
    )
    last = f"weights_{len(case.right.port.program.layers) + 1}"
    assert case.worst(subject, "T2", last) > 10
    assert case.worst(subject, "T2b", last) > 10


def _scaled(sums, factor):
    totals, grads = sums
    return totals, jax.tree.map(lambda grad: grad * np.float32(factor), grads)


def test_other_initial_values_rows_and_masks_are_found_by_name(case):
    port = case.right.port
    other = dataclasses.replace(port.program, seed=port.program.seed + 1)
    wrong = Stepwise.of(other, port.dataset, port.placed.device, Execution("dense", "float32"))
    failed = case.failed(wrong)
    expected = {"T0 initial weights_1"} | ({"T0 rows"} if port.program.batching else set())
    expected |= {f"T0 mask {i}" for i, layer in enumerate(port.program.layers, 1) if layer.keep_prob < 1}
    assert expected <= failed


def test_sides_that_have_not_the_same_tensors_are_not_compared(case):
    one = case.reference.steps[0]
    lacking = {key: tensor for key, tensor in one.got.items() if key != "grads/weights_1"}
    steps = {**case.reference.steps, 0: one._replace(got=lacking)}
    with pytest.raises(CannotCompare, match="tensors of step 0 differ"):
        case._replace(reference=case.reference._replace(steps=steps)).checks(case.right)
    lacking = {key: tensor for key, tensor in one.start.items() if key != "rate/rate"}
    steps = {**case.reference.steps, 0: one._replace(start=lacking)}
    with pytest.raises(CannotCompare, match="only one side has rate/rate"):
        case._replace(reference=case.reference._replace(steps=steps)).checks(case.right)


def test_where_the_reference_is_not_finite_the_port_must_not_be_either(case):
    broken = case.with_got(1, loss__loss=np.float32(np.nan))
    checks = broken.checks(case.right)
    assert [check.place for check in checks if not check.passed] == ["T1 finite, step 1"]
    assert not [check for check in checks if check.step == 2]


def test_a_port_that_is_not_finite_where_the_reference_is_disagrees(case):
    bad = dataclasses.replace(
        case.right, port=dataclasses.replace(case.right.port, totals=_nan(case.right.port.totals))
    )
    assert {"T1 loss", "T2 logits' gradient"} <= case.failed(bad)


def _nan(right):
    def totals(logits, labels):
        found = right(logits, labels)
        return found._replace(loss=found.loss * np.float32(np.nan))

    return totals


def test_a_check_that_rounding_may_move_by_a_tenth_says_nothing():
    check = Check("T2", "weights_1", 0, 0.02, 0.2, "of the norm")
    assert undetermined(check)
    assert not undetermined(check._replace(limit=0.05))
    assert not undetermined(check._replace(measured=0.0))
    assert not undetermined(check._replace(unit="of the bound", limit=1))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("rate/rate", "rate"),
        ("masks/input", "mask input"),
        ("batch/rows", "rows"),
        ("weights/biases_1", "initial biases_1"),
        ("slots/m/weights_2", "initial m of weights_2"),
        ("scalars/beta1_power", "initial beta1_power"),
    ],
)
def test_what_a_step_starts_with_is_called_by_its_name(key, name):
    assert start_name(key) == name
