"""`python -m parity published`: where the write-up's own numbers lie among many seeds of the port, and T5.

The write-up set no seed, so its table is one draw. Runs are saved as each seed ends, and a second call goes on.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import tyro

from jaxmlp import command_line
from jaxmlp.errors import ConfigError

DESCRIPTION = "Run many seeds and say at which percentile the write-up's published loss and accuracies lie."
TABLE = {  # step: loss, training accuracy, test accuracy in percent, as published in February 2020
    0: (73913.359375, 10.2, 10.1),
    100: (3622.128906, 79.9, 80.6),
    200: (2568.829834, 84.5, 84.8),
    300: (2103.153320, 86.6, 86.4),
}
QUANTITIES = ("loss", "training accuracy", "test accuracy")


@dataclasses.dataclass(frozen=True)
class PublishedOptions:
    """Options of the many runs."""

    seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 20
    """how many, from seed 0 on"""
    oracle: Literal["none", "tf115", "compat", "recording"] = "none"
    """let TensorFlow run the same seeds and test whether the ends are equivalent (T5); recording: those recorded"""
    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto (MNIST, else generated digits), mnist, tfds:NAME[/CONFIG] or generated[:N]"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the data's files; also $JAXMLP_DATA_DIR"""
    images: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """only the first N training images"""
    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    """where to compute"""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("runs/published.json")
    """where runs are kept from seed to seed; a second call goes on"""
    seed: int = 0
    """of generated data"""
    time_limit: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 7200
    """for one seed of TensorFlow 1.15's"""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""

    def __post_init__(self):
        from jaxmlp.data.load import check_name

        check_name(self.data)
        if self.seeds < 2:
            raise ConfigError(f"seeds = {self.seeds} is impossible: a distribution needs at least 2")


class Place(NamedTuple):
    """A published number among the seeds'."""

    step: int
    quantity: str
    published: float
    quantiles: tuple[float, ...]  # smallest, 5 %, median, 95 %, largest
    percentile: float  # seeds below it, ties counting half


def published(argv: Sequence[str] | None) -> int:
    """Returns 0, or 1 where T5 was asked for and did not show equivalence; raises JaxmlpError."""
    options = command_line.parse(PublishedOptions, argv, "python -m parity published", DESCRIPTION)
    from jaxmlp.device import pick
    from parity.prove import first_images

    device, dataset = pick(options.device), first_images(options)
    runs = Runs(options.out, _identity(dataset))
    for seed in range(options.seeds):
        runs.keep("port", seed, lambda seed=seed: port_run(seed, dataset, device))
    rows = [runs.rows["port"][str(seed)] for seed in range(options.seeds)]
    print(f"{options.seeds} seeds, {len(dataset.train.labels)} images of {dataset.source}")
    print(table(places(rows)))
    return 0 if options.oracle == "none" else _ends(options, runs, dataset)


def port_run(seed: int, dataset: Any, device: Any) -> dict[str, list[float]]:
    """Loss, training and test accuracy in percent at each published step, by step."""
    from jaxmlp import trainer
    from jaxmlp.config import Config

    config = Config(seed=seed)
    run = trainer.Run(config, trainer.prepare(config, dataset, device))
    return {
        str(record.step): [record.loss, record.train_accuracy, record.test_accuracy]
        for record in run
        if record.test_accuracy is not None
    }


def places(rows: list[dict[str, list[float]]]) -> list[Place]:
    """Where each published number lies among the seeds."""
    found = []
    for step, numbers in TABLE.items():
        for i, (quantity, number) in enumerate(zip(QUANTITIES, numbers, strict=True)):
            seen = np.array([row[str(step)][i] for row in rows])
            rank = 100 * float(np.mean((seen < number) + 0.5 * (seen == number)))
            quantiles = tuple(float(q) for q in np.quantile(seen, (0, 0.05, 0.5, 0.95, 1)))
            found.append(Place(step, quantity, number, quantiles, rank))
    return found


def table(rows: list[Place]) -> str:
    """A line a published number."""
    head = f"{'step':>4}  {'':18}{'published':>11}{'percentile':>11}"
    lines = [head + "".join(f"{name:>11}" for name in ("smallest", "5 %", "median", "95 %", "largest"))]
    for row in rows:
        numbers = "".join(f"{value:>11.2f}" for value in row.quantiles)
        lines.append(f"{row.step:>4}  {row.quantity:18}{row.published:>11.2f}{row.percentile:>11.0f}{numbers}")
    return "\n".join(lines)


