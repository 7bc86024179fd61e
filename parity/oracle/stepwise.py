"""The reference's trace of consecutive steps: what any program computes, and all it remembers, update by update."""

from collections.abc import Iterator, Sequence

import numpy as np

from parity.compare.tensor import Named
from parity.compare.trace import StepTrace, Trace, of_role, whole
from parity.errors import OracleFailed
from parity.oracle.ask import Answers, Case, Oracle, Question
from parity.oracle.live import told


def consecutive(oracle: Oracle, case: Case, steps: int) -> Trace:
    """The first so many steps of the program, whose `report_every` is a number: see `py37/questions.py`, `trace`.

    Raises as `oracle.ask` does.
    """
    return _trace(oracle, case, steps, oracle.ask(case, [_question(steps)]))


def consecutive_all(oracle: Oracle, cases: Sequence[Case], steps: int) -> Iterator[Trace | OracleFailed]:
    """Of each case in turn, in one process; in place of a trace, why TensorFlow has none.

    Raises as `oracle.ask_all` does.
    """
    for case, answers in zip(cases, oracle.ask_all([(case, [_question(steps)]) for case in cases]), strict=True):
        yield OracleFailed(answers.error) if answers.error else _trace(oracle, case, steps, answers)


def _question(steps: int) -> Question:
    return Question({"ask": "trace", "steps": steps})


def _trace(oracle: Oracle, case: Case, steps: int, answers: Answers) -> Trace:
    (named,) = answers.arrays
    traced = {step: _step(of_role(named, str(step))) for step in range(steps)}
    initial = of_role(of_role(named, "0/start"), "weights")
    return Trace(told(case, initial, answers, oracle.name), _series(traced), traced)


def _step(named: Named) -> StepTrace:
    return StepTrace(whole(of_role(named, "start")), whole(of_role(named, "got")))


def _series(steps: dict[int, StepTrace]) -> Named:
    tested = {step: one.got["test/correct"].array for step, one in steps.items() if "test/correct" in one.got}
    counts = {
        "corrects": [one.number("correct") for one in steps.values()],
        "test_steps": list(tested),
        "test_corrects": list(tested.values()),
    }
    losses = np.array([one.number("loss") for one in steps.values()], np.float32)
    return {"losses": losses, **{name: np.array(numbers, np.int64) for name, numbers in counts.items()}}
