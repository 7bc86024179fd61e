"""`python -m parity`: holds every engine of the port against TensorFlow and says whether it is the same program."""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from jaxmlp import command_line
from jaxmlp.config import Config, Layout, Pixels
from jaxmlp.errors import ConfigError
from parity.chosen import STEPS

DESCRIPTION = """Hold the JAX port against the TensorFlow 1.x program, tensor by tensor and step by step.
Exit code 0: proven; 1: compared, and they differ; 2: cannot compare.
Other commands: python -m parity setup | mutants | published | record, each with --help."""


@dataclasses.dataclass(frozen=True)
class ProveOptions:
    """Options of the proof."""

    oracle: Literal["auto", "tf115", "compat", "recording"] = "auto"
    """who answers for TensorFlow: genuine 1.15.5, TF 2.x's compat.v1, or recorded runs; auto: the best there is"""
    seed: Annotated[int, tyro.conf.arg(metavar="G")] = 0
    """as tf.set_random_seed(G)"""
    steps: Annotated[tuple[int, ...], tyro.conf.arg(metavar="T")] = STEPS
    """steps at which both sides start from the same weights"""
    free_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """length of the free run; default: up to the last of the steps"""
    hidden: Annotated[int, tyro.conf.arg(metavar="N")] = 1024
    """hidden units, on both sides"""
    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto (MNIST, else generated digits), mnist, tfds:NAME[/CONFIG] or generated[:N]"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the data's files; also $JAXMLP_DATA_DIR"""
    images: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """only the first N training images"""
    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    """where the port computes"""
    layout: tuple[Layout, ...] = ()
    """engines to hold against TensorFlow, by layout; default: all there are"""
    pixels: tuple[Pixels, ...] = ()
    """engines to hold against TensorFlow, by arithmetic; default: all there are"""
    no_ensemble: bool = False
    """do not run the benign ensemble, so that free runs (T4) are reported and not asserted"""
    threads: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """of a live TensorFlow; 0: all"""
    time_limit: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 7200
    """for TensorFlow 1.15's answer"""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """write every check"""
    junit: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """write the checks as JUnit XML"""
    html: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """write one self-contained page"""
    mutants: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """what `python -m parity mutants --json` wrote, to be shown on the page"""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("runs/parity")
    """where both sides' tensors go at the first divergence"""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""

    def __post_init__(self):
        from jaxmlp.data.load import check_name

        check_name(self.data)
        if not self.steps or min(self.steps) < 0:
            raise ConfigError(f"steps = {self.steps} is impossible: name at least one, none below 0")
        if self.free_steps is not None and self.free_steps < 1:
            raise ConfigError(f"free_steps = {self.free_steps} is impossible: it must be at least 1")
        if self.free_steps is not None and self.free_steps <= max(self.steps) and self.oracle != "recording":
            raise ConfigError(f"free_steps = {self.free_steps} ends before step {max(self.steps)}: it must be longer")
        if self.images is not None and self.images < 1:
            raise ConfigError(f"images = {self.images} is impossible: it must be at least 1")
        self.program()

    def program(self) -> Config:
        """What both sides run."""
        return Config(seed=self.seed, hidden=self.hidden, steps=self.free_steps or max(self.steps) + 1)


def prove(argv: Sequence[str] | None) -> int:
    """Returns 0 or 1; raises JaxmlpError where the two cannot be compared."""
    options = command_line.parse(ProveOptions, argv, "python -m parity", DESCRIPTION)
    from parity import page, report

    mutants = read_findings(options.mutants) if options.mutants else None
    started = time.perf_counter()
    proof = run(options, lambda what: print(f"… {what}", file=sys.stderr, flush=True))
    proof = proof._replace(seconds=time.perf_counter() - started)
    print(report.table(proof))
    if options.json:
        report.write(options.json, report.to_json(proof))
    if options.junit:
        report.write(options.junit, report.to_junit(proof))
    if options.html:
        report.write(options.html, page.render(proof, mutants))
    return 0 if proof.proven else 1


def read_findings(path: Path) -> str:
    """Raises `ConfigError` before hours of work where the file is not there."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def run(options: ProveOptions, say) -> Any:
    """The whole comparison: a `report.Proof`. `say` is told what is going on."""
    from jaxmlp.device import pick
    from parity import budget, port, report
    from parity.admissible import require_comparable
    from parity.diagnosis import first_divergence, write_tensors
    from parity.tiers import Ground, compare, own_rule

    device, config = pick(options.device), options.program()
    dataset = first_images(options)
    reference, exacts = refer(options, config, dataset, say)
    ground = Ground(dataset.train, config.learning_rate, exacts)
    allowed = None
    if not options.no_ensemble:
        base = port.port(config, dataset, device, "dense", "float32")
        variants = budget.benign(config, dataset, device, free=True)
        allowed = budget.budget(*budget.ensemble(base, variants, lambda step: say(f"benign ensemble, {step}")))
    asserted = min(config.steps, max(1, allowed.horizon + 1)) if allowed else 1
    weights = {step: one.update.weights for step, one in reference.steps.items()}
    logits_grads = {step: exact.logits_grad for step, exact in exacts.items()}
    candidates = []
    for candidate in port.candidates(config, dataset, device, options.layout, options.pixels):
        say(f"jaxmlp {candidate.name}")
        # The first engine runs to the end, for the curves; the others as far as anything is asserted, or one step.
        length = asserted if candidates else config.steps
        expected = reference._replace(free=reference.free.cut(length))
        trace = candidate.trace(weights, logits_grads, length)
        require_comparable(expected, trace)
        checks = compare(expected, trace, ground, allowed)
        if divergence := first_divergence(checks):
            write_tensors(options.out / f"{candidate.name.replace(' ', '-')}.npz", divergence.step, expected, trace)
        candidates.append(report.Candidate(candidate.name, trace.provenance, checks, trace.free))
    return report.Proof(
        config=config,
        source=dataset.source,
        reference=reference._replace(steps={}),
        own_rule=own_rule(reference, ground),
        candidates=candidates,
        budget=allowed,
        tests=len(dataset.test.labels),
    )


def first_images(options: Any):
    """The data set, cut to the number of images asked for. Raises `ConfigError` where there are not as many."""
    from jaxmlp.data import Split, load

    dataset = load(options.data, options.data_dir, options.seed)
    if options.images is None:
        return dataset
    if options.images > len(dataset.train.labels):
        raise ConfigError(f"images = {options.images}: {dataset.source} has only {len(dataset.train.labels)}")
    train = Split(*(array[: options.images] for array in dataset.train))
    return dataset._replace(train=train, source=f"the first {options.images} images of {dataset.source}")


def refer(options: ProveOptions, config: Config, dataset, say):
    """The reference's trace and the float64 truth, from whoever answers for TensorFlow."""
    from parity import recording, reference
    from parity.choice import choose

    oracle = choose(options.oracle, options.threads, options.time_limit)
    if oracle is None:
        say("TensorFlow 1.15.5, as recorded")
        return recording.trace(config, dataset, list(options.steps))
    say(f"TensorFlow answers: {oracle.name}, {config.steps} steps and {len(options.steps) + 1} from given weights")
    return reference.live_trace(oracle, config, dataset, sorted(set(options.steps)))
