"""`python -m jaxmlp.sweep`: the original's experiments, one configuration after the other in one process.

Data is read and laid out once, and configurations of one shape share one compiled program. A cell's result is on disk
as soon as it is known, so an interrupted sweep goes on with `--resume`.
"""

import csv
import dataclasses
import io
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import tyro

from jaxmlp import command_line
from jaxmlp.config import Config
from jaxmlp.errors import ConfigError, DivergedError, OutputError

DESCRIPTION = "Run the original's eight configurations and hold its claim against what comes out."

# Section 6 of the write-up: (hidden units, learning rate), "all for 300 epochs".
PRESETS = {
    "original": (
        (300, 0.5),
        (400, 0.5),
        (400, 0.01),
        (400, 0.001),
        (1024, 0.5),
        (1024, 0.01),
        (1024, 0.001),
        (1024, 0.0001),
    )
}
CLAIM = "only this config achieved accuracy higher than 80 %"
CLAIMED = (1024, 0.0001)
CLAIMED_ACCURACY = 80.0


@dataclasses.dataclass(frozen=True)
class SweepOptions:
    """Options of a sweep."""

    preset: Literal["original"] = "original"
    """which configurations"""
    steps: Annotated[int, tyro.conf.arg(metavar="N")] = 301
    """updates of each configuration"""
    seed: Annotated[int, tyro.conf.arg(metavar="G")] = 0
    """as tf.set_random_seed(G), the same for all"""
    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto (MNIST, else generated digits), mnist, tfds:NAME[/CONFIG] or generated[:N]"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the data's files; also $JAXMLP_DATA_DIR"""
    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    """where to compute; never another than the one asked for"""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder for results.json and results.csv; default runs/sweep-<preset>-<seed>"""
    resume: bool = False
    """keep the finished cells of an earlier sweep in that folder"""
    no_compilation_cache: bool = False
    """do not keep compiled programs in the user's cache folder from run to run"""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""

    def __post_init__(self):
        from jaxmlp.data.load import check_name

        check_name(self.data)
        cells(self)  # refuses impossible steps or seeds before anything is read


class Cell(NamedTuple):
    """What became of one configuration. Accuracies in percent; None where it diverged before they were measured."""

    hidden: int
    learning_rate: float
    steps: int
    seed: int
    data: str
    final_loss: float | None
    train_accuracy: float | None
    test_accuracy: float | None
    diverged_at: int | None  # the first step whose loss is not finite
    seconds: float

    def answers(self, config: Config, data: str) -> bool:
        """Whether this is the result of that configuration on that data."""
        asked = (config.hidden, config.learning_rate, config.steps, config.seed, data)
        return (self.hidden, self.learning_rate, self.steps, self.seed, self.data) == asked


