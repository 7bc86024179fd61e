"""One program proven step by step: the port beside TensorFlow's trace of consecutive steps."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax

from jaxmlp.data import Dataset
from jaxmlp.errors import JaxmlpError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from parity.compare.rules import rule_of
from parity.compare.stepwise import compare_steps, is_finite, own_rule_of_steps, undetermined
from parity.compare.tiers import Check
from parity.compare.trace import Trace
from parity.errors import CannotCompare, OracleFailed
from parity.noise.reference import case
from parity.noise.sampled import Sampler
from parity.oracle.ask import Oracle
from parity.oracle.stepwise import consecutive_all
from parity.subject.stepwise import Stepwise


class Outcome(NamedTuple):
    """What became of one program."""

    program: Program
    checks: list[Check]
    own_rule: list[Check]  # TensorFlow's own updates
    diverged: int | None = None  # the first step at which TensorFlow's numbers are not finite
    error: str = ""  # why the two could not be compared

    @property
    def failures(self) -> list[Check]:
        """The checks that failed, in the order of steps and tiers."""
        return [check for check in (*self.checks, *self.own_rule) if not check.passed]

    @property
    def undetermined(self) -> list[Check]:
        """The checks that say nothing: rounding may move by a tenth what they compare."""
        return [check for check in self.checks if undetermined(check)]

    @property
    def passed(self) -> bool:
        """Whether both sides were compared and agree."""
        return bool(self.checks) and not self.error and not self.failures

    @property
    def told(self) -> str:
        """In a few words."""
        if self.error:
            return self.error
        if self.failures:
            first = self.failures[0]
            return f"{first.place}: {first.measured:.3g} {first.unit}, {first.ratio:.3g} times its limit"
        worst = max(self.checks, key=lambda check: check.ratio if check.tier != "T3" else 0)
        return f"{worst.ratio:.2f} of a limit at most, {worst.place}"


def prove_all(
    oracle: Oracle, programs: Sequence[Program], dataset: Dataset, device: jax.Device, steps: int
) -> Iterator[Outcome]:
    """Of each settled program, in turn; TensorFlow goes ahead. Raises as `oracle.ask_all` does."""
    cases = [case(program, dataset) for program in programs]
    for program, told in zip(programs, consecutive_all(oracle, cases, steps), strict=True):
        yield held(program, dataset, device, told)


def held(program: Program, dataset: Dataset, device: jax.Device, reference: Trace | OracleFailed) -> Outcome:
    """The port beside the reference's steps."""
    if isinstance(reference, OracleFailed):
        return Outcome(program, [], [], error=f"TensorFlow: {reference}")
    steps, rule = reference.steps, rule_of(program.as_dict())
    diverged = next((step for step, one in steps.items() if not is_finite(one)), None)
    try:
        subject = Stepwise.of(program, dataset, device, Execution())
        with ThreadPoolExecutor(1) as pool:  # while the one is compiled, the other is sampled
            got = pool.submit(subject.trace, reference)
            sampler = Sampler(subject.port)
            noises = {step: sampler.noise(one) for step, one in steps.items() if diverged is None or step < diverged}
            checks = compare_steps(reference, got.result(), noises, rule)
        return Outcome(program, checks, own_rule_of_steps(reference, rule), diverged)
    except (CannotCompare, JaxmlpError) as error:
        return Outcome(program, [], [], diverged, str(error))
