"""The learning-rate range test: the rates it takes, where it stops, and what it says of a curve that is known."""

import dataclasses
import json

import numpy as np
import pytest
from bases import Base
from matplotlib.figure import Figure

from jaxmlp import placement, trainer
from jaxmlp.errors import ConfigError, DivergedError
from jaxmlp.execution import Execution
from jaxmlp.program import Batching, Dense, ExponentialDecay, GradientDescent, Momentum, Program, TruncatedNormal
from jaxmlp.progress import Progress
from jaxmlp.run import range_test, rate_search
from jaxmlp.run.plots import style
from jaxmlp.run.plots.range_curve import range_curve
from jaxmlp.run.range_test import RangeTest

SMALL = Program((Dense(8, TruncatedNormal(0.1)),), optimizer=GradientDescent(3.0), steps=12)


def measured(program, dataset, cpu) -> RangeTest:
    run = trainer.Run(program, placement.place_for(program, Execution(), dataset, cpu))
    return range_test.measure(run, Progress(program.steps, "step", "", hidden=True))


def falling(rng, steps: int) -> tuple[RangeTest, float, float]:
    """A loss that falls as a logistic curve of the rate's logarithm: where it is steepest, and a step of it."""
    logs = np.linspace(-16, 0, steps)
    middle, width, height = rng.uniform(-13, -3), rng.uniform(0.5, 2), 10 ** rng.uniform(-2, 5)
    losses = rng.uniform(0, height) + height / (1 + np.exp((logs - middle) / width))
    return RangeTest(np.exp(logs), losses), middle, logs[1] - logs[0]


@pytest.mark.parametrize("steps", [40, 100, 333])
def test_the_steepest_place_of_a_known_curve_is_found(rng, steps):
    test, middle, step = falling(rng, steps)
    assert abs(np.log(test.steepest()) - middle) <= step
    assert test.lowest() == test.rates[-1]


def test_the_steepest_place_is_found_through_noise_and_before_the_end_flies_off(rng):
    logs = np.linspace(-16, 0, 100)
    losses = 1000 / (1 + np.exp((logs + 8) / 1.0)) + rng.uniform(-10, 10, 100)
    losses[-3:] = 4000
    # A slope of the line through 11 losses is off by at most 10 * 30 / 110 < 3 a step; the curve's is -38 a step in its
    # middle, and above -32 from 0.9 on either side of it.
    found = RangeTest(np.exp(logs), losses)
    assert abs(np.log(found.steepest()) + 8) < 1.3
    assert found.rates[0] < found.lowest() < found.rates[-3]


def test_a_loss_that_never_falls_has_no_steepest_place(rng):
    rates = np.geomspace(1e-6, 1, 50)
    assert RangeTest(rates, np.sort(rng.random(50))).steepest() is None
    assert RangeTest(rates[:3], np.array([3.0, 2.0, 1.0])).steepest() is None, "too few to tell"
    assert "never falls" in rate_search.finding(RangeTest(rates, np.arange(50.0)))


def test_a_line_is_smoothed_to_itself(rng):
    losses = rng.normal() * np.arange(30) + rng.normal()
    smoothed = RangeTest(np.geomspace(1e-6, 1, 30), losses).smoothed()
    np.testing.assert_allclose(smoothed, losses, atol=1e-9 * np.abs(losses).max() + 1e-12)


def test_the_rates_grow_by_one_factor_from_end_to_end():
    program = range_test.program_of(SMALL, 1e-7, 1.0, 100)
    rates = [range_test.rate_of(program, step) for step in range(12)]
    np.testing.assert_allclose(rates, np.geomspace(1e-7, 1, 12), rtol=1e-12)
    assert (program.steps, program.layers) == (13, SMALL.layers)


@pytest.mark.parametrize("batching", [None, Batching(50, "shuffled")])
def test_it_is_the_run_whose_rate_somebody_raises_by_hand(digits, cpu, batching):
    base = dataclasses.replace(SMALL, batching=batching)
    program = range_test.program_of(base, 1e-7, 1e-5, len(digits.train.labels))
    found = measured(program, digits, cpu)
    placed, losses = placement.place_for(base, Execution(), digits, cpu), []
    params, rows = trainer.init(base, 10).params, trainer.minibatches.rows(base, len(digits.train.labels))
    for rate in [*np.geomspace(1e-7, 1e-5, 12), 1.0]:
        own = dataclasses.replace(base, optimizer=GradientDescent(float(rate)))
        state, taken = trainer.state_of(own, params), next(rows)
        common = {"engine": placed.engine, "recipe": trainer.Recipe.of(own)}
        state, metrics = trainer.step(state, placed.train, taken if batching else None, **common)
        params = state.params
        losses.append(float(metrics.loss))
    assert found.ended is None
    np.testing.assert_allclose(found.rates, np.geomspace(1e-7, 1e-5, 12), rtol=1e-12)
    np.testing.assert_allclose(found.losses, losses[1:], rtol=1e-4)


