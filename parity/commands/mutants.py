"""`python -m parity mutants`: hunts the mutants of the port one by one and reports how each is killed."""

import dataclasses
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from jaxmlp.data import Dataset
from jaxmlp.device import pick
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program
from jaxmlp.progress import Progress, write
from jaxmlp.run.files import require_writable, write_whole
from parity.commands.adopted_mutants import adopted
from parity.commands.options import MutantsOptions
from parity.mutants.family import hunt as of_family
from parity.mutants.family.mutant import FamilyMutant
from parity.mutants.finding import Finding, to_json
from parity.mutants.hunt import Hunt, catalogue
from parity.mutants.mutant import Mutant
from parity.noise import reference
from parity.oracle import select
from parity.oracle.ask import Oracle

Planted = TypeVar("Planted", bound=Mutant | FamilyMutant)
IMAGES, FAMILY_IMAGES = 2000, 256  # of the training set, unless told
STEPS = [0, 10]  # and the probe; at 0 biases are zero and units of a blank image sit on the kink, at 10 neither
HEAD = f"{'mutant':46}{'must be killed at':28}{'× limit':>10}  {'shows first at':36}verdict"


def mutants(options: MutantsOptions) -> int:
    """Returns 0 when all are killed and nothing benign is, else 1; raises JaxmlpError or CannotCompare."""
    started = time.perf_counter()
    if options.json:
        require_writable(options.json)
    if options.folder:
        return adopted(options)
    hunted = chosen(options.only, of_family.catalogue() if options.family else catalogue())
    images = options.images.images or (FAMILY_IMAGES if options.family else IMAGES)
    dataset = with_blanks(dataclasses.replace(options.images, images=images).load(options.seed))
    oracle = select.live(options.oracle, 0, options.time_limit)
    print(f"… TensorFlow answers: {oracle.name}, {len(dataset.train.labels)} images", file=sys.stderr, flush=True)
    findings: list[Finding] = []
    count, found = _hunt(options, hunted, oracle, dataset)
    with Progress(count, "variant", "holding against TensorFlow") as progress:
        for finding in found:
            write(line(finding) if findings else f"{HEAD}\n{line(finding)}", sys.stdout)
            findings.append(finding)
            progress.update()
    if options.json:
        write_whole(options.json, to_json(findings).encode(), folders=True)
    print(summary(findings, time.perf_counter() - started))
    return 0 if all(finding.held for finding in findings) else 1


def _hunt(
    options: MutantsOptions, hunted: Sequence[Any], oracle: Oracle, dataset: Dataset
) -> tuple[int, Iterator[Finding]]:
    """How many findings there will be, and they."""
    if options.family:
        return of_family.count(hunted), of_family.hunted(hunted, oracle, dataset, pick("cpu"))
    program = Program(seed=options.seed, steps=max(STEPS) + 1, report_every=max(STEPS))
    hunt = Hunt(program, dataset, pick("cpu"), reference.live(oracle, program, dataset, STEPS))
    found = itertools.chain(hunt.left_alone(options.jobs), hunt.killed(hunted, options.jobs))
    return len(hunt.variants) + len(hunted), found


def chosen(only: Sequence[str], every: Sequence[Planted]) -> list[Planted]:
    """The mutants with one of these words in their names, or all. Raises ConfigError where there are none."""
    named = [mutant for mutant in every if not only or any(word in mutant.name for word in only)]
    if not named:
        raise ConfigError(f"only = {' '.join(only)!r} fits none of the {len(every)} mutants")
    return named


def with_blanks(dataset: Dataset) -> Dataset:
    """The data set with one image in a hundred made blank, all of one class, so that their gradients add up.

    There z = b1 = 0 before the first step, and the ReLU's gradient at 0 matters.
    """
    images, labels = dataset.train.images.copy(), dataset.train.labels
    images[(labels == labels[0]).nonzero()[0][: max(1, len(labels) // 100)]] = 0
    return dataset._replace(train=dataset.train._replace(images=images))


def line(finding: Finding) -> str:
    """A row of the table."""
    verdict = "as expected" if finding.held else "GAP CLOSED" if finding.expected == "nothing" else "SURVIVED"
    return f"{finding.name:45} {finding.expected:27} {finding.ratio:>10.3g}  {finding.first[:34]:36}{verdict}"


def summary(findings: Sequence[Finding], seconds: float) -> str:
    """How many were killed, and by which factor the nearest of either kind misses the other side."""
    benign = [finding for finding in findings if finding.expected == "nothing"]
    mutants = [finding for finding in findings if finding.expected != "nothing"]
    killed, alone = (sum(finding.held for finding in some) for some in (mutants, benign))
    nearest = min(mutants, key=lambda finding: finding.ratio)
    return (
        f"{killed} of {len(mutants)} mutants killed as expected, {alone} of {len(benign)} benign variants left alone;"
        f" {seconds:.0f} s\n"
        f"nearest to surviving: {nearest.name}, {nearest.ratio:.3g} times over its limit ({nearest.expected})"
    )
