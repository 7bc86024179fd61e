"""This result against an older one: how every contender's speed has changed, and whether ours has dropped.

Machines are noisy and unlike, so our speed is judged against the peers that both results measured: what slowed all of
them is the machine's doing. Without a common peer the steps/s themselves are compared.
"""

import statistics
from typing import Any, NamedTuple

from bench.errors import NotComparable
from bench.workload import Workload

DROP = 0.10  # an allowance for noise, not for regressions


class Change(NamedTuple):
    """One contender's speed, new over old."""

    name: str
    raw: float | None  # of its steps/s; None when it has no time now
    against_peers: float | None  # the same, with what happened to the peers taken out; None for a peer
    dropped: bool


def require_same_work(old: dict[str, Any], workload: Workload) -> None:
    """Raises NotComparable naming what differs."""
    for name, now in workload._asdict().items():
        if (before := old["workload"].get(name)) != now:
            raise NotComparable(f"the older result measured other work: {name} was {before}, now it is {now}")


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """A change for every contender the old result has a time of."""
    before, now = _speeds(old), _speeds(new)
    ours = {row["name"] for row in old["contenders"] if row["ours"]}
    raw = {name: now[name] / speed if name in now else None for name, speed in before.items()}
    peers = [ratio for name, ratio in raw.items() if ratio is not None and name not in ours]
    machine = statistics.median(peers) if peers else 1.0
    return [_change(name, ratio, machine if name in ours else None) for name, ratio in raw.items()]


def _change(name: str, raw: float | None, machine: float | None) -> Change:
    if machine is None:
        return Change(name, raw, None, False)
    against = None if raw is None else raw / machine
    return Change(name, raw, against, against is None or against < 1 - DROP)


def _speeds(result: dict[str, Any]) -> dict[str, float]:
    return {row["name"]: row["steps_per_s"] for row in result["contenders"] if "steps_per_s" in row}


def text(changes: list[Change]) -> str:
    """A line a contender, ours flagged when they dropped."""
    lines = ["Against the older result: speed now / then"]
    for change in changes:
        raw = f"{change.raw:.2f}" if change.raw is not None else "no time now"
        against = f", {change.against_peers:.2f} against the peers" if change.against_peers is not None else ""
        flag = f"   DROPPED by more than {DROP:.0%}" if change.dropped else ""
        lines.append(f"  {change.name}: {raw}{against}{flag}")
    return "\n".join(lines)
