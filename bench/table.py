"""Results as text: what `python -m bench` prints and `bench/RESULTS.md` holds."""

import statistics

from bench.end_to_end import EndToEnd
from bench.grow import Growth
from bench.roofline import Roofline
from bench.row import Row, best_of_ours
from bench.targets import Target
from bench.whole_run import Run
from bench.workload import Workload

Cells = list[str]
SPANS = ((1, 20), (21, 100), (101, 200), (201, 300))  # steps of a whole run, both included; the first one compiles
HEAD = [
    *("contender", "version", "ms/step", "steps/s", "images/s", "formula GFLOP/s", "of peak", "time / ours"),
    *("(min … max)", "start s", "compile s", "memory"),
]
NOTE = """formula GFLOP/s: all arithmetic of the formula over the time, also of a layout that leaves some out.
of peak: the arithmetic that was really done, against the measured peak.
start: from the process's start to its first step; compile: what the first step took longer than the others;
memory: the most the process held."""


def heading(workload: Workload, roofline: Roofline, processor: str) -> str:
    """What was computed, on what, and how much that could do at most."""
    peaks = [f"float32 matmul {roofline.float32_gflops:,.0f} GFLOP/s (by {roofline.float32_by})"]
    if roofline.bfloat16_gflops:
        peaks.append(f"bfloat16 matmul {roofline.bfloat16_gflops:,.0f} GFLOP/s")
    peaks.append(f"memory {roofline.copy_gb_per_s:,.1f} GB/s")
    return "\n".join(
        [
            f"{_steps(workload)} ({workload.data}), {'-'.join(map(str, workload.widths))}: "
            f"{_gflop(workload)} GFLOP a step as the formula is written",
            f"Device: {workload.device} ({roofline.device_name or processor})",
            f"Measured peaks: {', '.join(peaks)}",
        ]
    )


def _steps(workload: Workload) -> str:
    batching = workload.trained.batching
    if batching is None:
        return f"Full-batch steps on {workload.images:,} images"
    images = batching.images(workload.images)
    return f"Steps of {workload.program} on minibatches of {batching.size} of {images:,} images"


def _gflop(workload: Workload) -> str:
    gflop = workload.flop / 1e9
    return f"{gflop:,.1f}" if gflop >= 10 else f"{gflop:.3f}"


def contenders(rows: list[Row], workload: Workload, roofline: Roofline) -> str:
    """The fastest first; a ratio is how many times longer a step takes than ours, over the interleaved rounds."""
    ours = best_of_ours(rows)
    measured = sorted((row for row in rows if row.measured), key=lambda row: row.seconds.median)
    if ours is None:
        return ""
    lines = [HEAD, *(_cells(row, workload, roofline, ours) for row in measured)]
    return f"{_aligned(lines, left=2)}\n'ours' is {ours.name}. {NOTE}"


def _cells(row: Row, workload: Workload, roofline: Roofline, ours: Row) -> Cells:
    seconds, ratio = row.seconds.median, row.slower_than(ours)
    return [
        row.name,
        row.version,
        f"{seconds * 1e3:,.{3 if seconds < 0.01 else 1 if seconds < 0.1 else 0}f}",
        f"{1 / seconds:,.2f}",
        f"{workload.images_a_step / seconds:,.0f}",
        f"{workload.flop / seconds / 1e9:,.0f}",
        f"{row.peak_share(workload, roofline):.0%}",
        f"{ratio.median:.2f}",
        f"({ratio.min:.2f} … {ratio.max:.2f})",
        f"{row.ready_seconds or 0:.1f}",
        f"{row.compile_seconds or 0:.1f}",
        _memory(row),
    ]


def _memory(row: Row) -> str:
    host = f"{(row.peak_rss_bytes or 0) / 1e6:,.0f} MB"
    return f"{host} + {row.peak_device_bytes / 1e6:,.0f} on device" if row.peak_device_bytes else host


