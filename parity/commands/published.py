"""`python -m parity published`: where the write-up's own numbers lie among many seeds of the port, and T5.

Runs are saved as each seed ends, and a second call goes on.
"""

import functools
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmlp import placement, trainer
from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError, DataError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from jaxmlp.progress import Progress, write
from jaxmlp.run.cells import is_mnist
from jaxmlp.run.files import read_json, require_writable, write_whole
from parity.commands import images
from parity.commands.options import PublishedOptions
from parity.compare.limits import relative_difference
from parity.compare.trace import data_digests, tests
from parity.noise import reference
from parity.noise.equivalence import MARGINS, SEEDS, Equivalence, equivalent
from parity.noise.published import TABLE, Row, places, require_rows, table
from parity.oracle import recording, select
from parity.oracle.ask import Oracle
from parity.oracle.live import free_run
from parity.subject.port import arrays


def published(options: PublishedOptions) -> int:
    """Returns 0, or 1 where T5 was asked for and did not show equivalence; raises JaxmlpError or CannotCompare."""
    require_writable(options.out)
    device, dataset = options.device.pick(), images.load(options.images, options.seed, say)
    paired = pairs(options, dataset)  # and whether TensorFlow is there, before hours of work
    kept, every = Runs(options.out, identity(dataset)), range(options.seeds)
    with Progress(options.seeds * Program().steps, "step", "the port") as progress:
        for seed in every:
            kept.keep("port", seed, functools.partial(port_run, seed, dataset, device, progress.update))
    print(f"{options.seeds} seeds, on {images.called(dataset)}")
    if is_mnist(dataset):
        print(table(places([kept.rows["port"][str(seed)] for seed in every])))
    else:
        print("no percentiles: the write-up's numbers are of all of MNIST, in its order, and this is other data")
    if paired is None:
        return 0
    with Progress(len(paired.seeds), "seed", f"TensorFlow ({options.oracle})") as progress:
        for seed in paired.seeds:
            kept.keep(options.oracle, seed, functools.partial(reference_run, paired.oracle, seed, dataset))
            progress.update()
    last = str(max(TABLE))
    sides = (np.array([kept.rows[side][str(seed)][last] for seed in paired.seeds]) for side in ("port", options.oracle))
    found = ends(*sides)
    print("\n".join(map(line, found)))
    return 0 if all(one.shown for one in found) else 1


class Pairs(NamedTuple):
    """Who answers for TensorFlow, None a recording, and of which seeds."""

    oracle: Oracle | None
    seeds: Sequence[int]


def pairs(options: PublishedOptions, dataset: Dataset) -> Pairs | None:
    """What T5 is of, or None where it was not asked for. Raises ConfigError or CannotCompare where it cannot be."""
    if options.oracle == "none":
        return None
    if options.oracle != "recording":
        return Pairs(select.live(options.oracle, 0, options.time_limit), range(options.seeds))
    recorded = [s for s in range(options.seeds) if recording.there_is(reference.case(Program(seed=s), dataset))]
    if len(recorded) < 2:
        of = f"of the seeds below {options.seeds}, on {images.called(dataset)}, are recorded"
        raise ConfigError(f"T5 needs pairs: only {len(recorded)} {of}")
    return Pairs(None, recorded)


def say(what: str) -> None:
    """What is going on, on stderr."""
    write(f"… {what}", sys.stderr)


def port_run(seed: int, dataset: Dataset, device: jax.Device, tell: Callable[[], None] = lambda: None) -> Row:
    """Loss, training and test accuracy in percent at each published step, by step. `tell` hears of every step."""
    row: Row = {}
    for one in trainer.Run(Program(seed=seed), placement.place(Execution(), dataset, device)):
        if one.step in TABLE and one.test_accuracy is not None:
            row[str(one.step)] = [one.loss, one.train_accuracy, one.test_accuracy]
        tell()
    return row


def reference_run(oracle: Oracle | None, seed: int, dataset: Dataset) -> Row:
    """The same of TensorFlow, live or, without an oracle, recorded."""
    program, images, tested = Program(seed=seed), len(dataset.train.labels), len(dataset.test.labels)
    case = reference.case(program, dataset)
    series = free_run(oracle, case) if oracle else recording.free_run(case, reference.known(program, dataset))
    losses, corrects = series["losses"], series["corrects"]
    return {
        str(step): [float(losses[step]), 100 * int(corrects[step]) / images, 100 * correct / tested]
        for step, correct in tests(series).items()
    }


def ends(ours: np.ndarray, theirs: np.ndarray) -> list[Equivalence]:
    """T5 of the ends of runs, both float64 [seeds, 3], seed by seed; the loss relative, accuracies in points."""
    apart = ours - theirs
    apart[:, 0] = np.sign(apart[:, 0]) * relative_difference(theirs[:, 0], ours[:, 0])  # two losses of 0 are equal
    return [equivalent(quantity, differences) for quantity, differences in zip(MARGINS, apart.T, strict=True)]


def line(found: Equivalence) -> str:
    """A row of the table."""
    why = f" ({SEEDS} pairs are needed)" if found.pairs < SEEDS else ""
    if math.isinf(found.mean):
        why = " (no difference is relative to a loss of 0: take more images)"
    verdict = "equivalent" if found.shown else f"not shown{why}"
    difference = f"mean difference {found.mean:+.2e}, margin ±{found.margin}, p = {found.p:.2g}"
    return f"T5 {found.quantity:18} {found.pairs} pairs, {difference}: {verdict}"


def identity(dataset: Dataset) -> dict[str, Any]:
    """What a kept run is a run of: data and program; layouts and devices only round differently."""
    program = Program()
    lengths = {"steps": program.steps, "report_every": program.report_every}
    return {"data": data_digests(arrays(dataset)), "program": program.digest(), **lengths}


class Runs:
    """What has been run so far, on disk after every seed. Raises `ConfigError` for a file of other runs."""

    def __init__(self, path: Path, identity: dict[str, Any]):
        self.path, self.identity = path, identity
        self.rows: dict[str, dict[str, Any]] = self._read() if path.exists() else {}

    def keep(self, side: str, seed: int, run: Callable[[], Row]) -> None:
        """Runs a seed unless it has been run, and saves."""
        rows = self.rows.setdefault(side, {})
        if str(seed) not in rows:
            rows[str(seed)] = run()
            say(f"{side}, seed {seed}: {rows[str(seed)]}")
            content = json.dumps({"identity": self.identity, "rows": self.rows}, indent=1) + "\n"
            write_whole(self.path, content.encode(), folders=True)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            kept = read_json(self.path)
            identity, rows = kept["identity"], kept["rows"]
            if identity == self.identity:
                require_rows(rows)
        except (DataError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConfigError(f"{self.path} holds no runs ({error}); give another --out") from None
        if identity != self.identity:
            raise ConfigError(f"{self.path} holds runs of other data or hyperparameters; give another --out")
        return rows
