"""Holds mutants and benign variants of the port against TensorFlow, one by one, and reports how each is killed.

Every mutant must be killed by the tier and at the tensor that its description names, at least ten times over the limit;
every benign variant must stay under a third of every limit (T3, which is a bound and not a calibration: within it).
Otherwise the limits are wrong, and the finding says which gap closed.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import jax

from jaxmlp.data.dataset import Dataset
from jaxmlp.execution import Execution, Layout
from jaxmlp.program import Program
from parity.compare.comparable import require_comparable
from parity.compare.limits import Budget
from parity.compare.rules import rule_of
from parity.compare.tiers import Check, compare
from parity.errors import CannotCompare
from parity.mutants import inputs, layout, network, training
from parity.mutants.finding import Finding
from parity.mutants.mutant import REFUSED, Mutant
from parity.noise.benign import benign_variants
from parity.noise.ensemble import budget, side_by_side
from parity.noise.reference import Reference
from parity.subject.port import Port

KILLED = 10  # times over the limit, at least
BENIGN = 1 / 3  # of the limit, at most
CHUNKS = 4  # the images are computed in so many chunks, or in one less and a rest that fills none


def catalogue() -> list[Mutant]:
    """Every mutant."""
    return [*inputs.mutants(), *network.mutants(), *layout.mutants(), *training.mutants()]


@dataclasses.dataclass
class Hunt:
    """What every variant of the port is held against."""

    program: Program
    dataset: Dataset
    device: jax.Device
    reference: Reference

    def left_alone(self, jobs: int) -> Iterator[Finding]:
        """A finding for each benign variant, in their order; `jobs` at a time."""
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(self._left_alone, self.variants)

    def killed(self, mutants: Sequence[Mutant], jobs: int) -> Iterator[Finding]:
        """A finding for each mutant, in their order; `jobs` at a time."""
        allowed = None
        if any(mutant.free for mutant in mutants):
            allowed = budget(*side_by_side(self._port(), self.variants, lambda step: None))
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(lambda mutant: self._killed(mutant, allowed), mutants)

    @functools.cached_property
    def variants(self) -> list[Port]:
        """The benign ones."""
        rest = dataclasses.replace(self._port(rest=True), name="a rest that fills no chunk")
        return [*benign_variants(self.program, self.dataset, self.device, free=False), rest]

    def _left_alone(self, variant: Port) -> Finding:
        """A harmless variant: nothing may come near a limit."""
        checks = self._checks(variant, None)
        worst = max(checks, key=lambda check: check.ratio / benign_share(check))
        held = all(check.ratio <= benign_share(check) for check in checks)
        return Finding(f"benign: {variant.name}", "nothing", worst.ratio, worst.place, held)

    def _killed(self, mutant: Mutant, allowed: Budget | None) -> Finding:
        """A mutant: killed where its description says."""
        expected = mutant.tier if mutant.tier == REFUSED else f"{mutant.tier} {mutant.tensor}"
        try:
            changed = mutant.change(self._port(mutant.layout, mutant.rest, mutant.screened))
            checks = self._checks(changed, allowed if mutant.free else None)
        except CannotCompare as error:
            return Finding(mutant.name, expected, math.inf, str(error), mutant.tier == REFUSED)
        there = [check for check in checks if (check.tier, check.tensor) == (mutant.tier, mutant.tensor)]
        ratio = max((check.ratio for check in there), default=0.0)
        elsewhere = [check for check in checks if not check.passed and check.step != mutant.only_step]
        first = next((check for check in checks if not check.passed), None)
        held = ratio >= KILLED and not (mutant.only_step is not None and elsewhere)
        return Finding(mutant.name, expected, ratio, first.place if first else "nowhere", held)

    def _port(self, layout: Layout = "dense", rest: bool = False, screened: bool = False) -> Port:
        images = len(self.dataset.train.labels)
        chunk = images // (CHUNKS - 1) - 1 if rest else -(-images // CHUNKS)
        execution = Execution(layout, "float32", chunk, "on" if screened else "off")
        return Port.of(self.program, self.dataset, self.device, execution)

    def _checks(self, one: Port, allowed: Budget | None) -> list[Check]:
        theirs, truths = self.reference
        got = self.reference.followed_by(one, self.program.steps if allowed else 0)
        if not one.float64:
            require_comparable(theirs, got if allowed else got._replace(series=theirs.series))
        return compare(theirs, got, truths, rule_of(self.program.as_dict()), allowed)


def benign_share(check: Check) -> float:
    """The part of its limit that a benign variant may come to."""
    return 1.0 if check.tier == "T3" else BENIGN
