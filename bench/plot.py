"""The picture of a result: steps a second of every contender, and how cost grows. matplotlib, imported here only."""

import io
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bench.grow import Sweep
from bench.result import Result
from bench.row import Row
from bench.whole_run import TURN, Run
from jaxmlp import machine
from jaxmlp.errors import ConfigError
from jaxmlp.run.files import write_whole

OURS, PEER, INK = "#d1495b", "#8d99ae", "#2b2d42"


def require_kind(path: Path) -> None:
    """Raises ConfigError where the name's ending is not that of a kind of picture."""
    known = sorted(FigureCanvasAgg.filetypes)
    if path.suffix[1:].lower() not in known:
        raise ConfigError(f"plot = {str(path)!r} is impossible: the name must end in one of .{', .'.join(known)}")


def write(result: Result, path: Path) -> None:
    """One PNG (or whatever the name's ending says), whole or not at all. Raises OutputError naming the path."""
    measured = [row for row in result.rows if row.measured]
    runs = [run for run in result.whole_runs if run.status == "ok"]
    sweeps = result.growth.sweeps if result.growth else []
    heights = [1.6 + 0.34 * len(measured), *([3.6] if runs else []), *([3.6] if sweeps else [])]
    with plt.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = plt.figure(figsize=(10, sum(heights)), layout="constrained")
        grid = figure.add_gridspec(len(heights), 3, height_ratios=heights)
        _bars(figure.add_subplot(grid[0, :]), measured, result)
        if runs:
            _whole_runs(figure.add_subplot(grid[1, :]), runs)
        for column, sweep in enumerate(sweeps):
            _growth(figure.add_subplot(grid[-1, column]), sweep)
        _save(figure, path)


def _bars(axes: Axes, rows: list[Row], result: Result) -> None:
    """Steps a second, the fastest on top; the line on a bar is its slowest and fastest step."""
    rows = sorted(rows, key=lambda row: row.seconds.median, reverse=True)
    speeds = [1 / row.seconds.median for row in rows]
    reach = [
        [speed - 1 / row.seconds.max for row, speed in zip(rows, speeds, strict=True)],
        [1 / row.seconds.min - speed for row, speed in zip(rows, speeds, strict=True)],
    ]
    names = [f"{row.name}\n{row.version}" for row in rows]
    colours = [OURS if row.ours else PEER for row in rows]
    axes.barh(names, speeds, color=colours, xerr=reach, error_kw={"ecolor": INK, "elinewidth": 0.8, "capsize": 2})
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    fastest = max(1 / row.seconds.min for row in rows)
    for index, speed in enumerate(speeds):
        axes.text(fastest * 1.08, index, three_digits(speed), va="center", ha="right", color=INK)
    axes.set_xlim(0, fastest * 1.1)
    colours_mean = [Patch(color=OURS, label="jaxmlp"), Patch(color=PEER, label="other programs")]
    axes.legend(handles=colours_mean, loc="upper right", bbox_to_anchor=(1, -0.04), ncols=2, frameon=False)
    work, device = result.workload, result.roofline.device_name or machine.processor()
    axes.set_xlabel("steps a second (median; line: slowest and fastest step)")
    title = f"{work.images_a_step:,} images a step, {'-'.join(map(str, work.widths))}, on {device}"
    axes.set_title(title, loc="left", color=INK)


def _whole_runs(axes: Axes, runs: list[Run]) -> None:
    """Seconds a step over the run, each turn's median; names at the end of the lines."""
    ends = []
    for run in runs:
        turns = [run.seconds[first : first + TURN] for first in range(1, len(run.seconds), TURN)]  # the first compiles
        medians, style = [float(np.median(turn)) for turn in turns], "-" if run.ours else ":"
        steps = [1 + TURN * i + (len(turn) - 1) / 2 for i, turn in enumerate(turns)]
        axes.plot(steps, medians, style, color=OURS if run.ours else INK, linewidth=1.4 if run.ours else 1)
        ends.append((medians[-1], run, steps[-1]))
    top, place = max(end for end, *_ in ends), -1.0
    for end, run, step in sorted(ends, key=lambda one: one[0]):
        place = max(end, place + 0.07 * top)  # names that would overlap stand above each other
        text = f" {run.name}: {run.total:,.0f} s"
        axes.text(step, place, text, va="center", fontsize=8, color=OURS if run.ours else INK)
    axes.set_ylim(0, None)
    last = max(step for *_, step in ends)
    axes.set_xlim(0, 1.3 * last)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= last + TURN])
    axes.set_ylabel("seconds a step")
    axes.set_title("Whole runs, ten steps in turn; all seconds from the start of the process", loc="left", color=INK)
    axes.set_xlabel("step")


def _growth(axes: Axes, sweep: Sweep) -> None:
    """Seconds a step on logarithmic axes, with the power law through them."""
    values, seconds = [point.value for point in sweep.points], [point.seconds for point in sweep.points]
    axes.loglog(values, seconds, "o", color=OURS, markersize=4, label="measured")
    axes.loglog(values, _power_law(values, seconds, sweep.exponent), color=INK, linewidth=0.8, label="power law")
    axes.legend(loc="upper left", fontsize=8)
    axes.set_xlabel(sweep.varied)
    axes.set_ylabel("seconds a step")
    axes.set_title(f"~ {sweep.varied}$^{{{sweep.exponent:.2f}}}$\n{sweep.fixed}", loc="left", fontsize=9, color=INK)
    axes.set_xticks(values, [f"{value:,}" for value in values], rotation=45, ha="right", rotation_mode="anchor")
    axes.minorticks_off()
    axes.grid(alpha=0.3, linewidth=0.5)


def _power_law(values: list[int], seconds: list[float], power: float) -> list[float]:
    """The least-squares line, which goes through the points' geometric means."""
    middle = np.exp(np.mean(np.log(seconds)) - power * np.mean(np.log(values)))
    return [float(middle * value**power) for value in values]


def three_digits(value: float) -> str:
    """Three significant digits, a number of 1,000 or more whole: 4.28, 1.20, 0.880, 1,234."""
    exponent = int(f"{value:.2e}".partition("e")[2])  # of the rounded number: 9.996 is 10.0
    return f"{value:,.{max(0, 2 - exponent)}f}"


def _save(figure: Any, path: Path) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, dpi=150, format=path.suffix[1:].lower())
    plt.close(figure)
    write_whole(path, picture.getvalue(), folders=True)
