"""`python -m parity mutants`: plants the bugs of `bugs_*.py` one by one and reports how each is caught.

The proof of the proof. Every bug must be caught by the tier and at the tensor that its description names, at least ten
times over the limit; every benign variant must stay under a third of every limit (T3, which is a bound and not a
calibration: within it). Otherwise the limits are wrong, and the command says which gap closed.
"""

import contextlib
import dataclasses
import functools
import itertools
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import tyro

from jaxmlp import command_line
from jaxmlp.errors import ConfigError

DESCRIPTION = "Plant bugs in the port one by one; each must be caught where expected, and nothing benign may be."
CAUGHT = 10  # times over the limit, at least
BENIGN = 1 / 3  # of the limit, at most
STEPS = [0, 10]  # and the probe; at 0 biases are zero and units of the blank image sit on the kink, at 10 neither
CHUNKS = 4  # the images are computed in so many chunks, or in one less and a rest that fills none


@dataclasses.dataclass(frozen=True)
class MutantsOptions:
    """Options of the planted bugs."""

    oracle: Literal["auto", "tf115", "compat"] = "auto"
    """who answers for TensorFlow"""
    seed: Annotated[int, tyro.conf.arg(metavar="G")] = 0
    """as tf.set_random_seed(G)"""
    images: Annotated[int, tyro.conf.arg(metavar="N")] = 2000
    """training images, the first of them blank"""
    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto (MNIST, else generated digits), mnist, tfds:NAME[/CONFIG] or generated[:N]"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the data's files; also $JAXMLP_DATA_DIR"""
    only: Annotated[tuple[str, ...], tyro.conf.arg(metavar="WORD")] = ()
    """only bugs whose name has one of these words in it"""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """write what was found"""
    time_limit: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 600
    """for TensorFlow 1.15's answer"""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""

    def __post_init__(self):
        from jaxmlp.data.load import check_name

        check_name(self.data)
        if self.images < 100:
            raise ConfigError(f"images = {self.images} is impossible: 100 at least, or too few limits bite")


class Finding(NamedTuple):
    """What became of one planted bug or benign variant."""

    name: str
    expected: str  # tier and tensor, or "nothing"
    ratio: float  # times the limit: at the expected place, or a benign variant's largest
    first: str  # where it shows first or most
    held: bool  # as expected


def plant(argv: Sequence[str] | None) -> int:
    """Returns 0 when all is caught and nothing benign is, else 1; raises JaxmlpError."""
    options = command_line.parse(MutantsOptions, argv, "python -m parity mutants", DESCRIPTION)
    from parity import report

    started = time.perf_counter()
    bench = Bench(options, lambda what: print(f"… {what}", file=sys.stderr, flush=True))
    print(HEAD, flush=True)
    findings = []
    for finding in itertools.chain(bench.benign(), bench.mutants()):
        print(line(finding), flush=True)
        findings.append(finding)
    print(summary(findings, time.perf_counter() - started))
    if options.json:
        report.write(options.json, to_json(findings))
    return 0 if all(finding.held for finding in findings) else 1


