"""`python -m bench`: parses, wires and prints. Every measurement is made by the modules it calls.

Exit codes are the commands' own (`jaxmlp.command_line`); 1 says that --compare found our speed dropped.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from jaxmlp import command_line
from jaxmlp.errors import ConfigError

DESCRIPTION = "Time jaxmlp's engines against the programs a user would otherwise run: same arrays, same work, in turns."
RESULTS = Path(__file__).with_name("RESULTS.md")
QUICK_IMAGES = 6_000
BLOCK = 100  # steps to a dispatch on an accelerator: as many as the original has from one report to the next
Positive = Annotated[int, tyro.conf.arg(metavar="N")]
File = Annotated[Path | None, tyro.conf.arg(metavar="FILE")]


@dataclasses.dataclass(frozen=True)
class BenchOptions:
    """Options of one benchmark."""

    quick: bool = False
    """6,000 images and few rounds, done in under 2 minutes"""
    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto (MNIST, else generated digits), mnist, tfds:NAME[/CONFIG] or generated[:N]"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the data's files; also $JAXMLP_DATA_DIR"""
    images: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """only the first so many training images"""
    hidden: Positive = 1024
    """hidden units"""
    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    """where to compute; never another than the one asked for"""
    rounds: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """turns that every contender gets (7; 3 with --quick)"""
    steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """timed steps a turn (3 on a CPU, else 300, in dispatches of 100)"""
    peers: Annotated[tuple[str, ...], tyro.conf.arg(metavar="[NAME …]")] = ()
    """only these beside our own engines; all by default"""
    grow: bool = False
    """also how cost grows with images, hidden units and seeds trained at once"""
    end_to_end: bool = False
    """also the original's whole run, ours and TensorFlow 1.15.5's: about ten minutes on two cores"""
    end_to_end_steps: Positive = 301
    """steps of it"""
    json: File = None
    """write everything that was measured"""
    plot: File = None
    """draw it (needs the extra `plot`)"""
    compare: File = None
    """an older --json file: exit with 1 when our speed has dropped by more than 10 %"""
    record: bool = False
    """append the result to bench/RESULTS.md"""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""

    def __post_init__(self):
        from jaxmlp.data.load import check_name

        check_name(self.data)
        for name in ("images", "hidden", "rounds", "steps", "end_to_end_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} = {value} is impossible: it must be a whole number from 1 up")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    return command_line.run(bench, argv)


def bench(argv: Sequence[str] | None) -> int:
    """Measures, prints, and writes what was asked for. Raises JaxmlpError."""
    options = command_line.parse(BenchOptions, argv, "python -m bench", DESCRIPTION)
    from bench import compare, result

    older = result.load(options.compare) if options.compare else None  # a wrong file is refused before ten minutes
    if options.plot:
        require_matplotlib()
    measured = measure(options, older)
    text, content = measured.text(), measured.as_json()
    print(text)
    if options.json:
        result.save(content, options.json)
    if options.plot:
        from bench import plot

        plot.write(measured, options.plot)
    if options.record:
        result.record(content, text, RESULTS)
    if older is None:
        return 0
    changes = compare.changes(older, content)
    print("\n" + compare.text(changes))
    return int(any(change.dropped for change in changes))


def measure(options: BenchOptions, older: dict[str, Any] | None):
    """The `Result` of everything that the options ask for. Raises NotComparable when `older` is of other work."""
    from bench import compare, end_to_end, grow, lineup, roofline, throughput, workload
    from bench.result import Result
    from jaxmlp.config import Config
    from jaxmlp.data import load

    dataset = load(options.data, options.data_dir)
    images = options.images or (min(QUICK_IMAGES, len(dataset.train.labels)) if options.quick else None)
    split = workload.first(dataset, images)
    lineup.chosen(options.peers, "cpu")  # refuses an unknown name before anything is measured
    say("measuring what this machine can do at most")
    roof = roofline.measure(options.device)
    work = workload.Workload(
        data_name(options.data, dataset.stand_in),
        len(split.labels),
        options.hidden,
        len(dataset.class_names),
        roof.device,
    )
    if older is not None:
        compare.require_same_work(older, work)
    peers = lineup.chosen(options.peers, roof.device)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        workload.write(Path(folder), split, Config(hidden=options.hidden), work)
        rows = throughput.measure(peers, Path(folder), roof.device, work.images, plan(options, roof.device), say)
    growth = grow.measure(split, work, grow.Scale(), plan(options, roof.device).rounds, say) if options.grow else None
    whole = []
    if options.end_to_end:
        arguments = [f"--data={options.data}", *([f"--data-dir={options.data_dir}"] if options.data_dir else [])]
        whole = end_to_end.measure(dataset, arguments, roof.device, options.end_to_end_steps, say)
    return Result(work, roof, rows, growth, whole)


def plan(options: BenchOptions, device: str):
    """How long to look, by what was asked for and how fast the device is."""
    from bench.throughput import Plan

    block = 1 if device == "cpu" else BLOCK
    steps = options.steps or 3 * block
    return Plan(options.rounds or (3 if options.quick else 7), -(-steps // block) * block, block)


def data_name(asked: str, stand_in: bool) -> str:
    """What the images are, without saying where this machine keeps them."""
    if asked == "auto":
        return "generated digits in place of MNIST" if stand_in else "mnist"
    return asked


def require_matplotlib() -> None:
    """Raises ConfigError where it is not installed, before anything is measured."""
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("--plot needs matplotlib: pip install 'jaxmlp[plot]'")


def say(line: str) -> None:
    """Progress, apart from the results."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
