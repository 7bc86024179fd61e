"""`python -m parity mutants`: plants the bugs of `bugs_*.py` one by one and reports how each is caught.

The proof of the proof. Every bug must be caught by the tier and at the tensor that its description names, at least ten
times over the limit; every benign variant must stay under a third of every limit (T3, which is a bound and not a
calibration: within it). Otherwise the limits are wrong, and the command says which gap closed.
"""

import contextlib
import dataclasses
import functools
import math
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import tyro

from jaxmlp import command_line
from jaxmlp.errors import ConfigError
from parity.errors import CannotCompare

DESCRIPTION = "Plant bugs in the port one by one; each must be caught where expected, and nothing benign may be."
CAUGHT = 10  # times over the limit, at least
BENIGN = 1 / 3  # of the limit, at most
STEPS = [0, 10]  # and the probe; at 0 biases are zero and units of a blank image sit on the kink, at 10 neither
BENIGN_VARIANTS = (
    "float64",
    "images permuted one way",
    "images permuted another way",
    "small chunks",
    "large chunks",
    "another engine",
    "a rest that fills no chunk",
)
CHUNKS = 4  # the images are computed in so many chunks, or in one less and a rest that fills none


@dataclasses.dataclass(frozen=True)
class MutantsOptions:
    """Options of the planted bugs."""

    oracle: Literal["auto", "tf115", "compat"] = "auto"
    """who answers for TensorFlow"""
    seed: Annotated[int, tyro.conf.arg(metavar="G")] = 0
    """as tf.set_random_seed(G)"""
    images: Annotated[int, tyro.conf.arg(metavar="N")] = 2000
    """training images, one in a hundred of them made blank"""
    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto (MNIST, else generated digits), mnist, tfds:NAME[/CONFIG] or generated[:N]"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the data's files; also $JAXMLP_DATA_DIR"""
    jobs: Annotated[int, tyro.conf.arg(metavar="N")] = 2
    """processes that plant at the same time, about 2 GB each"""
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
        if self.jobs < 1:
            raise ConfigError(f"jobs = {self.jobs} is impossible: it must be at least 1")
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
    findings = []
    for finding in held_against(ask(options), chosen(options.only), options.jobs):
        print("\n".join([HEAD, line(finding)]) if not findings else line(finding), flush=True)
        findings.append(finding)
    print(summary(findings, time.perf_counter() - started))
    if options.json:
        report.write(options.json, to_json(findings))
    return 0 if findings and all(finding.held for finding in findings) else 1


def ask(options: MutantsOptions) -> "Bench":
    """TensorFlow's answers, asked once for all."""
    from jaxmlp.config import Config
    from parity.choice import live
    from parity.prove import first_images
    from parity.reference import live_trace
    from parity.tiers import Ground

    config = Config(seed=options.seed, steps=max(STEPS) + 1, report_every=max(STEPS))
    dataset = _with_blanks(first_images(options))
    oracle = live(options.oracle, 0, options.time_limit)
    print(f"… TensorFlow answers: {oracle.name}, {len(dataset.train.labels)} images", file=sys.stderr, flush=True)
    reference, exacts = live_trace(oracle, config, dataset, STEPS)
    return Bench(config, dataset, reference, Ground(dataset.train, config.learning_rate, exacts))


def catalogue() -> list[Any]:
    """Every planted bug."""
    from parity import bugs_inputs, bugs_layout, bugs_model, bugs_training

    return [*bugs_inputs.mutants(), *bugs_model.mutants(), *bugs_layout.mutants(), *bugs_training.mutants()]


def chosen(only: Sequence[str]) -> list[str]:
    """Names of what to hold against TensorFlow: benign variants, then the bugs `only` leaves."""
    bugs = [mutant.name for mutant in catalogue() if not only or any(word in mutant.name for word in only)]
    if not bugs:
        raise ConfigError(f"only = {' '.join(only)!r} fits none of the {len(catalogue())} planted bugs")
    return [*BENIGN_VARIANTS, *bugs]


def held_against(bench: "Bench", names: list[str], jobs: int) -> Iterator[Finding]:
    """A finding for each name, in their order, by so many processes: a plant changes the whole of one."""
    if jobs == 1:
        yield from map(bench.finding, names)
        return
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_take, initargs=(bench,)) as pool:
            yield from pool.map(_finding, names)
    except BrokenProcessPool:
        raise CannotCompare("a planting process was killed, most likely for want of memory: try --jobs 1") from None


