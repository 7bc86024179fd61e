"""One benchmark from its options to its last line: what is measured, printed and written."""

import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import compare, end_to_end, grow, lineup, result, roofline, throughput, workload
from bench.result import Result
from bench.throughput import Plan
from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError

if TYPE_CHECKING:
    from bench.__main__ import BenchOptions

RESULTS = Path(__file__).with_name("RESULTS.md")
QUICK_IMAGES = 6_000
BLOCK = 100  # steps to a dispatch on an accelerator: as many as the original has from one report to the next


def bench(options: "BenchOptions") -> int:
    """Measures, prints, and writes what was asked for. Raises JaxmlpError."""
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


def measure(options: "BenchOptions", older: dict[str, Any] | None) -> Result:
    """Everything that the options ask for. Raises NotComparable when `older` is of other work."""
    lineup.chosen(options.peers, "cpu")  # refuses an unknown name before anything is measured
    dataset = options.images.load()
    quick = options.quick and options.images.images is None
    split = workload.first(dataset, min(QUICK_IMAGES, len(dataset.train.labels)) if quick else None)
    say("measuring what this machine can do at most")
    roof = roofline.measure(options.device.device)
    name, classes = data_name(options.images.data, dataset), len(dataset.class_names)
    work = workload.Workload(name, len(split.labels), options.hidden, classes, roof.device)
    if older is not None:
        compare.require_same_work(older, work)
    peers, rounds = lineup.chosen(options.peers, roof.device), options.rounds or (3 if options.quick else 7)
    how_long = plan(rounds, options.steps, roof.device)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        workload.write(Path(folder), split, work)
        rows = throughput.measure(peers, Path(folder), roof.device, work.images, how_long, say)
    growth = grow.measure(split, work, grow.Scale(), how_long.rounds, say) if options.grow else None
    whole = []
    if options.end_to_end:
        folder = options.images.data_dir
        arguments = [f"--data={options.images.data}", *([f"--data-dir={folder}"] if folder else [])]
        whole = end_to_end.measure(dataset, arguments, roof.device, options.end_to_end_steps, say)
    return Result(work, roof, rows, growth, whole)


def plan(rounds: int, steps: int | None, device: str) -> Plan:
    """How long to look: `steps` a round, or as many as suit the device, in whole dispatches."""
    block = 1 if device == "cpu" else BLOCK
    return Plan(rounds, -(-(steps or 3 * block) // block) * block, block)


def data_name(asked: str, dataset: Dataset) -> str:
    """What the images are, without saying where this machine keeps them."""
    if asked == "auto":
        return "generated digits in place of MNIST" if dataset.synthetic else "mnist"
    return asked


def require_matplotlib() -> None:
    """Raises ConfigError where it is not installed, before anything is measured."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("--plot needs matplotlib: pip install -e '.[plot]'")


def say(line: str) -> None:
    """Progress, apart from the results."""
    print(line, file=sys.stderr, flush=True)
