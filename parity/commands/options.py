"""Every command of parity by its options, their docstring what --help begins with. Light: no jax, no numpy."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from jaxmlp.checks import require, require_count
from jaxmlp.errors import ConfigError
from jaxmlp.execution import Layout, Precision
from jaxmlp.options import DataOptions, DeviceOptions, File, Folder, Hidden, ImagesOptions, Seconds, Seed
from jaxmlp.program import Dense, Program

STEPS = (0, 1, 2, 5, 10, 30, 100, 200, 300)  # those of a whole proof, and of a recording
LIVE_STEPS = (0, 1, 2, 5, 10)  # unless told otherwise: a live TensorFlow runs to the last of them first
RECORDED_FREE = 31  # … and of a recording's free run, so that the proof takes two minutes on all of MNIST
Numbers = Annotated[tuple[int, ...], arg(metavar="T")]
LEAST_IMAGES = 100  # for mutants: with fewer, too few limits bite


@dataclasses.dataclass(frozen=True)
class ProveOptions:
    """Is the JAX port the same program as the TensorFlow 1.x original? Compares them tensor by tensor, step by step.
    Takes two to five minutes on two cores with all of MNIST, seconds without it. Needs no TensorFlow: genuine runs are
    recorded. --full takes half an hour.
    Exit code 0: proven; 1: compared, and they differ; 2: cannot compare.
    Other commands: python -m parity setup | family | mutants | published | record, each with --help.
    """

    oracle: Literal["auto", "tf115", "compat", "recording"] = "auto"
    """who answers for TensorFlow: genuine 1.15.5, TF 2.x's compat.v1, or recorded 1.15.5; auto: the best here"""
    seed: Seed = 0
    steps: Numbers = ()
    """both sides start from the same weights at these; default: all recorded, or 0 1 2 5 10 of a live TensorFlow"""
    free_steps: Annotated[int | None, arg(metavar="N")] = None
    """length of the free run; default: 31 of a recording, or up to the last of the steps"""
    full: bool = False
    """also every engine, every step up to 300, the whole free run, and the benign ensemble: half an hour on MNIST"""
    keep_budget: bool = False
    """with --full: keep what the benign ensemble allows beside the recordings, for proofs without it"""
    hidden: Hidden = 1024
    images: ImagesOptions = dataclasses.field(default_factory=ImagesOptions)
    device: DeviceOptions = dataclasses.field(default_factory=DeviceOptions)
    layout: tuple[Layout, ...] = ()
    """engines to hold against TensorFlow, by layout; default: this machine's own, all with --full"""
    precision: tuple[Precision, ...] = ()
    """engines to hold against TensorFlow, by precision; default: this machine's own, all with --full"""
    threads: Annotated[int, arg(metavar="N")] = 0
    """of a live TensorFlow; 0: all"""
    time_limit: Seconds = 7200
    """for TensorFlow 1.15's answer"""
    json: File = None
    """write every check"""
    junit: File = None
    """write the checks as JUnit XML"""
    html: File = None
    """write one self-contained page"""
    plot: File = None
    """draw both sides' losses and accuracies, and how far they part, as PNG"""
    mutants: File = None
    """what `python -m parity mutants --json` wrote, to be shown on the page"""
    out: Annotated[Path, arg(metavar="DIR")] = Path("runs/parity")
    """where both sides' tensors go at the first divergence"""

    def __post_init__(self):
        if min(self.steps, default=0) < 0:
            raise ConfigError(f"steps = {self.steps} is impossible: none may be below 0")
        require("free_steps", self.free_steps, self.free_steps is None or self.free_steps >= 1, "at least 1")
        if self.oracle in ("tf115", "compat"):
            self.program(recorded=False)
        require_count("hidden", self.hidden)
        if self.keep_budget and not self.full:
            raise ConfigError("keep_budget = True without full: only --full runs the ensemble that makes a budget")

    def chosen_steps(self, recorded: bool) -> list[int]:
        """At which both sides start from the same weights; of a recording, those of them that it has."""
        return sorted(set(self.steps or (STEPS if recorded or self.full else LIVE_STEPS)))

    def program(self, recorded: bool) -> Program:
        """What both sides run. Raises ConfigError where a live TensorFlow would not come to the last of the steps."""
        last = max(self.chosen_steps(recorded))
        if self.free_steps is not None and self.free_steps <= last and not recorded:
            raise ConfigError(f"free_steps = {self.free_steps} ends before step {last}: it must be longer")
        by_default = RECORDED_FREE if recorded and not self.full else last + 1
        return Program((Dense(self.hidden),), seed=self.seed, steps=self.free_steps or by_default)


