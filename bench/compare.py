"""This result against an older one: how every contender's speed has changed, and whether ours has dropped.

Machines are noisy and unlike, so our speed is judged against the peers that both results measured, round by round: what
slowed all of them is the machine's doing. Without a common peer our own seconds are compared.

One noisy round is no drop, so every new round is held against every older one. The middle one of these ratios is the
change. They also bound it, whatever the noise's distribution (Hodges and Lehmann's interval, from the ranks of Mann and
Whitney). A drop is a change whose whole interval lies beyond the allowance.
"""

import math
import operator
import statistics
from typing import NamedTuple

from bench.errors import NotComparable
from bench.older import Timings
from bench.workload import Workload

DROP = 0.10  # an allowance for noise, not for regressions
ONE_SIDED_90 = 1.28  # standard deviations: the interval holds the true change eight times in ten
Rounds = list[float]


class Interval(NamedTuple):
    """A change of speed, now / then, and what it lies between; infinitely far where the rounds are too few to say."""

    middle: float
    low: float
    high: float


class Change(NamedTuple):
    """One contender's speed, new over old."""

    name: str
    raw: float | None  # of its steps/s; None when it has no time now
    against_peers: Interval | None  # with what happened to the peers taken out; None for a peer, or without a time
    verdict: str  # "dropped", "cannot tell", or empty


def require_same_work(old: Timings, workload: Workload) -> None:
    """Raises NotComparable naming what differs."""
    for name, now in workload._asdict().items():
        if (before := old.workload[name]) != now:
            raise NotComparable(f"the older result measured other work: {name} was {before}, now it is {now}")


def changes(old: Timings, new: Timings) -> list[Change]:
    """A change for every contender the old result has a time of, ours first."""
    now = new.ours | new.peers
    raw = {name: _speed(rounds, now.get(name)) for name, rounds in (old.ours | old.peers).items()}
    common = [name for name in old.peers if name in new.peers]
    ours = [_judged(name, raw[name], _against_peers(name, common, old, new)) for name in old.ours]
    return ours + [Change(name, raw[name], None, "") for name in old.peers]


def _speed(before: Rounds, now: Rounds | None) -> float | None:
    return None if now is None else statistics.median(before) / statistics.median(now)


def _judged(name: str, raw: float | None, against: Interval | None) -> Change:
    if against is None or against.high < 1 - DROP:
        return Change(name, raw, against, "dropped")
    return Change(name, raw, against, "cannot tell" if against.low < 1 - DROP else "")


def _against_peers(name: str, peers: list[str], old: Timings, new: Timings) -> Interval | None:
    if name not in new.ours:
        return None
    leads = {peer: _leads(old.ours[name], old.peers[peer]) for peer in peers}
    usual = {peer: statistics.median(rounds) for peer, rounds in leads.items()}
    then = _gains(leads, usual) if peers else [-math.log(seconds) for seconds in old.ours[name]]
    leads = {peer: _leads(new.ours[name], new.peers[peer]) for peer in peers}
    now = _gains(leads, usual) if peers else [-math.log(seconds) for seconds in new.ours[name]]
    return Interval(*map(math.exp, _shift(then, now)))


def _leads(ours: Rounds, peer: Rounds) -> Rounds:
    """By round, the logarithm of how many times longer the peer's step takes."""
    return [math.log(theirs / mine) for mine, theirs in zip(ours, peer, strict=True)]


def _gains(leads: dict[str, Rounds], usual: dict[str, float]) -> Rounds:
    """By round, how much more than usual we lead: the median of the peers, so that no single one's update decides."""
    by_round = zip(*leads.values(), strict=True)
    return [statistics.median(map(operator.sub, round_, usual.values())) for round_ in by_round]


def _shift(then: Rounds, now: Rounds) -> Interval:
    """By how much `now` lies above `then`."""
    differences = sorted(new - old for new in now for old in then)
    pairs = len(differences)
    deviation = math.sqrt(pairs * (len(now) + len(then) + 1) / 12)  # of the number of pairs in which `now` is above
    left_out = math.floor(pairs / 2 - ONE_SIDED_90 * deviation - 0.5)  # at either end
    middle = statistics.median(differences)
    if left_out < 0:
        return Interval(middle, -math.inf, math.inf)
    return Interval(middle, differences[left_out], differences[-1 - left_out])


def text(changes: list[Change], old: Timings, new: Timings) -> str:
    """A line a contender, ours judged."""
    lines = ["Against the older result: speed now / then"]
    if old.device != new.device:
        lines.append(f"  note: that was measured on {old.device}, this on {new.device}")
    return "\n".join([*lines, *map(_line, changes)])


def _line(change: Change) -> str:
    if change.raw is None:
        return f"  {change.name}: no time now{'   DROPPED' if change.verdict == 'dropped' else ''}"
    line = f"  {change.name}: {change.raw:.2f}"
    if change.against_peers is None:
        return line
    middle, low, high = change.against_peers
    line += f", {middle:.2f} against the peers"
    if math.isinf(high):
        return f"{line}   cannot tell whether it dropped: so few rounds have no spread, --rounds 7 has"
    line += f" ({low:.2f} … {high:.2f})"
    if change.verdict == "dropped":
        line += f"   DROPPED by more than {DROP:.0%}"
    if change.verdict == "cannot tell":
        line += f"   cannot tell whether it dropped by more than {DROP:.0%}: more --rounds narrow the spread"
    return line