def absentees(rows: list[Row], install: str) -> str:
    """Everyone without a time, by name and reason, and the command that brings all who are not installed."""
    absent = [row for row in rows if not row.measured]
    lines = _aligned([[row.name, f"{row.status}: {row.reason}"] for row in absent], left=2)
    missing = any(row.status == "not installed" for row in absent)
    return f"{lines}\nTo have all of them: {install}" if missing and install else lines


def targets(targets: list[Target]) -> str:
    return "Targets\n" + _aligned(
        [[target.promise, f"{target.verdict} ({target.found})"] for target in targets], left=2
    )


def growth(growth: Growth) -> str:
    """A table a sweep, with the exponent of its fitted power law, and the ratio of eight at once to eight in turn."""
    parts = []
    for sweep in growth.sweeps:
        lines = [[sweep.varied, "ms/step", "formula GFLOP/s", "memory"]]
        for point in sweep.points:
            rate, memory = point.flop / point.seconds / 1e9, point.peak_rss_bytes / 1e6
            lines.append([f"{point.value:,}", f"{point.seconds * 1e3:,.1f}", f"{rate:,.0f}", f"{memory:,.0f} MB"])
        law = f"time ~ {sweep.varied} ^ {sweep.exponent:.2f}"
        parts.append(f"How cost grows with {sweep.varied} ({sweep.fixed}): {law}\n{_aligned(lines, left=0)}")
    at_once = growth.at_once
    parts.append(
        f"Eight configurations of one shape ({at_once.fixed}): at once {at_once.at_once_seconds * 1e3:,.0f} ms a "
        f"step of all, in turn {at_once.in_turn_seconds * 1e3:,.0f} ms: {at_once.ratio.median:.2f} times as "
        f"fast at once ({at_once.ratio.min:.2f} … {at_once.ratio.max:.2f})"
    )
    return "\n\n".join(parts)


def end_to_end(runs: list[EndToEnd]) -> str:
    """The run users feel."""
    lines = [["from `python …` to the last line", "steps", "seconds", "last loss"]]
    for run in runs:
        seconds = f"{run.seconds:.1f}" if run.status == "ok" else f"{run.status}: {run.reason}"
        loss = f"{run.last_loss:.6f}" if run.last_loss is not None else ""
        lines.append([run.name, str(run.steps), seconds, loss])
    text = _aligned(lines, left=1)
    ours = runs[0]
    for run in runs[1:]:
        if ours.status == run.status == "ok":
            text += f"\n{ours.name} is {run.seconds / ours.seconds:.2f} times faster than {run.name}"
    return text


def whole_runs(runs: list[Run]) -> str:
    """How long a step takes as the run goes on, and all of them."""
    marks = [f"{first}-{last}" for first, last in SPANS]
    ours, steps = runs[0], max(len(run.seconds) for run in runs)
    lines = [[f"{steps} steps, ten in turn", "version", *marks, "all", "time / ours", "last loss"]]
    for run in runs:
        if run.status != "ok":
            lines.append([run.name, f"{run.status}: {run.reason}", *[""] * (len(SPANS) + 3)])
            continue
        spans = [run.seconds[first : last + 1] for first, last in SPANS]
        times = [f"{1e3 * statistics.median(span):,.0f} ms" if span else "" for span in spans] + [f"{run.total:,.1f} s"]
        ratio = f"{run.total / ours.total:.2f}" if ours.status == "ok" else ""
        lines.append([run.name, run.version, *times, ratio, f"{run.last_loss:.4f}"])
    return f"{_aligned(lines, left=2)}\nThe median step of each span; all: from `python …` to the end of the last step."


def _aligned(lines: list[Cells], left: int) -> str:
    """Columns two spaces apart, the first `left` of them flush left, the others flush right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []

    def aligned(line: Cells) -> str:
        cells = zip(line, widths, strict=True)
        return "  ".join(cell.ljust(width) if i < left else cell.rjust(width) for i, (cell, width) in enumerate(cells))

    return "\n".join(aligned(line).rstrip() for line in lines)