class Bench:
    """TensorFlow's answers, asked once, and every variant of the port held against them."""

    def __init__(self, options: MutantsOptions, say):
        from jaxmlp.config import Config
        from jaxmlp.device import pick
        from parity.choice import live
        from parity.prove import first_images
        from parity.reference import live_trace
        from parity.tiers import Ground

        self.say, self.only, self.device = say, options.only, pick("cpu")
        self.config = Config(seed=options.seed, steps=max(STEPS) + 1, report_every=max(STEPS))
        self.dataset = _with_blank(first_images(options))
        oracle = live(options.oracle, 0, options.time_limit)
        say(f"TensorFlow answers: {oracle.name}, {len(self.dataset.train.labels)} images")
        self.reference, exacts = live_trace(oracle, self.config, self.dataset, STEPS)
        self.ground = Ground(self.dataset.train, self.config.learning_rate, exacts)

    def benign(self):
        """Every harmless variant: nothing may come near a limit."""
        for variant in [*self._variants(), self._port(self.dataset, True)]:
            self.say(f"benign: {variant.name}")
            checks = self._checks(variant, free=False)
            worst = max(checks, key=lambda check: check.ratio / _allowed(check))
            held = all(check.ratio <= _allowed(check) for check in checks)
            yield Finding(f"benign: {variant.name}", "nothing", worst.ratio, _place(worst), held)

    def mutants(self):
        """Every planted bug, each caught where its description says."""
        from parity import bugs_inputs, bugs_model, bugs_training

        for mutant in [*bugs_inputs.mutants(), *bugs_model.mutants(), *bugs_training.mutants()]:
            if self.only and not any(word in mutant.name for word in self.only):
                continue
            self.say(mutant.name)
            if mutant.free:
                self._budget  # noqa: B018  (before the bug is planted)
            with mutant.plant():
                yield self._caught(mutant)

    def _variants(self):
        from parity import budget

        return budget.benign(self.config, self.dataset, self.device, free=False)

    @functools.cached_property
    def _budget(self):
        """Asked for by the first bug that shows in a free run only, when no bug is planted."""
        from parity import budget

        return budget.budget(self._port(self.dataset).free_run(), budget.ensemble(self._variants(), self.say))

    def _caught(self, mutant) -> Finding:
        from parity.errors import CannotCompare
        from parity.mutant import REFUSED

        expected = mutant.tier if mutant.tier == REFUSED else f"{mutant.tier} {mutant.tensor}"
        try:
            checks = self._checks(self._port(mutant.data(self.dataset), mutant.rest), free=mutant.free)
        except CannotCompare as error:
            return Finding(mutant.name, expected, math.inf, str(error), mutant.tier == REFUSED)
        there = [check for check in checks if (check.tier, check.tensor) == (mutant.tier, mutant.tensor)]
        ratio = max((check.ratio for check in there), default=0.0)
        held = ratio >= CAUGHT
        if mutant.only_step is not None:
            held = held and all(check.passed or check.step == mutant.only_step for check in checks)
        first = next((check for check in checks if not check.passed), None)
        return Finding(mutant.name, expected, ratio, _place(first) if first else "nowhere", held)

    def _port(self, dataset, rest: bool = False):
        from parity.port import port

        images = len(dataset.train.labels)
        config = dataclasses.replace(self.config, chunk=images // (CHUNKS - 1) - 1 if rest else -(-images // CHUNKS))
        return port(config, dataset, self.device, "dense", "float32")

    def _checks(self, port, free: bool):
        from parity.admissible import require_comparable
        from parity.tiers import compare

        weights = {step: one.update.weights for step, one in self.reference.steps.items()}
        logits_grads = {step: exact.logits_grad for step, exact in self.ground.exacts.items()}
        with contextlib.ExitStack() as stack:
            if free:
                stack.callback(_forget_compiled)
                _forget_compiled()
            trace = port.trace(weights, logits_grads, free=free)
        if not port.float64:
            require_comparable(self.reference, trace if free else trace._replace(free=self.reference.free))
        return compare(self.reference, trace, self.ground, self._budget if free else None)


HEAD = f"{'planted':46}{'must be caught at':28}{'× limit':>10}  {'shows first at':36}verdict"


def line(finding: Finding) -> str:
    """A row of the table."""
    verdict = "as expected" if finding.held else "GAP CLOSED" if finding.expected == "nothing" else "SURVIVED"
    return f"{finding.name:46}{finding.expected:28}{finding.ratio:>10.3g}  {finding.first[:34]:36}{verdict}"


def summary(findings: list[Finding], seconds: float) -> str:
    """How many were caught, and by which factor the nearest of either kind misses the other side."""
    benign = [finding for finding in findings if finding.expected == "nothing"]
    planted = [finding for finding in findings if finding.expected != "nothing"]
    caught = sum(finding.held for finding in planted)
    lines = [
        f"{caught} of {len(planted)} planted bugs caught as expected, {sum(f.held for f in benign)} of {len(benign)}"
    ]
    lines[0] += f" benign variants left alone; {seconds:.0f} s"
    if planted:
        nearest = min(planted, key=lambda finding: finding.ratio)
        lines.append(
            f"nearest to escaping: {nearest.name}, {nearest.ratio:.3g} times over its limit ({nearest.expected})"
        )
    return "\n".join(lines)


def to_json(findings: list[Finding]) -> str:
    """A list of objects."""
    import json

    rows = [{**f._asdict(), "ratio": f.ratio if math.isfinite(f.ratio) else str(f.ratio)} for f in findings]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def _with_blank(dataset: Any):
    """The data set with a first image of zeros: there z = b1 = 0, and the ReLU's gradient at 0 matters."""
    images = dataset.train.images.copy()
    images[0] = 0
    return dataset._replace(train=dataset.train._replace(images=images))


def _allowed(check) -> float:
    return 1.0 if check.tier == "T3" else BENIGN


def _place(check) -> str:
    from parity.report import step_label

    return f"{check.tier} {check.tensor}, {step_label(check)}"


def _forget_compiled() -> None:
    """`trainer.step` may have been compiled with, or without, a planted bug."""
    import jax

    jax.clear_caches()
