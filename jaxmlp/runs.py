"""`python -m jaxmlp runs`: which runs there are and how far, how two compare, what killed ones left behind."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional

from tyro.conf import arg

from jaxmlp import command_line
from jaxmlp.errors import ConfigError
from jaxmlp.run import comparison, leftovers
from jaxmlp.run.status import RUNS, Status, all_of

DESCRIPTION = "List the runs of a folder, the one that changed last below; or compare two; or remove leftovers."
HEADER = f"{'run':28} {'state':11} {'steps':>19} {'loss':>12} {'train %':>8} {'test %':>7} {'size':>9}"


@dataclasses.dataclass(frozen=True)
class RunsOptions:
    """Which runs, and what about them."""

    runs: Annotated[Path, arg(metavar="DIR")] = RUNS
    """the folder they lie in"""
    compare: Annotated[Optional[tuple[Path, Path]], arg(metavar="A B")] = None
    """say in what two runs differ, by their folders; exit with 1 where their steps or models do"""
    clean: bool = False
    """remove parts of files, stale locks, and folders without a step, of runs that were killed"""
    json: bool = False
    """one JSON object a run"""

    def __post_init__(self):
        if self.compare and self.clean:
            raise ConfigError("--compare and --clean contradict each other: give one")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code, see `command_line`."""
    return command_line.run(_runs, argv)


def _runs(argv: Sequence[str] | None) -> int:
    """Raises JaxmlpError."""
    options = command_line.parse(RunsOptions, argv, "python -m jaxmlp runs", DESCRIPTION)
    if options.compare:
        found = comparison.compare(*options.compare)
        print("\n".join(found.lines))
        return 0 if found.same else 1
    if options.clean:
        for path in (left := leftovers.of_runs(options.runs)):
            leftovers.remove(path)
            print(f"removed {path}")
        print(f"{len(left)} leftovers in {options.runs}")
        return 0
    found = all_of(options.runs)
    told = [json.dumps(_data(one)) for one in found] if options.json else [HEADER, *map(_row, found)]
    print("\n".join(told) if found else f"no runs in {options.runs.absolute()}")
    return 0


def _data(status: Status) -> dict[str, object]:
    return {**status._asdict(), "folder": str(status.folder)}


def _row(status: Status) -> str:
    steps, size = f"{status.done:,} of {status.planned:,}", f"{status.size / 1e6:,.1f} MB"
    loss = "-" if status.loss is None else f"{status.loss:.6g}"
    train, test = ("-" if one is None else f"{one:.2f}" for one in (status.train_accuracy, status.test_accuracy))
    return f"{status.folder.name:28} {status.state:11} {steps:>19} {loss:>12} {train:>8} {test:>7} {size:>9}"


if __name__ == "__main__":
    sys.exit(main())