def cells(options: SweepOptions) -> list[Config]:
    """The preset's configurations, in the write-up's order."""
    return [
        Config(hidden=hidden, learning_rate=rate, steps=options.steps, seed=options.seed, report_every=options.steps)
        for hidden, rate in PRESETS[options.preset]
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code, see `command_line`."""
    return command_line.run(sweep, argv)


def sweep(argv: Sequence[str] | None) -> int:
    """Parses, runs the cells that are not there yet, prints the table and the finding. Raises JaxmlpError."""
    options = command_line.parse(SweepOptions, argv, "python -m jaxmlp.sweep", DESCRIPTION)
    from tqdm import tqdm

    from jaxmlp import compilation_cache
    from jaxmlp.data import load
    from jaxmlp.device import pick
    from jaxmlp.record import stand_in_notice
    from jaxmlp.trainer import prepare

    device = pick(options.device)
    if not options.no_compilation_cache:
        compilation_cache.enable()
    folder = options.out or Path("runs") / f"sweep-{options.preset}-{options.seed}"
    earlier = read_results(folder, options.resume)
    dataset = load(options.data, options.data_dir, options.seed)
    if dataset.stand_in:
        print(stand_in_notice(dataset.source))
    configs = cells(options)
    workload = prepare(configs[0], dataset, device)
    done: list[Cell] = []
    with tqdm(total=sum(c.steps for c in configs), unit="step", disable=not sys.stderr.isatty(), leave=False) as bar:
        for config in configs:
            bar.set_description(f"{config.hidden} hidden, rate {config.learning_rate:g}", refresh=False)
            known = next((cell for cell in earlier if cell.answers(config, dataset.source)), None)
            done.append(known or run_cell(config, workload, dataset.source, bar))
            bar.update(config.steps * len(done) - bar.n)
            write_results(folder, done, [cell for cell in earlier if cell not in done])
    print(table(done))
    print(finding(done, dataset.source))
    if dataset.stand_in:
        print("These accuracies are of GENERATED digits, NOT of MNIST.")
    print(f"Results: {folder / 'results.csv'}, {folder / 'results.json'}")
    return 0


def run_cell(config: Config, workload, source: str, bar) -> Cell:
    """Trains one configuration; one that diverges is a result, not an error."""
    from jaxmlp.trainer import Record, Run

    started = time.perf_counter()
    run = Run(config, workload)
    last = Record(0, float("nan"), float("nan"), None)
    try:
        for last in run:
            bar.set_postfix_str(f"loss {last.loss:.4g}", refresh=False)
            bar.update()
        result = (last.loss, last.train_accuracy, run.test_accuracy(), None)
    except DivergedError as error:
        result = (None, None, None, error.step)
    seconds = time.perf_counter() - started
    identity = (config.hidden, config.learning_rate, config.steps, config.seed, source)
    return Cell(*identity, *result, round(seconds, 3))


def table(done: Iterable[Cell]) -> str:
    """One line a configuration; the final loss and training accuracy are those before the last update."""
    lines = ["hidden      rate    final loss   training       test   seconds"]
    for cell in done:
        head = f"{cell.hidden:6d} {cell.learning_rate:9g}"
        if cell.diverged_at is not None:
            body = f"diverged at step {cell.diverged_at}".ljust(35)
        else:
            body = f"{cell.final_loss:13.6g} {cell.train_accuracy:9.2f}% {cell.test_accuracy:9.2f}%"
        lines.append(f"{head} {body} {cell.seconds:8.1f}")
    return "\n".join(lines)


def finding(done: Sequence[Cell], source: str) -> str:
    """The write-up's claim beside what came out here."""
    above = [cell for cell in done if cell.test_accuracy is not None and cell.test_accuracy > CLAIMED_ACCURACY]
    names = ", ".join(f"{cell.hidden} hidden at {cell.learning_rate:g} ({cell.test_accuracy:.1f} %)" for cell in above)
    holds = [(cell.hidden, cell.learning_rate) for cell in above] == [CLAIMED]
    return (
        f"The write-up, of {CLAIMED[0]} hidden at {CLAIMED[1]:g}: “{CLAIM}”.\n"
        f"Here, {done[0].steps} steps on {source}: above {CLAIMED_ACCURACY:g} % "
        f"{'is' if len(above) == 1 else 'are'} {names or 'none'}. The claim {'holds' if holds else 'does not hold'}."
    )


def read_results(folder: Path, resume: bool) -> list[Cell]:
    """The cells an earlier sweep left in `folder`.

    Raises:
      ConfigError: there are some and nobody said --resume, or they cannot be read.
    """
    path = folder / "results.json"
    if not path.exists():
        return []
    if not resume:
        raise ConfigError(f"{path} is there already: add --resume to keep its finished cells, or give another --out")
    try:
        return [Cell(**cell) for cell in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} is not a sweep's results ({error}); remove it or give another --out") from None


def write_results(folder: Path, done: Sequence[Cell], kept: Sequence[Cell]) -> None:
    """results.json and results.csv, whole or not at all; cells of other sweeps in the folder are kept behind ours.

    Raises:
      OutputError: names the path.
    """
    from jaxmlp.checkpoint import write_whole

    rows: list[dict[str, Any]] = [cell._asdict() for cell in (*done, *kept)]
    text = io.StringIO()
    writer = csv.DictWriter(text, Cell._fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "results.json", (json.dumps(rows, indent=2) + "\n").encode())
        write_whole(folder / "results.csv", text.getvalue().encode())
    except OSError as error:
        raise OutputError(f"{error.filename or folder} cannot be written: {error.strerror or error}") from None


if __name__ == "__main__":
    sys.exit(main())
