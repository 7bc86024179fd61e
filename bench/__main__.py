"""`python -m bench`: options and wiring. Every measurement is made by the modules that `bench/session.py` calls.

Exit codes are the commands' own (`jaxmlp.command_line`); 1 says that --compare found our speed dropped.
"""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Annotated

from tyro.conf import arg

from bench import programs
from jaxmlp import command_line
from jaxmlp.checks import require_count
from jaxmlp.options import Count, DeviceOptions, File, ImagesOptions

DESCRIPTION = "Time jaxmlp's engines against the programs a user would otherwise run: same arrays, same work, in turns."


@dataclasses.dataclass(frozen=True)
class BenchOptions:
    """Options of one benchmark."""

    program: programs.Name = "original"
    """original: full batches, plain descent; adam128: minibatches of 128 by Adam, pixels / 255, glorot weights; the
    others are presets of jaxmlp.train, of minibatches"""
    quick: bool = False
    """6,000 images and few rounds, done in under 2 minutes"""
    images: ImagesOptions = dataclasses.field(default_factory=ImagesOptions)
    hidden: Annotated[int | None, arg(metavar="N")] = None
    """hidden ReLU units of original and adam128 (1024)"""
    device: DeviceOptions = dataclasses.field(default_factory=DeviceOptions)
    rounds: Annotated[int | None, arg(metavar="N")] = None
    """turns that every contender gets (7; 5 with --quick)"""
    steps: Annotated[int | None, arg(metavar="N")] = None
    """timed steps a turn (3 full batches on a CPU, else 300, in dispatches of 100)"""
    peers: Annotated[tuple[str, ...], arg(metavar="[NAME …]")] = ()
    """only these beside our own engines; all by default"""
    grow: bool = False
    """also how cost grows with images, hidden units and seeds trained at once"""
    end_to_end: bool = False
    """also the original's whole run, ours and TensorFlow 1.15.5's: about six minutes on two cores"""
    end_to_end_steps: Count = 301
    """steps of it"""
    whole_runs: bool = False
    """also the 301 steps of six contenders in turns, and how long a step takes as they go on: half an hour"""
    json: File = None
    """write everything that was measured"""
    plot: File = None
    """draw it (needs the extra `plot`)"""
    compare: File = None
    """an older --json file: exit with 1 when our speed has surely dropped by more than 10 %"""
    record: bool = False
    """append the result to bench/RESULTS.md"""

    def __post_init__(self):
        for name in ("hidden", "rounds", "steps", "end_to_end_steps"):
            if getattr(self, name) is not None:
                require_count(name, getattr(self, name))


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    return command_line.run(_bench, argv)


def _bench(argv: Sequence[str] | None) -> int:
    """Raises JaxmlpError."""
    options = command_line.parse(BenchOptions, argv, "python -m bench", DESCRIPTION)
    from bench import session  # numpy and the rest, which --help does not wait for

    return session.bench(options)


if __name__ == "__main__":
    sys.exit(main())
