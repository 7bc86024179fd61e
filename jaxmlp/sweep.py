"""`python -m jaxmlp.sweep`: experiments, each on disk when it is done: `--resume` goes on from there."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import UseAppendAction, arg

from jaxmlp import command_line
from jaxmlp.checks import require, require_count, require_matplotlib
from jaxmlp.errors import ConfigError, JaxmlpError
from jaxmlp.execution import Execution
from jaxmlp.failures import failure
from jaxmlp.options import CacheOptions, DataOptions, DeviceOptions, Folder, ProgramOptions
from jaxmlp.run import grid
from jaxmlp.run.grid import Point

DESCRIPTION = (
    "Train many programs that differ in a few fields, and say which is the best; or find a learning rate by a range "
    "test. Without --grid, --random or --lr-range: the original's eight configurations, and its claim about them."
)

# Section 6 of the write-up: (hidden units, learning rate), "all for 300 epochs".
ORIGINAL = ((300, 0.5), (400, 0.5), (400, 0.01), (400, 0.001), (1024, 0.5), (1024, 0.01), (1024, 0.001), (1024, 0.0001))
PRESETS = {"original": [{"layers": str(hidden), "learning-rate": f"{rate:g}"} for hidden, rate in ORIGINAL]}

Fields = Annotated[tuple[str, ...], UseAppendAction]


@dataclasses.dataclass(frozen=True)
class SweepOptions:
    """Options of a sweep."""

    preset: Literal["original"] | None = None
    """which configurations, where no others are named"""
    grid: Annotated[Fields, arg(metavar="FIELD=A,B,…")] = ()
    """each of these values of a field, with each of every other --grid: an option of jaxmlp.train by its name, or a
    path into the program, as optimizer.beta1; layers=300+100 are two layers"""
    random: Annotated[int | None, arg(metavar="N")] = None
    """this many programs, each --range drawn from"""
    range: Annotated[Fields, arg(metavar="FIELD=LOW:HIGH")] = ()
    """from where to where a field is drawn for --random, evenly in its logarithm from a factor of 10 on; FIELD=A,B,… is
    one of these"""
    search_seed: int = 0
    """of the draws of --random"""
    seeds: Annotated[tuple[int, ...], arg(metavar="G")] = ()
    """each configuration with each of these seeds, in place of --seed"""
    plot: bool = False
    """draw a heat map or curves into the folder (extra `plot`)"""
    out: Folder = None
    """folder for results.json and results.csv; default runs/sweep-… by what is swept"""
    resume: bool = False
    """keep the finished cells of an earlier sweep in that folder"""
    program: ProgramOptions = dataclasses.field(default_factory=ProgramOptions)
    data: DataOptions = dataclasses.field(default_factory=DataOptions)
    execution: Execution = dataclasses.field(default_factory=Execution)
    device: DeviceOptions = dataclasses.field(default_factory=DeviceOptions)
    cache: CacheOptions = dataclasses.field(default_factory=CacheOptions)

    def __post_init__(self):
        self.points()  # refuses what is impossible before anything is read

    def points(self) -> list[Point]:
        """What is to be run, in order. Raises ConfigError."""
        base = self.program
        return grid.points(base, PRESETS["original"], self.seeds or (base.program().seed,))

    def folder(self) -> Path:
        """Where the results go."""
        return self.out or Path("runs") / "sweep-original"


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code, see `command_line`."""
    return command_line.run(_sweep, argv)


def _sweep(argv: Sequence[str] | None) -> int:
    """Raises JaxmlpError."""
    options = command_line.parse(SweepOptions, argv, "python -m jaxmlp.sweep", DESCRIPTION)
    from jaxmlp.run import cells, experiments, files  # jax and numpy, which --help does not wait for

    device = options.device.pick()
    options.cache.enable()
    folder = options.folder()
    files.require_writable_folder(folder)
    earlier = cells.read_cells(folder, options.resume)
    sets = experiments.Sets(options.data.load, options.execution, device)
    experiments.sweep(options.points(), sets, folder, earlier, _told)
    return 0


def _told(error: Exception) -> str:
    return failure(error, (JaxmlpError,)).line


if __name__ == "__main__":
    sys.exit(main())
