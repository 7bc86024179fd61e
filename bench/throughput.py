"""Every contender on the same arrays in one call: first who computes the right thing, then, in turns, how fast.

All processes stay alive and only one computes at a time, round after round, so that a noisy neighbour on the machine
hits all of them and ratios within a round keep their meaning.
"""

import contextlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bench.contender import Contender
from bench.errors import ContenderFailed, ReferenceFailed
from bench.lineup import REFERENCES, Peer
from bench.row import Row
from bench.workload import Agreement
from jaxmlp.progress import Progress

CHECKED_STEPS = 5  # losses compared before anything is timed; the first of these steps compiles
CORRECT_TOLERANCE = 1e-3  # of all images: a handful lie so near a border that rounding decides
WHOLE_RUN = 301  # the original's steps


class Plan(NamedTuple):
    """How long to look."""

    rounds: int
    steps: int  # timed steps a round, a multiple of `block`; more where these are over before `least_seconds`
    block: int  # steps to a dispatch: 1, or as many as lie between two reports where a step is short
    whole_run: bool = False  # whether the original's 301 steps are timed, too
    least_seconds: float = 0.0  # of a round of the reference


class Entry(NamedTuple):
    """A contender that has passed the check, and the row it fills."""

    contender: Contender | None  # None: it may not, and its row says why
    row: Row


def measure(peers: Iterable[Peer], folder: Path, device: str, agreement: Agreement, plan: Plan) -> list[Row]:
    """One row a peer, in their order, timed or with the reason why not.

    Raises ReferenceFailed when the one of ours that all are compared to does not run.
    """
    peers, entries = list(peers), {}
    reference = next(peer for peer in peers if peer in REFERENCES)
    with contextlib.ExitStack() as running:
        with Progress(len(peers), "contender", "starting and checking") as told:
            for peer in sorted(peers, key=lambda peer: peer != reference):
                told.update(0, peer.name)
                entries[peer.name] = _enter(peer, folder, device, agreement, entries.get(reference.name), running)
                told.update()
                if peer == reference and not entries[peer.name].contender:
                    reason = entries[peer.name].row.reason
                    raise ReferenceFailed(f"{peer.name}, which all losses are compared to, failed: {reason}")
        plan = _long_enough(plan, entries[reference.name])
        _take_turns([entry for entry in entries.values() if entry.contender], plan)
    return [entries[peer.name].row for peer in peers]


def _enter(
    peer: Peer,
    folder: Path,
    device: str,
    agreement: Agreement,
    reference: Entry | None,
    running: contextlib.ExitStack,
) -> Entry:
    """Starts a peer, which ends with `running`, and checks it. Without a contender the entry's row says why."""
    row, contender = Row(peer.name, peer.ours), None
    if absence := peer.absence(device):
        row.status, row.reason = absence
    else:
        try:
            contender = running.enter_context(Contender(peer, folder))
            _check(contender, row, agreement, reference.row if reference else None)
        except ContenderFailed as failure:
            row.status, row.reason = "failed", str(failure)
    if contender and row.status != "ok":
        contender.close()
        contender = None
    return Entry(contender, row)


def _check(contender: Contender, row: Row, agreement: Agreement, reference: Row | None) -> None:
    """The first steps, untimed but for the very first, against the reference's losses and correct counts."""
    first, rest = contender.run(1, 1), contender.run(CHECKED_STEPS - 1, 1)
    row.version, row.first_step_seconds = contender.version, first["seconds"][0]
    row.ready_seconds, row.prepare_seconds = contender.ready_seconds, contender.prepare_seconds
    row.losses, row.correct = first["losses"] + rest["losses"], first["correct"] + rest["correct"]
    if reference and (wrong := _disagreement(row, reference, agreement)):
        row.status, row.reason = "wrong", wrong


def _disagreement(row: Row, reference: Row, agreement: Agreement) -> str | None:
    """Where a contender first computes something else than the reference; None when it never does. NaN disagrees."""
    for step, (loss, right) in enumerate(zip(row.losses, reference.losses, strict=True)):
        if not abs(loss - right) <= agreement.loss * abs(right):
            return f"loss {loss:.6g} against {right:.6g} at step {step}"
    for step, (count, right) in enumerate(zip(row.correct, reference.correct, strict=True)):
        if abs(count - right) > max(1, CORRECT_TOLERANCE * agreement.images):
            return f"{count} images correct against {right} at step {step}"
    return None


def _long_enough(plan: Plan, reference: Entry) -> Plan:
    """With as many steps as last long enough, for all contenders alike, by a second untimed block of the reference."""
    if not plan.least_seconds or _run(reference, plan.block, plan.block) is None:
        return plan
    answer = _run(reference, plan.block, plan.block)
    if answer is None:
        return plan
    blocks = math.ceil(plan.least_seconds / answer["seconds"][0])
    return plan._replace(steps=max(plan.steps, blocks * plan.block))


def _take_turns(entries: list[Entry], plan: Plan) -> None:
    """Fills the rows, round by round. A contender that fails now keeps its reason and is left alone from then on."""
    with Progress(plan.rounds * len(entries), "turn", "timing") as told:
        for number in range(plan.rounds):
            turn = number % len(entries)  # another one begins every round
            for entry in entries[turn:] + entries[:turn]:
                told.update(0, f"round {number + 1} of {plan.rounds}, {entry.row.name}")
                _take_turn(entry, plan)
                told.update()
    if plan.whole_run:
        for entry in entries:
            if (answer := _run(entry, WHOLE_RUN, plan.block)) is not None:
                entry.row.whole_run_seconds = sum(answer["seconds"])


def _take_turn(entry: Entry, plan: Plan) -> None:
    """A round of one contender."""
    answer = _run(entry, plan.steps, plan.block, arithmetic=True)
    if answer is None:
        return
    row, block = entry.row, plan.block
    row.rounds.append([seconds / block for seconds in answer["seconds"]])
    if counted := answer["arithmetic"]:
        row.arithmetic.append([{dtype: count // block for dtype, count in one.items()} for one in counted])
    row.peak_rss_bytes, row.peak_device_bytes = answer["peak_rss_bytes"], answer["peak_device_bytes"]


def _run(entry: Entry, steps: int, block: int, arithmetic: bool = False) -> dict[str, Any] | None:
    if entry.contender is None or entry.row.status != "ok":
        return None
    try:
        return entry.contender.run(steps, block, arithmetic)
    except ContenderFailed as failure:
        entry.row.status, entry.row.reason = "failed", str(failure)
        return None