@dataclasses.dataclass(frozen=True)
class FamilyOptions:
    """Draw programs over the whole family (layers, activations, initializers, dropout, losses, optimizers, schedules,
    penalties, clipping, batches) and prove each against TensorFlow, step by step, tensor by tensor. A program that
    disagrees is shrunk to its smallest. With --program, prove those.
    Exit code 0: all agree; 1: one does not; 2: cannot compare.
    """

    oracle: Literal["auto", "tf115", "compat"] = "auto"
    """who answers for TensorFlow"""
    programs: Annotated[int, arg(aliases=("-n",), metavar="N")] = 60
    """how many are drawn; from 40 on every feature is among them"""
    seed: Annotated[int | None, arg(metavar="G")] = None
    """of the programs and the digits; by default another each time, and told"""
    program: Annotated[tuple[str, ...], arg(metavar="NAME|FILE …")] = ()
    """presets or programs' TOML files to prove in place of drawn ones; `presets`: all of them"""
    steps: Annotated[int, arg(metavar="N")] = 3
    """of each program"""
    images: ImagesOptions = dataclasses.field(default_factory=ImagesOptions)
    """256 of them unless told, and those that a named program keeps for validation"""
    threads: Annotated[int, arg(metavar="N")] = 0
    """of TensorFlow; 0: all"""
    time_limit: Seconds = 600
    """for TensorFlow 1.15's answer about one program"""
    json: File = None
    """write every check"""

    def __post_init__(self):
        require_count("programs", self.programs)
        require_count("steps", self.steps)


@dataclasses.dataclass(frozen=True)
class SetupOptions:
    """Install genuine TensorFlow 1.15.5 into an environment of its own, with Python 3.7."""

    python: Annotated[Path | None, arg(metavar="PATH")] = None
    """a Python 3.7; also $PARITY_PYTHON37; else pyenv's or uv's"""
    into: Folder = None
    """folder for the environment; also $PARITY_TF115, which must then be set for every later command; else the cache"""


@dataclasses.dataclass(frozen=True)
class MutantsOptions:
    """Make mutants of the port one by one; each must be killed where expected, and nothing benign may be.
    With FOLDER, of what python -m parity adopt wrote: the usual mistakes of porting, planted into its step.
    """

    folder: Positional[Annotated[str, arg(metavar="FOLDER")]] = ""
    """what adopt wrote; none: the port of this repository"""
    oracle: Literal["auto", "tf115", "compat"] = "auto"
    """who answers for TensorFlow"""
    family: bool = False
    """those of every optimizer, schedule, draw, loss, activation, penalty and clipping, each in a program of its own"""
    seed: Seed = 0
    images: ImagesOptions = dataclasses.field(default_factory=ImagesOptions)
    """2000 of them unless told; 256 with --family"""
    jobs: Annotated[int, arg(metavar="N")] = 2
    """mutants that are looked at at the same time"""
    only: Annotated[tuple[str, ...], arg(metavar="WORD")] = ()
    """only mutants whose name has one of these words in it"""
    json: File = None
    """write what was found"""
    time_limit: Seconds = 600
    """for TensorFlow 1.15's answer"""

    def __post_init__(self):
        require("jobs", self.jobs, self.jobs >= 1, "at least 1")
        if (images := self.images.images) is not None and images < LEAST_IMAGES:
            raise ConfigError(f"images = {images} is impossible: {LEAST_IMAGES} at least, or too few limits bite")


@dataclasses.dataclass(frozen=True)
class PublishedOptions:
    """Run many seeds and say at which percentile the write-up's published loss and accuracies lie."""

    seeds: Annotated[int, arg(metavar="N")] = 20
    """how many, from seed 0 on"""
    oracle: Literal["none", "tf115", "compat", "recording"] = "none"
    """let TensorFlow run the same seeds and test whether the ends are equivalent (T5); 10 are needed, 3 are recorded"""
    images: ImagesOptions = dataclasses.field(default_factory=ImagesOptions)
    device: DeviceOptions = dataclasses.field(default_factory=DeviceOptions)
    out: Annotated[Path, arg(metavar="FILE")] = Path("runs/published.json")
    """where runs are kept from seed to seed; a second call goes on"""
    seed: Annotated[int, arg(metavar="G")] = 0
    """of generated data"""
    time_limit: Seconds = 7200
    """for one seed of TensorFlow 1.15's"""

    def __post_init__(self):
        if self.seeds < 2:
            raise ConfigError(f"seeds = {self.seeds} is impossible: a distribution needs at least 2")


@dataclasses.dataclass(frozen=True)
class RecordOptions:
    """Record genuine TensorFlow 1.15.5 running the original program, one thread, a file a seed. Resumable."""

    seeds: Annotated[tuple[int, ...], arg(metavar="G")] = (0, 1, 2)
    """graph seeds, each with its whole free run, step 0 and the probe"""
    stepped: Annotated[tuple[int, ...], arg(metavar="G")] = (0,)
    """those of them that are recorded at every chosen step, 7 MB each"""
    steps: Numbers = STEPS
    """steps to record one by one"""
    length: Annotated[int, arg(metavar="N")] = 301
    """steps of the free run"""
    data: DataOptions = dataclasses.field(default_factory=lambda: DataOptions("mnist"))
    into: Folder = None
    """where the recordings go; default: parity/recordings"""
    work: Folder = None
    """where unfinished runs are kept; default: the user's cache"""
    time_limit: Seconds = 7200
    """for one answer of TensorFlow's, at most 25 steps"""
