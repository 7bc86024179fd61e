"""Options of the commands about somebody else's program. Light, as `options.py`."""

import dataclasses
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, Suppress, arg

from jaxmlp.checks import require
from jaxmlp.errors import ConfigError
from jaxmlp.options import File, Folder

STEPS = (0, 1, 2, 50)  # three in a row, where slots are new, and one where they have seen much
TRAIN = 100  # runs, where --train says no number
Numbers = Annotated[tuple[int, ...], arg(metavar="T")]


@dataclasses.dataclass(frozen=True)
class AdoptOptions:
    """Record an unmodified TensorFlow 1.x training script or notebook under genuine TensorFlow 1.15.5, and prove a JAX
    step that is that program. It RUNS THE SCRIPT, with your rights, unless --sandbox takes them away.
    What follows -- are the script's own arguments.
    Exit code 0: recorded and proven; 1: compared, and they differ; 2: cannot be recorded or compared.
    """

    script: Positional[Annotated[str, arg(metavar="SCRIPT")]] = ""
    """a .py or .ipynb file, a module's name with --module, or the raw folder of an earlier recording"""
    module: bool = False
    """SCRIPT is a module, to be run as python -m does"""
    steps: Numbers = STEPS
    """training runs to record, counted from 0 for each program that the script trains"""
    max_steps: Annotated[int | None, arg(metavar="N")] = None
    """stop the script after so many training runs, of all its programs together"""
    time_limit: Annotated[float, arg(metavar="SECONDS")] = 600
    """stop it after so long, each time that it is run, and keep what was recorded"""
    data: Folder = None
    """folder from which downloads are answered, by file name"""
    once: bool = False
    """do not run the script twice more without recording, to see whether it repeats itself"""
    shim: bool = False
    """give the script names of TensorFlow 0.x that 1.15 lacks"""
    sandbox: bool = False
    """run the script without network, and without the rest of the disk"""
    train: Annotated[int, arg(metavar="STEPS")] = 0
    """keep what so many first runs are given, train on in JAX from the recorded start, and compare the losses; without
    a number: 100"""
    out: Folder = None
    """where everything goes; default: adopted/NAME"""
    arguments: Suppress[tuple[str, ...]] = ()
    """the script's own"""

    def __post_init__(self):
        require("steps", self.steps, bool(self.steps) and min(self.steps) >= 0, "one or more, from 0 on")
        require("max_steps", self.max_steps, self.max_steps is None or self.max_steps >= 1, "at least 1")
        require("train", self.train, self.train >= 0, "0, which trains nothing, or more")
        require("time_limit", self.time_limit, self.time_limit > 0, "more than 0")

    @property
    def folder(self) -> Path:
        """Where everything goes."""
        name = self.script.rpartition(".")[2] if self.module else Path(self.script).stem
        return self.out or Path("adopted") / name


@dataclasses.dataclass(frozen=True)
class ProveStepOptions:
    """Hold a training step of your own against a recording that python -m parity adopt made, tensor by tensor.
    A step takes weights, slots, batch, draws, dicts of arrays by TensorFlow's names, and returns a dict of loss, grads,
    weights, slots: of JAX, PyTorch or NumPy. What it does not return is not compared.
    Exit code 0: proven; 1: compared, and they differ; 2: cannot compare, or too little was returned.
    """

    folder: Positional[Annotated[str, arg(metavar="FOLDER")]] = ""
    """what adopt wrote"""
    step: Annotated[str, arg(metavar="MODULE:FUNCTION")] = ""
    """your step; the module is looked for in the current folder too, and in FOLDER"""
    program: File = None
    """a program of jaxmlp's family, as program.toml, in place of your step: jaxmlp's engine takes the steps"""
    number: Annotated[int | None, arg(metavar="I")] = None
    """of the program, where the script trains several"""
    steps: Numbers = ()
    """those of the recorded steps to compare; default: all"""
    names: Annotated[tuple[str, ...], arg(metavar="TENSORFLOW=YOURS")] = ()
    """your names for TensorFlow's"""
    transposed: Annotated[tuple[str, ...], arg(metavar="NAME")] = ()
    """TensorFlow's names of what you keep transposed"""
    json: File = None
    """write every check"""
    html: File = None
    """write one self-contained page"""
    out: Annotated[Path, arg(metavar="DIR")] = Path("runs/parity")
    """where both sides' tensors go at the first divergence"""

    @property
    def mapping(self) -> dict[str, str]:
        """Your names by TensorFlow's."""
        if wrong := [pair for pair in self.names if "=" not in pair]:
            raise ConfigError(f"names has {wrong[0]!r}: TENSORFLOW=YOURS is needed, as Variable=w1")
        return dict(pair.split("=", 1) for pair in self.names)


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """Write the step of an adopted program as jax.export's serialized StableHLO, and beside it names, shapes and dtypes
    as JSON: whoever loads it needs JAX alone. A step maps weights, slots, batch and draws, dicts of arrays by
    TensorFlow's names, to loss, grads, weights and slots.
    """

    folder: Positional[Annotated[str, arg(metavar="FOLDER")]] = ""
    """what adopt wrote"""
    out: Annotated[Path, arg(metavar="FILE")] = Path("step.bin")
    """the step; its description gets the same name, with .json"""
    number: Annotated[int | None, arg(metavar="I")] = None
    """of the program, where the script trains several"""