class Told:
    """A run that tells these losses, and then, where one is not finite, raises."""

    def __init__(self, losses):
        self.program, self._losses = range_test.program_of(SMALL, 1e-7, 1e-1, 100), losses

    def __iter__(self):
        for step, loss in enumerate(self._losses):
            if not np.isfinite(loss):
                raise DivergedError("", step)
            yield trainer.Report(step, loss, 0.0, None)


@pytest.mark.parametrize(
    ("losses", "kept", "ended"),
    [
        ([8.0, 4.0, 2.0, 8.0, 8.1, 1.0], [4.0, 2.0, 8.0, 8.1], "the loss after step 3 is 4.05 times its best"),
        ([1.0, 2.0, 4.0, 5.0, 1.0], [2.0, 4.0, 5.0], "the loss after step 2 is 5 times its best"),
        ([2.0, 1.0, np.nan], [1.0], "the loss after step 1 is not finite"),
        ([1.0, 4.0, 3.0], [4.0, 3.0], None),
    ],
)
def test_it_ends_where_the_loss_is_over_four_times_its_best_or_not_finite(losses, kept, ended):
    test = range_test.measure(Told(losses), Progress(9, "step", "", hidden=True))  # pyright: ignore[reportArgumentType]
    assert (test.losses.tolist(), test.ended) == (kept, ended)
    np.testing.assert_allclose(test.rates, np.geomspace(1e-7, 1e-1, 12)[: len(kept)])


def test_rates_that_are_all_too_high_are_an_error(digits, cpu):
    with pytest.raises(DivergedError):
        measured(range_test.program_of(SMALL, 1e37, 1e38, 500), digits, cpu)


@pytest.mark.parametrize(
    ("base", "ends", "said"),
    [
        (dataclasses.replace(SMALL, steps=9), (1e-3, 1e-1), "steps = 9 is impossible: it must be 10 or more"),
        (SMALL, (1e-50, 1e-1), "learning_rate = 1e-50 is impossible"),
    ],
)
def test_what_cannot_be_tested_is_refused(base, ends, said):
    with pytest.raises(ConfigError, match=said):
        range_test.program_of(base, *ends, 100)


def test_another_optimizer_and_a_schedule_keep_all_but_their_rate():
    for optimizer in (Momentum(0.1, 0.7, True), Momentum(ExponentialDecay(0.1, 5, 0.5), 0.7, True)):
        program = range_test.program_of(dataclasses.replace(SMALL, optimizer=optimizer), 1e-4, 1e-1, 100)
        assert program.optimizer == Momentum(program.optimizer.learning_rate, 0.7, True)
        assert program.optimizer.learning_rate.learning_rate == 1e-4


def test_files_hold_every_step_and_are_not_overwritten(digits, cpu, tmp_path, capsys):
    base = dataclasses.replace(Base(steps=12).program(), layers=(Dense(8),))
    arguments = base, (1e-7, 1e-5), lambda seed: digits, Execution(), cpu, tmp_path, True
    rate_search.search(*arguments)
    told = json.loads((tmp_path / "range_test.json").read_text())
    lines = (tmp_path / "range_test.csv").read_text().splitlines()
    assert lines[0] == "step,learning_rate,loss_after"
    assert [tuple(map(float, line.split(","))) for line in lines[1:]] == [
        (step, rate, loss) for step, (rate, loss) in enumerate(zip(told["rates"], told["losses"], strict=True))
    ]
    assert Program.from_dict(told["program"]).layers == base.layers
    assert f"falls fastest at a learning rate of {told['steepest']:.3g}" in capsys.readouterr().out
    assert (tmp_path / "range_test.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="is there already"):
        rate_search.search(*arguments)


def test_the_picture_marks_the_steepest_place_on_a_logarithmic_axis(rng, tmp_path, monkeypatch):
    figures: list[Figure] = []
    monkeypatch.setattr(style, "save", lambda figure, path: figures.append(figure))
    test, _, _ = falling(rng, 60)
    range_curve(test, "somewhere", tmp_path / "x.png")
    (axis,) = figures[0].axes
    points, curve, mark = axis.lines
    assert axis.get_xscale() == "log"
    np.testing.assert_array_equal(points.get_ydata(), test.losses)
    np.testing.assert_array_equal(curve.get_ydata(), test.smoothed())
    assert list(mark.get_xdata()) == [test.steepest()] * 2
