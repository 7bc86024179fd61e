"""Who watches a run: told in order, closed on every way out."""

import pytest

from jaxmlp.errors import DivergedError
from jaxmlp.execution import Execution
from jaxmlp.placement import place
from jaxmlp.program import Dense, GradientDescent, Program
from jaxmlp.run.observers import Observer, drive
from jaxmlp.trainer import Run

PROGRAM = Program(layers=(Dense(8),), optimizer=GradientDescent(1e-5), steps=5, report_every=3)


class Witness(Observer):
    """Writes down what it is told; raises where it shall."""

    def __init__(self, name: str, told: list, at: str = ""):
        self.name, self.told, self.at = name, told, at

    def open(self):
        self._hear("open")

    def on_step(self, report):
        self._hear(f"step {report.step}")

    def on_report(self, report):
        assert report.test_accuracy is not None
        self._hear(f"report {report.step}")

    def close(self):
        self._hear("close")

    def _hear(self, what: str):
        self.told.append(f"{self.name}: {what}")
        if what == self.at:
            raise RuntimeError(what)


@pytest.fixture
def run(digits, cpu) -> Run:
    return Run(PROGRAM, place(Execution(), digits, cpu))


@pytest.fixture
def told() -> list[str]:
    return []


def test_observers_are_told_in_their_order_and_closed(run, told):
    last = drive(run, [Witness("a", told), Witness("b", told)])
    assert last is not None
    assert last.step == 4
    expected = ["a: open", "b: open"]
    for step in range(5):
        expected += [f"a: step {step}", f"b: step {step}"]
        expected += [f"a: report {step}", f"b: report {step}"] if step in (0, 3, 4) else []
    assert told == [*expected, "a: close", "b: close"]


def test_stopping_ends_after_a_whole_step_and_closes(run, told):
    last = drive(run, [Witness("a", told)], lambda: "a: step 0" in told)
    assert last is not None
    assert last.step == 1
    assert int(run.state.step) == 2
    assert last.test_accuracy == run.test_accuracy()
    assert told[-3:] == ["a: step 1", "a: report 1", "a: close"]


def test_the_last_step_tells_the_test_accuracy_of_the_final_weights(run, told):
    last = drive(run, [])
    assert last is not None
    assert (last.step, last.test_accuracy) == (4, run.test_accuracy())
    assert drive(run, []) is None, "no step is left"


def test_a_run_does_not_stop_within_a_block_of_steps(run, told):
    run._capacity = 3  # as on an accelerator: steps 1 to 3 are one block, and the weights those behind it
    last = drive(run, [Witness("a", told)], lambda: "a: step 0" in told)
    assert last is not None
    assert last.step == 3
    assert int(run.state.step) == 4


@pytest.mark.parametrize("at", ["step 2", "report 3"])
def test_all_are_closed_when_one_raises(run, told, at):
    with pytest.raises(RuntimeError, match=at):
        drive(run, [Witness("a", told, at), Witness("b", told)])
    assert told[-3:] == [f"a: {at}", "a: close", "b: close"]


def test_one_that_cannot_close_keeps_no_other_open(run, told):
    with pytest.raises(RuntimeError, match="close"):
        drive(run, [Witness("a", told, "close"), Witness("b", told)])
    assert told[-2:] == ["a: close", "b: close"]


def test_all_are_closed_when_the_run_diverges(digits, cpu, told):
    program = Program(layers=(Dense(8),), optimizer=GradientDescent(1e30), steps=9)
    with pytest.raises(DivergedError):
        drive(Run(program, place(Execution(), digits, cpu)), [Witness("a", told), Witness("b", told)])
    assert told[-2:] == ["a: close", "b: close"]
