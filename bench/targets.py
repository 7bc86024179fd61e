"""What the project promised itself, beside what was measured: each promise met, not met or not measured."""

from typing import NamedTuple

from bench.lineup import STAIRCASE
from bench.programs import HIDDEN
from bench.row import Row, best_of_ours
from bench.workload import Workload


class Target(NamedTuple):
    """One promise."""

    promise: str
    verdict: str  # "met", "not met" or "not measured"
    found: str  # what was measured, or why nothing was


class Faster(NamedTuple):
    """Steps a second of our default engine over a peer's, on one kind of device."""

    device: str
    peer: str
    goal: float


FASTER = (
    Faster("cpu", "tf2_graph", 1.8),
    Faster("cpu", "tf115", 2.3),
    Faster("cpu", "jax_whole_batch", 2.4),
    Faster("gpu", "jax_whole_batch", 4.0),
    Faster("gpu", "torch_eager", 4.0),
)
MINIBATCH_GOALS = (1.0, 1.3)  # times the steps/s of the fastest peer on minibatches, whoever that is, on a CPU
STEP_SECONDS = 0.8e-3  # on a GPU
ROUNDS = 3  # fewer are an anecdote
RUN_SECONDS = 0.3  # the 301 steps, on a GPU


def judge(rows: list[Row], workload: Workload) -> list[Target]:
    """All promises for the workload's program, those of other devices as not measured."""
    why_not = _too_little(rows, workload)
    if workload.in_minibatches:
        return _minibatches(rows, why_not or ("" if workload.device == "cpu" else "needs a CPU"))
    table = {} if why_not else {row.name: row for row in rows if row.measured}
    ours = table.get(STAIRCASE.name)
    targets = []
    for device, peer, goal in FASTER:
        promise = f"{device}: {goal:g} times the steps/s of {peer}"
        if device != workload.device or not (ours and peer in table):
            targets.append(Target(promise, "not measured", why_not or _absence(device, peer, workload)))
        else:
            ratio = table[peer].slower_than(ours)
            targets.append(Target(promise, _verdict(ratio.median >= goal), f"{ratio.median:.2f} times"))
    on_gpu = ours if workload.device == "gpu" else None
    return [*targets, *_gpu_seconds(on_gpu, why_not or "needs a GPU")]


def _minibatches(rows: list[Row], why_not: str) -> list[Target]:
    ours = best_of_ours(rows)
    peers = [row for row in rows if row.measured and not row.ours]
    promises = [f"cpu: {goal:g} times the steps/s of the fastest peer" for goal in MINIBATCH_GOALS]
    if why_not or not (ours and peers):
        return [Target(promise, "not measured", why_not or "needs a peer") for promise in promises]
    ratio, name = min((row.slower_than(ours).median, row.name) for row in peers)
    found = f"{ratio:.2f} times that of {name}"
    return [Target(one, _verdict(ratio >= goal), found) for one, goal in zip(promises, MINIBATCH_GOALS, strict=True)]


def _too_little(rows: list[Row], workload: Workload) -> str:
    """Why this measurement cannot judge a promise; empty when it can."""
    if not workload.is_on_mnist:
        return "needs all of MNIST" + (f" and {HIDDEN} hidden units" if workload.hidden else "")
    rounds = max((len(row.rounds) for row in rows), default=0)
    return f"needs {ROUNDS} rounds" if rounds < ROUNDS else ""


def _absence(device: str, peer: str, workload: Workload) -> str:
    return f"needs a {device.upper()}" if device != workload.device else f"needs {STAIRCASE.name} and {peer}"


def _gpu_seconds(ours: Row | None, why_not: str) -> list[Target]:
    step, run = (
        f"gpu: a step in at most {STEP_SECONDS * 1e3:g} ms",
        f"gpu: 301 steps in less than {RUN_SECONDS:g} s on the device",
    )
    if ours is None or ours.whole_run_seconds is None:
        return [Target(promise, "not measured", why_not) for promise in (step, run)]
    seconds = ours.seconds.median
    return [
        Target(step, _verdict(seconds <= STEP_SECONDS), f"{seconds * 1e3:.3f} ms"),
        Target(run, _verdict(ours.whole_run_seconds < RUN_SECONDS), f"{ours.whole_run_seconds:.3f} s"),
    ]


def _verdict(holds: bool) -> str:
    return "met" if holds else "not met"
