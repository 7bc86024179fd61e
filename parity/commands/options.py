"""Every command of parity by its options, their docstring what --help begins with. Light: no jax, no numpy."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from jaxmlp.checks import require, require_count
from jaxmlp.errors import ConfigError
from jaxmlp.execution import Layout, Precision
from jaxmlp.options import DataOptions, DeviceOptions, File, Folder, Hidden, ImagesOptions, Seconds, Seed
from jaxmlp.program import Dense, Program

STEPS = (0, 1, 2, 5, 10, 30, 100, 200, 300)  # looked at one by one unless asked otherwise
Numbers = Annotated[tuple[int, ...], arg(metavar="T")]
LEAST_IMAGES = 100  # for mutants: with fewer, too few limits bite


@dataclasses.dataclass(frozen=True)
class ProveOptions:
    """Hold the JAX port against the TensorFlow 1.x program, tensor by tensor and step by step.
    Exit code 0: proven; 1: compared, and they differ; 2: cannot compare.
    Other commands: python -m parity setup | mutants | published | record, each with --help.
    """

    oracle: Literal["auto", "tf115", "compat", "recording"] = "auto"
    """who answers for TensorFlow: genuine 1.15.5, TF 2.x's compat.v1, or recorded runs; auto: the best there is"""
    seed: Seed = 0
    steps: Numbers = STEPS
    """steps at which both sides start from the same weights"""
    free_steps: Annotated[int | None, arg(metavar="N")] = None
    """length of the free run; default: up to the last of the steps"""
    hidden: Hidden = 1024
    images: ImagesOptions = dataclasses.field(default_factory=ImagesOptions)
    device: DeviceOptions = dataclasses.field(default_factory=DeviceOptions)
    layout: tuple[Layout, ...] = ()
    """engines to hold against TensorFlow, by layout; default: all there are"""
    precision: tuple[Precision, ...] = ()
    """engines to hold against TensorFlow, by precision; default: all there are"""
    no_ensemble: bool = False
    """do not run the benign ensemble, so that free runs (T4) are reported and not asserted"""
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
    mutants: File = None
    """what `python -m parity mutants --json` wrote, to be shown on the page"""
    out: Annotated[Path, arg(metavar="DIR")] = Path("runs/parity")
    """where both sides' tensors go at the first divergence"""

    def __post_init__(self):
        if not self.steps or min(self.steps) < 0:
            raise ConfigError(f"steps = {self.steps} is impossible: name at least one, none below 0")
        require("free_steps", self.free_steps, self.free_steps is None or self.free_steps >= 1, "at least 1")
        if self.free_steps is not None and self.free_steps <= max(self.steps) and self.oracle != "recording":
            raise ConfigError(f"free_steps = {self.free_steps} ends before step {max(self.steps)}: it must be longer")
        require_count("hidden", self.hidden)

    def program(self) -> Program:
        """What both sides run."""
        return Program((Dense(self.hidden),), seed=self.seed, steps=self.free_steps or max(self.steps) + 1)


@dataclasses.dataclass(frozen=True)
class SetupOptions:
    """Install genuine TensorFlow 1.15.5 into an environment of its own, with Python 3.7."""

    python: Annotated[Path | None, arg(metavar="PATH")] = None
    """a Python 3.7; also $PARITY_PYTHON37; else pyenv's or uv's"""
    into: Folder = None
    """folder for the environment; also $PARITY_TF115, which must then be set for every later command; else the cache"""


@dataclasses.dataclass(frozen=True)
class MutantsOptions:
    """Make mutants of the port one by one; each must be killed where expected, and nothing benign may be."""

    oracle: Literal["auto", "tf115", "compat"] = "auto"
    """who answers for TensorFlow"""
    seed: Seed = 0
    images: ImagesOptions = dataclasses.field(default_factory=lambda: ImagesOptions(images=2000))
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
    """let TensorFlow run the same seeds and test whether the ends are equivalent (T5); recording: those recorded"""
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
