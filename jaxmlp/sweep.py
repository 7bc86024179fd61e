"""`python -m jaxmlp.sweep`: experiments, each on disk when it is done: `--resume` goes on from there."""

import dataclasses
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Optional

from tyro.conf import UseAppendAction, arg

from jaxmlp import command_line, program_file
from jaxmlp.checks import require_count, require_matplotlib
from jaxmlp.errors import ConfigError, JaxmlpError
from jaxmlp.execution import Execution
from jaxmlp.failures import failure
from jaxmlp.options import CacheOptions, DataOptions, DeviceOptions, Folder
from jaxmlp.program import Program
from jaxmlp.program_options import ProgramOptions
from jaxmlp.run import alone, grid
from jaxmlp.run.grid import Point

DESCRIPTION = (
    "Train programs that differ in a few fields, and say which is the best; or look for a learning rate by a range "
    "test. Unless told which: the original's eight configurations, and its claim that only one gets above 80 %."
)

# Section 6 of the write-up: (hidden units, learning rate), "all for 300 epochs".
ORIGINAL = ((300, 0.5), (400, 0.5), (400, 0.01), (400, 0.001), (1024, 0.5), (1024, 0.01), (1024, 0.001), (1024, 0.0001))
EIGHT = [{"layers": str(hidden), "learning-rate": f"{rate:g}"} for hidden, rate in ORIGINAL]
RANGE_STEPS = 100

Fields = Annotated[tuple[str, ...], UseAppendAction]


@dataclasses.dataclass(frozen=True)
class SweepOptions:
    """Options of a sweep."""

    grid: Annotated[Fields, arg(metavar="FIELD=A,B")] = ()
    """each of a field's values, with each of every other --grid's. FIELD: an option of jaxmlp.train, or a path into the
    program, as optimizer.beta1. layers=300+100 is two layers"""
    random: Annotated[Optional[int], arg(metavar="N")] = None
    """so many programs drawn, each --range's field from its range"""
    range: Annotated[Fields, arg(metavar="FIELD=LOW:HIGH")] = ()
    """for --random; evenly in the logarithm where HIGH is 10 times LOW or more. FIELD=A,B,C: one of these"""
    search_seed: int = 0
    """of the draws of --random"""
    lr_range: Annotated[Optional[str], arg(metavar="LOW:HIGH")] = None
    """one run whose learning rate grows from LOW to HIGH, in 100 steps unless --steps says otherwise"""
    seeds: Annotated[tuple[int, ...], arg(metavar="G")] = ()
    """run each configuration with each of these seeds, in place of --seed"""
    plot: bool = False
    """draw what came out into the folder, as a heat map or curves (extra `plot`)"""
    out: Folder = None
    """folder of the results; default runs/sweep-NAME-SEED, NAME by what is run"""
    resume: bool = False
    """keep the finished cells of an earlier sweep in that folder"""
    computed: Annotated[ProgramOptions, arg(name="")] = dataclasses.field(default_factory=ProgramOptions)
    data: DataOptions = dataclasses.field(default_factory=DataOptions)
    execution: Execution = dataclasses.field(default_factory=Execution)
    device: DeviceOptions = dataclasses.field(default_factory=DeviceOptions)
    cache: CacheOptions = dataclasses.field(default_factory=CacheOptions)

    def __post_init__(self):
        self._require_one_kind()
        if self.lr_range is None:
            self.points()  # refuses what is impossible before anything is read
        else:
            self.ends()

    @property
    def kind(self) -> str:
        """What is run."""
        named = {"grid": self.grid, "random": self.random, "range": self.lr_range}
        return next((kind for kind, asked in named.items() if asked), "original")

    def points(self) -> list[Point]:
        """The cells to be, in order. Raises ConfigError."""
        base, settings = self.computed, EIGHT
        if self.grid:
            settings = grid.product(grid.axes(base, self.grid))
        if self.random is not None:
            settings = grid.drawn(base, grid.ranges(base, self.range), self.random, self.search_seed)
        return grid.points(base, settings, self.seeds)

    def ends(self) -> tuple[float, float]:
        """The rates of a range test. Raises ConfigError."""
        low, high = grid.ends("--lr-range", self.lr_range or "")
        if low <= 0:
            raise ConfigError(f"--lr-range {self.lr_range!r} is impossible: both rates must be above 0")
        return low, high

    def tested(self) -> Program:
        """The program of a range test, before its rate grows."""
        program = self.computed.program()
        is_long = {"steps", "epochs"} & self.computed.given().keys()
        return program if is_long else dataclasses.replace(program, steps=RANGE_STEPS, epochs=None)

    def folder(self) -> Path:
        """Where the results go."""
        seed = self.seeds[0] if self.seeds else self.computed.program().seed
        return self.out or Path("runs") / f"sweep-{self.kind}-{seed}"

    def command(self, point: Point, save: Callable[[Program], Path]) -> str:
        """What runs a cell alone, see `alone.command`."""
        return alone.command(self.computed, (self.data, self.execution, self.device, self.cache), point, save)

    def _require_one_kind(self) -> None:
        """Raises ConfigError where options contradict each other, or have no use beside others."""
        asked = {"--grid": self.grid, "--random": self.random, "--lr-range": self.lr_range}
        named = [option for option, value in asked.items() if value not in (None, ())]
        if len(named) > 1:
            raise ConfigError(f"{' and '.join(named)} contradict each other: give one of them")
        base = self.computed.given()
        if not named and ("program" in base or base.get("preset", "original") != "original"):
            raise ConfigError("what is swept? Name it by --grid, --random or --lr-range beside the program")
        if self.random is not None:
            require_count("random", self.random)
        if bool(self.range) != (self.random is not None):
            right = "--random 20 --range learning-rate=1e-6:1e-1"
            raise ConfigError(f"--random needs --range, and --range needs --random: {right} is right")
        if self.lr_range is not None and (self.seeds or self.resume):
            raise ConfigError(f"--lr-range is one run: leave {'--seeds' if self.seeds else '--resume'} out")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code, see `command_line`."""
    return command_line.run(_sweep, argv)


def _sweep(argv: Sequence[str] | None) -> int:
    """Raises JaxmlpError."""
    options = command_line.parse(SweepOptions, argv, "python -m jaxmlp.sweep", DESCRIPTION)
    if options.plot:
        require_matplotlib("--plot")
    from jaxmlp.run import conclusion, experiments, files, rate_search  # jax and numpy, which --help does not wait for

    folder, device = options.folder(), options.device.pick()
    files.require_writable_folder(folder)
    options.cache.enable()
    load, execution, plot = options.data.load, options.execution, options.plot
    if options.lr_range is not None:
        rate_search.search(options.tested(), options.ends(), load, execution, device, folder, plot)
        return 0
    points, sets = options.points(), experiments.Sets(load, execution, device)
    done = experiments.sweep(points, sets, folder, options.resume, _told)
    if plot:
        conclusion.draw(done, options.kind != "random", folder / "results.png")

    def save(program: Program) -> Path:
        files.write_whole(folder / "best.toml", program_file.text(program).encode())
        return folder / "best.toml"

    tell = functools.partial(options.command, save=save)
    conclusion.conclude(points, done, tell, options.kind == "original", folder)
    return 0


def _told(error: Exception) -> str:
    return failure(error, (JaxmlpError,)).line


if __name__ == "__main__":
    sys.exit(main())
