"""`python -m parity published`: where the write-up's own numbers lie among many seeds of the port, and T5.

Runs are saved as each seed ends, and a second call goes on.
"""

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmlp import trainer
from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from jaxmlp.run.files import write_whole
from parity.commands.options import PublishedOptions
from parity.compare.trace import data_digests, tests
from parity.noise import reference
from parity.noise.equivalence import MARGINS, SEEDS, Equivalence, equivalent
from parity.noise.published import TABLE, Row, places, table
from parity.oracle import recording, select
from parity.oracle.ask import Oracle
from parity.oracle.live import free_run
from parity.subject.port import arrays


def published(options: PublishedOptions) -> int:
    """Returns 0, or 1 where T5 was asked for and did not show equivalence; raises JaxmlpError or CannotCompare."""
    device, dataset = options.device.pick(), options.images.load(options.seed)
    kept = Runs(options.out, identity(dataset))
    for seed in range(options.seeds):
        kept.keep("port", seed, functools.partial(port_run, seed, dataset, device))
    rows = [kept.rows["port"][str(seed)] for seed in range(options.seeds)]
    print(f"{options.seeds} seeds, {len(dataset.train.labels)} images of {dataset.source}")
    print(table(places(rows)))
    if options.oracle == "none":
        return 0
    oracle = None if options.oracle == "recording" else select.live(options.oracle, 0, options.time_limit)
    seeds = range(options.seeds) if oracle else [seed for seed in recording.seeds() if seed < options.seeds]
    if len(seeds) < 2:
        raise ConfigError(f"T5 needs pairs: only {len(seeds)} of the seeds below {options.seeds} are recorded")
    for seed in seeds:
        kept.keep(options.oracle, seed, functools.partial(reference_run, oracle, seed, dataset))
    last = str(max(TABLE))
    sides = (np.array([kept.rows[side][str(seed)][last] for seed in seeds]) for side in ("port", options.oracle))
    found = ends(*sides)
    print("\n".join(map(line, found)))
    return 0 if all(one.shown for one in found) else 1


def port_run(seed: int, dataset: Dataset, device: jax.Device) -> Row:
    """Loss, training and test accuracy in percent at each published step, by step."""
    run = trainer.Run(Program(seed=seed), trainer.place(Execution(), dataset, device))
    told = ((one.step, one.loss, one.train_accuracy, one.test_accuracy) for one in run)
    return {str(step): [loss, train, test] for step, loss, train, test in told if test is not None}


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
    apart[:, 0] /= theirs[:, 0]
    return [equivalent(quantity, differences) for quantity, differences in zip(MARGINS, apart.T, strict=True)]


def line(found: Equivalence) -> str:
    """A row of the table."""
    too_few = "" if found.pairs >= SEEDS else f" ({SEEDS} pairs are needed)"
    verdict = "equivalent" if found.shown else f"not shown{too_few}"
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
            print(f"… {side}, seed {seed}: {rows[str(seed)]}", file=sys.stderr, flush=True)
            content = json.dumps({"identity": self.identity, "rows": self.rows}, indent=1) + "\n"
            write_whole(self.path, content.encode(), folders=True)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            identity, rows = kept["identity"], kept["rows"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{self.path} holds no runs ({error!r}); give another --out") from None
        if identity != self.identity:
            raise ConfigError(f"{self.path} holds runs of other data or hyperparameters; give another --out")
        return rows
