"""Holds the family's mutants against TensorFlow, and, on the same programs, the port itself and its benign variants."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jaxmlp.data import Dataset
from jaxmlp.engine.minibatch import Pool
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from parity.compare.limits import StepNoise
from parity.compare.rules import rule_of
from parity.compare.stepwise import compare_steps
from parity.compare.tensor import Whole
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace, Trace
from parity.errors import CannotCompare, OracleFailed
from parity.mutants.family import draws, gradients, losses, optimizers, rows, schedules
from parity.mutants.family.mutant import STEPS, FamilyMutant
from parity.mutants.finding import Finding
from parity.mutants.hunt import KILLED, benign_share
from parity.noise.benign import permuted
from parity.noise.reference import case
from parity.noise.sampled import Sampler
from parity.oracle.ask import Oracle
from parity.oracle.stepwise import consecutive_all
from parity.subject.port import Port
from parity.subject.stepwise import Stepwise

WIDE = 6  # of so many programs one is computed in float64, too, which takes another compiled step
DENSE = Execution("dense", "float32", 100)  # with images left over


def catalogue() -> list[FamilyMutant]:
    """Every mutant."""
    planted = (optimizers, schedules, draws, rows, losses, gradients)
    return [mutant for part in planted for mutant in part.mutants()]


@dataclasses.dataclass(frozen=True)
class Held:
    """A program, and what its subjects are held against."""

    right: Stepwise
    reference: Trace
    noises: Mapping[int, StepNoise]

    def checks(self, subject: Stepwise) -> list[Check]:
        """All of a subject's."""
        rule, got = rule_of(self.right.port.program.as_dict()), subject.trace(self.reference)
        if not subject.port.float64:
            return compare_steps(self.reference, got, self.noises, rule)
        steps = {t: StepTrace(_narrow(one.start), _narrow(one.got)) for t, one in got.steps.items()}
        checks = compare_steps(self.reference, got._replace(steps=steps), self.noises, rule)
        return [check for check in checks if check.tier != "T3"]  # which is of float32's own gradient

    def left_alone(self, subject: Stepwise, name: str) -> Finding:
        """A harmless subject: nothing may come near a limit."""
        checks = self.checks(subject)
        worst = max(checks, key=lambda check: check.ratio / benign_share(check))
        return Finding(
            f"benign: {name}", "nothing", worst.ratio, worst.place, all(c.ratio <= benign_share(c) for c in checks)
        )

    def killed(self, mutant: FamilyMutant) -> Finding:
        """A mutant: killed where its description says."""
        expected = f"{mutant.tier} {mutant.tensor}"
        try:
            checks = self.checks(mutant.change(self.right))
        except CannotCompare as error:
            return Finding(mutant.name, expected, math.inf, str(error), held=False)
        there = [check.ratio for check in checks if (check.tier, check.tensor) == (mutant.tier, mutant.tensor)]
        first = next((check.place for check in checks if not check.passed), "nowhere")
        ratio = max(there, default=0.0)
        return Finding(mutant.name, expected, ratio, first, ratio >= KILLED)


def hunted(mutants: Sequence[FamilyMutant], oracle: Oracle, dataset: Dataset, device: jax.Device) -> Iterator[Finding]:
    """A finding for each benign variant of each program, then for its mutants. Raises as `oracle.ask_all` does."""
    by_program: dict[Program, list[FamilyMutant]] = {}
    for mutant in mutants:
        by_program.setdefault(mutant.program, []).append(mutant)
    told = consecutive_all(oracle, [case(program, dataset) for program in by_program], STEPS)
    for i, ((program, own), reference) in enumerate(zip(by_program.items(), told, strict=True)):
        if isinstance(reference, OracleFailed):
            raise reference
        right = Stepwise.of(program, dataset, device, DENSE)
        sampler = Sampler(right.port)
        held = Held(right, reference, {step: sampler.noise(one) for step, one in reference.steps.items()})
        name = own[0].name
        yield from itertools.starmap(held.left_alone, _benign(right, name, i % WIDE == 0))
        yield from map(held.killed, own)


def count(mutants: Sequence[FamilyMutant]) -> int:
    """How many findings there will be of these."""
    programs = len({mutant.program for mutant in mutants})
    return len(mutants) + 2 * programs + -(-programs // WIDE)


def _benign(right: Stepwise, name: str, also_float64: bool) -> Iterator[tuple[Stepwise, str]]:
    """The port itself, its images in another order, and float64."""
    yield right, name
    yield dataclasses.replace(right, port=_permuted(right)), f"permuted, {name}"
    if also_float64:
        yield dataclasses.replace(right, port=dataclasses.replace(right.port, float64=True)), f"float64, {name}"


def _permuted(right: Stepwise) -> Port:
    if not isinstance(right.port.placed.train, Pool):
        return permuted(right.port, 1)
    rows = len(next(right.batches()))
    return dataclasses.replace(right.port, order=np.random.default_rng(1).permutation(rows))


def _narrow(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """float32 for float64."""
    wide = {key: tensor.array for key, tensor in tensors.items()}
    return {key: Whole(a.astype(np.float32) if a.dtype == np.float64 else a) for key, a in wide.items()}