class Runs:
    """What has been run so far, on disk after every seed. Raises `ConfigError` for a file of other runs."""

    def __init__(self, path: Path, identity: dict[str, Any]):
        self.path, self.identity = path, identity
        self.rows: dict[str, dict[str, Any]] = {}
        if path.exists():
            self.rows = self._read()

    def keep(self, side: str, seed: int, run) -> None:
        """Runs a seed unless it has been run, and saves."""
        rows = self.rows.setdefault(side, {})
        if str(seed) not in rows:
            rows[str(seed)] = run()
            print(f"… {side}, seed {seed}: {rows[str(seed)]}", file=sys.stderr, flush=True)
            self._write()

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            identity, rows = kept["identity"], kept["rows"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{self.path} holds no runs ({error!r}); give another --out") from None
        if identity != self.identity:
            raise ConfigError(f"{self.path} holds runs of other data or hyperparameters; give another --out")
        return rows

    def _write(self) -> None:
        from parity.report import write

        part = self.path.with_suffix(".part")
        write(part, json.dumps({"identity": self.identity, "rows": self.rows}, indent=1) + "\n")
        part.replace(self.path)


def _identity(dataset: Any) -> dict[str, Any]:
    """What a kept run is a run of: data and hyperparameters; layouts and devices only round differently."""
    from jaxmlp.config import Config
    from parity.recording import RECORDED
    from parity.trace import data_digests

    config = {name: getattr(Config(), name) for name in (*RECORDED, "steps", "report_every") if name != "seed"}
    return {"data": data_digests(dataset), "config": config}


def _ends(options: PublishedOptions, runs: Runs, dataset: Any) -> int:
    """T5: TensorFlow's ends against the port's, seed by seed."""
    from parity.equivalence import MARGINS, SEEDS, equivalent

    seeds = [seed for seed in range(options.seeds) if _reference_run(options, runs, dataset, seed)]
    if len(seeds) < 2:
        raise ConfigError(f"T5 needs pairs: only {len(seeds)} of the seeds below {options.seeds} are recorded")
    ours, theirs = (_last_rows(runs.rows[side], seeds) for side in ("port", options.oracle))
    apart = ours - theirs
    apart[:, 0] /= theirs[:, 0]
    shown = True
    for quantity, differences in zip(MARGINS, apart.T, strict=True):
        found = equivalent(quantity, differences)
        too_few = "" if found.pairs >= SEEDS else f" ({SEEDS} pairs are needed)"
        verdict = "equivalent" if found.shown else f"not shown{too_few}"
        difference = f"mean difference {found.mean:+.2e}, margin ±{found.margin}, p = {found.p:.2g}"
        print(f"T5 {quantity:18} {found.pairs} pairs, {difference}: {verdict}")
        shown = shown and found.shown
    return 0 if shown else 1


def _last_rows(rows: dict[str, Any], seeds: list[int]) -> np.ndarray:
    """float64 [seeds, 3] of the last published step."""
    return np.array([rows[str(seed)][str(max(TABLE))] for seed in seeds])


def _reference_run(options: PublishedOptions, runs: Runs, dataset: Any, seed: int) -> bool:
    """Makes sure TensorFlow's run of a seed is kept; False where only recordings count and there is none."""
    from jaxmlp.config import Config
    from parity import recording, reference
    from parity.choice import live
    from parity.oracle import Question

    config = Config(seed=seed)
    if options.oracle == "recording":
        if not recording.path(seed).exists():
            return False
        free = recording.free_run(config, dataset)
        runs.keep("recording", seed, lambda: _row(free, dataset))
        return True
    ask = {"ask": "run", "first": 0, "steps": config.steps, "report_every": config.report_every, "weights_at": []}
    oracle = live(options.oracle, 0, options.time_limit)

    def run() -> dict[str, list[float]]:
        return _row(reference.free_run(oracle.ask(config, dataset, [Question(ask)]).arrays[0]), dataset)

    runs.keep(options.oracle, seed, run)
    return True


def _row(free: Any, dataset: Any) -> dict[str, list[float]]:
    train, test = len(dataset.train.labels), len(dataset.test.labels)
    return {
        str(step): [float(free.losses[step]), 100 * int(free.corrects[step]) / train, 100 * correct / test]
        for step, correct in free.test_corrects.items()
    }
