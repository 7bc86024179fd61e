"""`python -m jaxmlp.sweep`: the original's experiments, each on disk when it is done: `--resume` goes on from there."""

import dataclasses
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from jaxmlp import command_line
from jaxmlp.options import CacheOptions, Count, DataOptions, DeviceOptions, Folder, Seed
from jaxmlp.program import Dense, GradientDescent, Program

DESCRIPTION = (
    "Run the original's eight configurations and hold its claim, that only one of them gets above 80 %, "
    "against what comes out."
)

# Section 6 of the write-up: (hidden units, learning rate), "all for 300 epochs".
ORIGINAL = ((300, 0.5), (400, 0.5), (400, 0.01), (400, 0.001), (1024, 0.5), (1024, 0.01), (1024, 0.001), (1024, 0.0001))
PRESETS = {"original": ORIGINAL}


@dataclasses.dataclass(frozen=True)
class SweepOptions:
    """Options of a sweep."""

    preset: Literal["original"] = "original"
    """which configurations"""
    steps: Count = 301
    """updates of each configuration"""
    seed: Seed = 0
    out: Folder = None
    """folder for results.json and results.csv; default runs/sweep-<preset>-<seed>"""
    resume: bool = False
    """keep the finished cells of an earlier sweep in that folder"""
    data: DataOptions = dataclasses.field(default_factory=DataOptions)
    device: DeviceOptions = dataclasses.field(default_factory=DeviceOptions)
    cache: CacheOptions = dataclasses.field(default_factory=CacheOptions)

    def __post_init__(self):
        self.programs()  # refuses impossible steps before anything is read

    def programs(self) -> list[Program]:
        """The preset's programs, in the write-up's order. Raises ConfigError."""
        program = functools.partial(Program, steps=self.steps, report_every=self.steps, seed=self.seed)
        return [program((Dense(hidden),), optimizer=GradientDescent(rate)) for hidden, rate in PRESETS[self.preset]]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code, see `command_line`."""
    return command_line.run(_sweep, argv)


def _sweep(argv: Sequence[str] | None) -> int:
    """Raises JaxmlpError."""
    options = command_line.parse(SweepOptions, argv, "python -m jaxmlp.sweep", DESCRIPTION)
    from jaxmlp.run import cells, experiments, files  # jax and numpy, which --help does not wait for

    device = options.device.pick()
    options.cache.enable()
    folder = options.out or Path("runs") / f"sweep-{options.preset}-{options.seed}"
    files.require_writable_folder(folder)
    earlier = cells.read_cells(folder, options.resume)
    dataset = options.data.load(options.seed)
    experiments.sweep(options.programs(), dataset, device, folder, earlier)
    return 0


if __name__ == "__main__":
    sys.exit(main())
