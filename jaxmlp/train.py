"""`python -m jaxmlp.train`: a program of the family, the original by default, from pixels to its last line."""

import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional

from tyro.conf import arg

from jaxmlp import command_line, presets, program_file
from jaxmlp.checks import require, require_count
from jaxmlp.errors import ConfigError, OutputError
from jaxmlp.execution import Execution
from jaxmlp.options import CacheOptions, Count, DataOptions, DeviceOptions, Folder
from jaxmlp.program_options import ProgramOptions
from jaxmlp.run import lock, status
from jaxmlp.run.cadence import DEFAULT, Cadence

DESCRIPTION = (
    "Train the original TensorFlow 1.x MNIST program, in JAX: the same weights, gradients and lines. "
    "Or another of its family, by --preset, by --program, or option by option. In parentheses: what holds unless it "
    "is given."
)


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """Options of one training run."""

    out: Folder = None
    """the run's folder; default runs/<date-time>-<seed>"""
    quiet: bool = False
    """print the run folder's name and nothing else, but for warnings and errors on stderr"""
    json: bool = False
    """one JSON object a report on stdout, and one at the end; everything else on stderr"""
    plots: bool = False
    """draw data, curves, confusions, mistakes and weights into the run's folder (extra `plot`)"""
    resume: Annotated[Optional[str], arg(metavar="RUN")] = None
    """go on with the run in this folder, or with `auto`, the newest unfinished one in runs/; --steps asks for more"""
    checkpoint_every: Annotated[str, arg(metavar="N|SECONDSs")] = DEFAULT
    """keep the run every N steps, as 100, every so many seconds, as 30s, or never; and at reports, and at its end"""
    keep: Count = 2
    """so many of the newest checkpoints; the best by test accuracy is kept apart"""
    target_accuracy: Annotated[Optional[float], arg(metavar="PERCENT")] = None
    """exit with 1 when the final test accuracy is below it"""
    list_presets: bool = False
    """print the presets, a line each, and exit"""
    print_program: bool = False
    """print the program as TOML, for --program, and exit"""
    data: DataOptions = dataclasses.field(default_factory=DataOptions)
    computed: Annotated[ProgramOptions, arg(name="")] = dataclasses.field(default_factory=ProgramOptions)
    execution: Execution = dataclasses.field(default_factory=Execution)
    device: DeviceOptions = dataclasses.field(default_factory=DeviceOptions)
    cache: CacheOptions = dataclasses.field(default_factory=CacheOptions)

    def __post_init__(self):
        target = self.target_accuracy
        holds = target is None or (math.isfinite(target) and 0 <= target <= 100)
        require("target_accuracy", target, holds, "a percentage from 0 to 100")
        if target is not None and 0 < target <= 1:
            percent = f"{100 * target:g}, in percent"
            raise ConfigError(f"target_accuracy = {target:g} means {target:g} %; did you mean {percent}?")
        Cadence.of(self.checkpoint_every)
        require_count("keep", self.keep)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code, see `command_line`."""
    return command_line.run(_train, argv)


def _train(argv: Sequence[str] | None) -> int:
    """Raises JaxmlpError."""
    options = command_line.parse(TrainOptions, argv, "python -m jaxmlp.train", DESCRIPTION)
    earlier = status.to_resume(options.resume) if options.resume else None
    options = _of_earlier(earlier, argv) if earlier else options
    program = options.computed.program()
    if options.list_presets or options.print_program:
        print(_preset_lines() if options.list_presets else program_file.text(program), end="")
        return 0
    from jaxmlp.run import files, folder, session  # jax and numpy, which --help and a mistyped option do not wait for

    if path := options.out or earlier:
        files.require_writable_folder(path)
    if options.out:
        folder.require_free(options.out)
    plots = session.Plots() if options.plots else None
    device = options.device.pick()
    options.cache.enable()
    dataset = options.data.load(program.seed)
    console = session.Console(program.settled(len(dataset.train.labels)), dataset, options.quiet, options.json)
    asked, target = vars(options.data) | options.computed.repeating(), options.target_accuracy
    keeping = session.Keeping(options.out, earlier, Cadence.of(options.checkpoint_every), options.keep)
    return session.train(program, options.execution, dataset, device, console, plots, keeping, target, asked=asked)


def _of_earlier(folder: Path, argv: Sequence[str] | None) -> TrainOptions:
    """The options that the run in the folder was begun with, those of the command line in their place."""
    words = sys.argv[1:] if argv is None else argv
    told = command_line.told(words)
    for other in ("out", "config"):
        if other in told:
            raise ConfigError(f"--resume and --{other} contradict each other: the run in {folder} has its own")
    if lock.is_held(folder):
        raise OutputError(f"{folder} is in use: the run goes on already")
    begun = ["--config", str(folder / status.CONFIG), *words]
    return command_line.parse(TrainOptions, begun, "python -m jaxmlp.train", DESCRIPTION)


def _preset_lines() -> str:
    return "".join(f"{name:28}{presets.summary(name)}\n" for name in presets.NAMES)


if __name__ == "__main__":
    sys.exit(main())
