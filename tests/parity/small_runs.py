"""What parity's tests run, and on how few images."""

from collections.abc import Mapping
from typing import NamedTuple

from jaxmlp.data import Dataset, Split
from jaxmlp.program import Program
from parity.compare.limits import Budget
from parity.compare.rules import rule_of
from parity.compare.tiers import Check, compare
from parity.compare.trace import Trace
from parity.noise.float64 import Truth
from parity.noise.reference import Reference
from parity.subject.port import Port

STEPS = [0, 2]


class Answered(NamedTuple):
    """A program, its data, and what TensorFlow and float64 say of them."""

    program: Program
    dataset: Dataset
    reference: Trace
    truths: Mapping[int, Truth]

    def trace(self, one: Port, free_steps: int | None = None) -> Trace:
        """A port's trace from the reference's weights; its free run as long as the reference's, or of so many steps."""
        length = len(self.reference.series["losses"]) if free_steps is None else free_steps
        return Reference(self.reference, self.truths).followed_by(one, length)

    def checks(self, got: Trace, budget: Budget | None = None) -> list[Check]:
        return compare(self.reference, got, self.truths, rule_of(self.program.as_dict()), budget)

    def failures(self, got: Trace) -> list[str]:
        return [check.place for check in self.checks(got) if not check.passed]


def first(dataset: Dataset, images: int, tests: int = 100) -> Dataset:
    """The first images of a data set."""
    train, test = (Split(*(a[:n] for a in s)) for s, n in ((dataset.train, images), (dataset.test, tests)))
    return dataset._replace(train=train, test=test)
