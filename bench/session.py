"""One benchmark from its options to its last line: what is measured, printed and written."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import compare, end_to_end, grow, lineup, older, programs, result, roofline, throughput, whole_run, workload
from bench.older import Timings
from bench.result import Result
from bench.throughput import Plan
from jaxmlp import machine
from jaxmlp.checks import require_matplotlib
from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError
from jaxmlp.run.files import require_writable, write_whole

if TYPE_CHECKING:
    from bench.__main__ import BenchOptions

RESULTS = Path(__file__).with_name("RESULTS.md")
QUICK_IMAGES = 6_000
ROUNDS, QUICK_ROUNDS = 7, 5
MINIBATCH_SECONDS = 0.5  # of a round of ours, at the least: a step takes a tenth of a millisecond to some
BLOCK = 100  # steps to a dispatch on an accelerator: as many as the original has from one report to the next


def bench(options: "BenchOptions") -> int:
    """Measures, prints, and writes what was asked for: the exit code. Raises JaxmlpError."""
    before = older.read(options.compare) if options.compare else None  # a wrong file is refused before ten minutes
    if options.plot:
        require_picture(options.plot)
    measured = measure(options, before)
    content = measured.as_json()
    try:
        write(options, measured, content)
    finally:  # what was measured is told even where it cannot be written
        print(measured.text(), flush=True)
    if before is None:
        return 0
    now = older.timings(content)
    changes = compare.changes(before, now)
    print("\n" + compare.text(changes, before, now), flush=True)
    return int(any(change.verdict == "dropped" for change in changes))


def write(options: "BenchOptions", measured: Result, content: dict[str, Any]) -> None:
    """The files that were asked for. Raises OutputError naming the one that cannot be written."""
    if options.json:
        write_whole(options.json, (json.dumps(content, indent=1) + "\n").encode(), folders=True)
    if options.record:
        result.record(content, measured.text(), RESULTS)
    if options.plot:
        from bench import plot

        plot.write(measured, options.plot)


def measure(options: "BenchOptions", before: Timings | None) -> Result:
    """Everything that the options ask for. Raises NotComparable when `before` is of other work."""
    lineup.chosen(options.peers, "cpu")  # refuses an unknown name before anything is measured
    require_the_original(options)
    hidden = programs.hidden_units(options.program, options.hidden)
    for file in filter(None, (options.json, options.plot, RESULTS if options.record else None)):
        require_writable(file)
    dataset = options.images.load()
    quick = options.quick and options.images.images is None
    split = workload.first(dataset, min(QUICK_IMAGES, len(dataset.train.labels)) if quick else None)
    roof = roofline.measure(options.device.device)
    name, classes = data_name(options.images.data, dataset), len(dataset.class_names)
    work = workload.Workload(name, len(split.labels), hidden, classes, roof.device, options.program)
    if before is not None:
        compare.require_same_work(before, work)
    peers = lineup.chosen(options.peers, roof.device, work.in_minibatches)
    how_long = plan(options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS), options.steps, work)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        workload.write(Path(folder), split, work)
        rows = throughput.measure(peers, Path(folder), roof.device, work.agreement, how_long)
        runs = []
        if options.whole_runs:
            runs = whole_run.measure(
                whole_run.contenders(options.peers), Path(folder), roof.device, throughput.WHOLE_RUN
            )
    growth = grow.measure(split, work, grow.Scale(), how_long.rounds) if options.grow else None
    whole = []
    if options.end_to_end:
        folder = options.images.data_dir
        arguments = [f"--data={options.images.data}", *([f"--data-dir={folder}"] if folder else [])]
        whole = end_to_end.measure(dataset, arguments, roof.device, options.end_to_end_steps)
    return Result(work, roof, rows, growth, whole, runs)


def plan(rounds: int, steps: int | None, work: workload.Workload) -> Plan:
    """How long to look: `steps` a round, or as many as suit work and device, in whole dispatches."""
    full_batches = not work.in_minibatches
    block = 1 if full_batches and work.device == "cpu" else BLOCK
    least = 0.0 if full_batches or steps else MINIBATCH_SECONDS
    return Plan(rounds, -(-(steps or 3 * block) // block) * block, block, full_batches and block > 1, least)


def require_the_original(options: "BenchOptions") -> None:
    """Raises ConfigError for an option that times the original and nothing else, where another program is asked for."""
    for name in ("grow", "end_to_end", "whole_runs"):
        if getattr(options, name) and options.program != programs.ORIGINAL:
            raise ConfigError(f"--{name.replace('_', '-')} times the original: leave --program {options.program} out")


def data_name(asked: str, dataset: Dataset) -> str:
    """What the images are, without saying where this machine keeps them."""
    if asked == "auto":
        return "generated digits in place of MNIST" if dataset.synthetic else "mnist"
    return machine.shortened(asked)


def require_picture(path: Path) -> None:
    """Raises ConfigError where matplotlib is not installed or does not know the file's kind, before all measuring."""
    require_matplotlib("--plot")
    from bench import plot

    plot.require_kind(path)
