"""What was measured of one contender. Serves `throughput`, which fills rows in, and whatever shows or compares them."""

import dataclasses
import statistics
from typing import Any, NamedTuple

from bench.peers.protocol import Arithmetic
from bench.roofline import Roofline
from bench.workload import Workload


class Spread(NamedTuple):
    """A median and what it lies between."""

    median: float
    min: float
    max: float


def spread(values: list[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


@dataclasses.dataclass
class Row:
    """One contender's measurements, or why there are none."""

    name: str
    ours: bool
    status: str = "ok"  # or "not installed", "not for this device", "failed", "wrong"
    reason: str = ""
    version: str = ""
    rounds: list[list[float]] = dataclasses.field(default_factory=list)  # seconds of a step, a list a round
    ready_seconds: float | None = None  # from the start of the process to its first step
    prepare_seconds: float | None = None  # of these, after the imports
    first_step_seconds: float | None = None
    peak_rss_bytes: int | None = None
    peak_device_bytes: int | None = None
    losses: list[float] = dataclasses.field(default_factory=list)  # of the steps that were compared
    correct: list[int] = dataclasses.field(default_factory=list)
    arithmetic: list[list[Arithmetic]] = dataclasses.field(default_factory=list)  # of a step, as `rounds`; all of the
    # formula's where empty
    whole_run_seconds: float | None = None  # the original's 301 steps, where they are cheap

    @property
    def measured(self) -> bool:
        return self.status == "ok" and bool(self.rounds)

    @property
    def seconds(self) -> Spread:
        """Of one step, over all steps of all rounds."""
        return spread([seconds for round_ in self.rounds for seconds in round_])

    @property
    def compile_seconds(self) -> float | None:
        """What the first step took longer than a usual one."""
        return None if self.first_step_seconds is None else max(0.0, self.first_step_seconds - self.seconds.median)

    def slower_than(self, other: "Row") -> Spread:
        """How many times longer than `other`'s a step takes, round against interleaved round."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return spread([statistics.median(mine) / statistics.median(theirs) for mine, theirs in pairs])

    def peak_share(self, workload: Workload, roofline: Roofline) -> float:
        """The time that the arithmetic really done takes at the measured peaks, over the time it took; the median."""
        usual = {"float32": workload.flop, "bfloat16": 0}
        counted = [one for round_ in self.arithmetic for one in round_]
        seconds = [one for round_ in self.rounds for one in round_]
        pairs = zip(counted or [usual] * len(seconds), seconds, strict=True)
        return statistics.median(roofline.least_seconds(**done) / taken for done, taken in pairs)

    def as_json(self, workload: Workload, roofline: Roofline, ours: "Row | None") -> dict[str, Any]:
        """Every field, and what follows from them."""
        fields = dataclasses.asdict(self)
        if not self.measured:
            return fields
        return fields | {
            "seconds_per_step": self.seconds._asdict(),
            "steps_per_s": 1 / self.seconds.median,
            "images_per_s": workload.images_a_step / self.seconds.median,
            "formula_gflops": workload.flop / self.seconds.median / 1e9,
            "peak_share": self.peak_share(workload, roofline),
            "compile_seconds": self.compile_seconds,
            "ratio_to_ours": self.slower_than(ours)._asdict() if ours else None,
        }


def best_of_ours(rows: list[Row]) -> Row | None:
    """The engine that others are compared to: the first of ours that was measured, which is the default one."""
    return next((row for row in rows if row.ours and row.measured), None)
