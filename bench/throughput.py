"""Every contender on the same arrays in one call: first who computes the right thing, then, in turns, how fast.

All processes stay alive and only one computes at a time, round after round, so that a noisy neighbour on the machine
hits all of them and ratios within a round keep their meaning.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from bench.contender import Contender
from bench.errors import ContenderFailed, ReferenceFailed
from bench.lineup import DENSE, Peer
from bench.row import Row

CHECKED_STEPS = 5  # losses compared before anything is timed; the first of these steps compiles
LOSS_TOLERANCE = 1e-4  # relative
CORRECT_TOLERANCE = 1e-3  # of all images: a handful lie so near a border that rounding decides
WHOLE_RUN = 301  # the original's steps


class Plan(NamedTuple):
    """How long to look."""

    rounds: int
    steps: int  # timed steps a round
    block: int  # steps to a dispatch: 1, or as many as lie between two reports where a step is short


class Entry(NamedTuple):
    """A contender that has passed the check, and the row it fills."""

    contender: Contender
    row: Row


def measure(
    peers: Iterable[Peer], folder: Path, device: str, images: int, plan: Plan, say: Callable[[str], None]
) -> list[Row]:
    """One row a peer, in their order, timed or with the reason why not. `say` is told of progress.

    Raises ReferenceFailed when jaxmlp's dense engine, which all are compared to, does not run.
    """
    peers, entries = list(peers), {}
    assert DENSE in peers
    try:
        for peer in sorted(peers, key=lambda peer: peer != DENSE):  # the reference first
            say(f"starting {peer.name}")
            entries[peer.name] = _enter(peer, folder, device, images, entries.get(DENSE.name))
        running = [entry for entry in entries.values() if entry.row.status == "ok"]
        for number in range(plan.rounds):
            say(f"round {number + 1} of {plan.rounds}")
            turn = number % len(running)  # another one begins every round
            for entry in running[turn:] + running[:turn]:
                _round(entry, plan)
        if plan.block > 1:
            for entry in running:
                _whole_run(entry, plan.block)
    finally:
        for entry in entries.values():
            if entry.contender is not None:
                entry.contender.close()
    return [entries[peer.name].row for peer in peers]


def _enter(peer: Peer, folder: Path, device: str, images: int, reference: Entry | None):
    """Starts a peer and checks it; the row says whether it may be timed."""
    row, contender = Row(peer.name, peer.ours), None
    if device not in peer.devices:
        row.status, row.reason = "not for this device", f"runs on {', '.join(peer.devices)}"
    elif reason := peer.missing():
        row.status, row.reason = "not installed", reason.partition(": ")[2]
    else:
        try:
            contender = Contender(peer, folder)
            _check(contender, row, images, reference.row if reference else None)
        except ContenderFailed as failure:
            if reference is None:
                raise ReferenceFailed(f"{peer.name}, which all losses are compared to, failed: {failure}") from None
            row.status, row.reason = "failed", str(failure)
    return Entry(contender, row)  # pyright: ignore[reportArgumentType]


def _check(contender: Contender, row: Row, images: int, reference: Row | None) -> None:
    """The first steps, untimed but for the very first, against the reference's losses and correct counts."""
    first, rest = contender.run(1, 1), contender.run(CHECKED_STEPS - 1, 1)
    row.version, row.first_step_seconds = contender.version, first["seconds"][0]
    row.ready_seconds, row.prepare_seconds = contender.ready_seconds, contender.prepare_seconds
    row.losses, row.correct = first["losses"] + rest["losses"], first["correct"] + rest["correct"]
    if reference and (wrong := _disagreement(row, reference, images)):
        row.status, row.reason = "wrong", wrong


def _disagreement(row: Row, reference: Row, images: int) -> str | None:
    """Where a contender first computes something else than the reference; None when it never does. NaN disagrees."""
    for step, (loss, right) in enumerate(zip(row.losses, reference.losses, strict=True)):
        if not abs(loss - right) <= LOSS_TOLERANCE * abs(right):
            return f"loss {loss:.6g} against {right:.6g} at step {step}"
    for step, (count, right) in enumerate(zip(row.correct, reference.correct, strict=True)):
        if abs(count - right) > max(1, CORRECT_TOLERANCE * images):
            return f"{count} images correct against {right} at step {step}"
    return None


def _round(entry: Entry, plan: Plan) -> None:
    """One turn of one contender. One that fails now keeps its reason and is left alone from then on."""
    contender, row = entry
    if row.status != "ok":
        return
    try:
        answer = contender.run(plan.steps, plan.block)
    except ContenderFailed as failure:
        row.status, row.reason = "failed", str(failure)
        return
    row.rounds.append(answer["seconds"])
    row.peak_rss_bytes, row.peak_device_bytes = answer["peak_rss_bytes"], answer["peak_device_bytes"]


def _whole_run(entry: Entry, block: int) -> None:
    contender, row = entry
    if row.status != "ok":
        return
    try:
        seconds = contender.run(WHOLE_RUN, block)["seconds"]
    except ContenderFailed as failure:
        row.status, row.reason = "failed", str(failure)
        return
    lengths = [min(block, WHOLE_RUN - first) for first in range(0, WHOLE_RUN, block)]
    row.whole_run_seconds = sum(length * mean for length, mean in zip(lengths, seconds, strict=True))