_BENCH: list["Bench"] = []  # of a worker process


def _take(bench: "Bench") -> None:
    _BENCH.append(bench)


def _finding(name: str) -> Finding:
    return _BENCH[0].finding(name)


@dataclasses.dataclass
class Bench:
    """What every variant of the port is held against."""

    config: Any
    dataset: Any
    reference: Any
    ground: Any

    def finding(self, name: str) -> Finding:
        """Of a benign variant or a planted bug, by name."""
        if name in BENIGN_VARIANTS:
            return self._left_alone(name)
        mutant = next(mutant for mutant in catalogue() if mutant.name == name)
        if mutant.free:
            self._budget  # noqa: B018  (made before the bug is planted)
        with mutant.plant():
            return self._caught(mutant)

    def _left_alone(self, name: str) -> Finding:
        """A harmless variant: nothing may come near a limit."""
        variant = self._variants()[BENIGN_VARIANTS.index(name)]
        checks = self._checks(variant, free=False)
        worst = max(checks, key=lambda check: check.ratio / _allowed(check))
        held = all(check.ratio <= _allowed(check) for check in checks)
        return Finding(f"benign: {name}", "nothing", worst.ratio, _place(worst), held)

    def _caught(self, mutant: Any) -> Finding:
        """A planted bug: caught where its description says."""
        from parity.mutant import REFUSED

        expected = mutant.tier if mutant.tier == REFUSED else f"{mutant.tier} {mutant.tensor}"
        try:
            port = self._port(mutant.data(self.dataset), mutant.rest, mutant.layout)
            checks = self._checks(port, free=mutant.free)
        except CannotCompare as error:
            return Finding(mutant.name, expected, math.inf, str(error), mutant.tier == REFUSED)
        there = [check for check in checks if (check.tier, check.tensor) == (mutant.tier, mutant.tensor)]
        ratio = max((check.ratio for check in there), default=0.0)
        held = ratio >= CAUGHT
        if mutant.only_step is not None:
            held = held and all(check.passed or check.step == mutant.only_step for check in checks)
        first = next((check for check in checks if not check.passed), None)
        return Finding(mutant.name, expected, ratio, _place(first) if first else "nowhere", held)

    def _variants(self) -> list[Any]:
        from parity import budget

        return [*budget.benign(self.config, self.dataset, _device(), free=False), self._port(self.dataset, True)]

    @functools.cached_property
    def _budget(self):
        from parity import budget

        return budget.budget(*budget.ensemble(self._port(self.dataset), self._variants(), lambda step: None))

    def _port(self, dataset: Any, rest: bool = False, layout: str = "dense"):
        from parity.port import port

        images = len(dataset.train.labels)
        chunk = images // (CHUNKS - 1) - 1 if rest else -(-images // CHUNKS)
        return port(dataclasses.replace(self.config, chunk=chunk), dataset, _device(), layout, "float32")

    def _checks(self, port: Any, free: bool) -> list[Any]:
        from parity.admissible import require_comparable
        from parity.tiers import compare

        weights = {step: one.update.weights for step, one in self.reference.steps.items()}
        logits_grads = {step: exact.logits_grad for step, exact in self.ground.exacts.items()}
        with contextlib.ExitStack() as stack:
            if free:
                stack.callback(_forget_compiled)
                _forget_compiled()
            trace = port.trace(weights, logits_grads, self.config.steps if free else 0)
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


def _with_blanks(dataset: Any):
    """The data set with one image in a hundred made blank, all of one class, so that their gradients add up.

    There z = b1 = 0 before the first step, and the ReLU's gradient at 0 matters.
    """
    images, labels = dataset.train.images.copy(), dataset.train.labels
    images[(labels == labels[0]).nonzero()[0][: max(1, len(labels) // 100)]] = 0
    return dataset._replace(train=dataset.train._replace(images=images))


def _device():
    from jaxmlp.device import pick

    return pick("cpu")


def _allowed(check) -> float:
    return 1.0 if check.tier == "T3" else BENIGN


def _place(check) -> str:
    from parity.report import step_label

    return f"{check.tier} {check.tensor}, {step_label(check)}"


def _forget_compiled() -> None:
    """`trainer.step` may have been compiled with, or without, a planted bug."""
    import jax

    jax.clear_caches()
