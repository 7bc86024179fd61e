"""`--compare`: a drop of our speed is flagged; a slow day of the machine and a noisy round are not."""

import numpy as np
import pytest

from bench.compare import Change, changes, require_same_work, text
from bench.errors import NotComparable
from bench.older import Timings
from bench.workload import Workload

WORK = Workload("mnist", 60_000, 1024, 10, "cpu")


def result(jaxmlp: list[float], **peers: list[float]) -> Timings:
    return Timings("a processor", WORK._asdict(), {"jaxmlp": jaxmlp}, peers)


def steady(jaxmlp: float, rounds: int = 7, **peers: float) -> Timings:
    """Speeds, in steps/s, that are the same in every round."""
    return result([1 / jaxmlp] * rounds, **{name: [1 / speed] * rounds for name, speed in peers.items()})


OLD = steady(2.0, tf=1.0, torch=0.5)


def judged(old: Timings, new: Timings) -> Change:
    return next(change for change in changes(old, new) if change.name == "jaxmlp")


@pytest.mark.parametrize(("factor", "verdict"), [(0.85, "dropped"), (0.95, ""), (1.2, "")])
def test_drop_of_15_percent_is_flagged_and_one_of_5_is_noise(factor, verdict):
    new = steady(2.0 * factor, tf=1.0, torch=0.5)
    assert judged(OLD, new).verdict == verdict
    assert ("DROPPED by more than 10%" in text(changes(OLD, new), OLD, new)) == (verdict == "dropped")


def test_machine_that_is_half_as_fast_today_is_no_drop():
    assert judged(OLD, steady(1.0, tf=0.5, torch=0.25)).verdict == ""


def test_drop_hidden_by_a_faster_machine_is_flagged():
    assert judged(OLD, steady(2.0, tf=1.5, torch=0.75)).verdict == "dropped"


def test_one_peer_that_became_faster_is_no_drop_of_ours():
    old = steady(2.0, tf=1.0, torch=0.5, flax=0.7)
    assert judged(old, steady(2.0, tf=3.0, torch=0.5, flax=0.7)).verdict == ""


def test_our_own_speed_is_compared_where_no_peer_is_common():
    assert judged(steady(2.0, tf=1.0), steady(1.7, torch=1.0)).verdict == "dropped"


def test_our_engine_without_a_time_now_is_a_drop_and_a_peer_without_one_is_not():
    new = Timings("a processor", WORK._asdict(), {"another of ours": [1.0] * 7}, {"torch": [2.0] * 7})
    assert [change.verdict for change in changes(OLD, new)] == ["dropped", "", ""]
    assert "tf: no time now" in text(changes(OLD, new), OLD, new)


@pytest.mark.parametrize("rounds", [1, 2])
def test_too_few_rounds_cannot_tell(rounds):
    old, new = steady(2.0, rounds, tf=1.0), steady(1.0, rounds, tf=1.0)
    assert judged(old, new).verdict == "cannot tell"
    assert "cannot tell whether it dropped: so few rounds have no spread" in text(changes(old, new), old, new)


def test_one_noisy_round_is_no_drop_and_a_spread_across_the_allowance_cannot_tell():
    new = result([0.5] * 6 + [1.5], tf=[1.0] * 7, torch=[2.0] * 7)
    assert judged(OLD, new).verdict == ""
    new = result([0.5, 0.5, 0.5, 0.58, 0.6, 0.62, 0.65], tf=[1.0] * 7, torch=[2.0] * 7)
    assert judged(OLD, new).verdict == "cannot tell"
    assert "cannot tell whether it dropped by more than 10%" in text(changes(OLD, new), OLD, new)


def test_another_processor_is_named():
    new = OLD._replace(device="another")
    assert "measured on a processor, this on another" in text(changes(OLD, new), OLD, new)
    assert "measured on" not in text(changes(OLD, OLD), OLD, OLD)


def noisy(rng: np.random.Generator, slower: float) -> Timings:
    """Spread as in bench/RESULTS.md: a few percent, and now and then a round that takes half as long again."""

    def rounds(seconds: float) -> list[float]:
        halted = np.where(rng.random(7) < 1 / 14, 1.5, 1)
        return list(seconds * halted * np.exp(rng.normal(0, 0.06, 7)))

    return result(rounds(0.234 * slower), **{f"peer {i}": rounds(0.5 + 0.1 * i) for i in range(9)})


def flagged(rng: np.random.Generator, slower: float, pairs: int) -> float:
    return sum(judged(noisy(rng, 1), noisy(rng, slower)).verdict == "dropped" for _ in range(pairs)) / pairs


def test_the_same_code_is_not_flagged_in_99_of_100_noisy_pairs(rng):
    assert flagged(rng, 1, 1000) < 0.01


def test_a_quarter_less_speed_is_flagged_in_9_of_10_noisy_pairs(rng):
    assert flagged(rng, 1 / 0.75, 1000) > 0.9


@pytest.mark.parametrize("other", [{"images": 6000}, {"hidden": 8}, {"device": "gpu"}, {"data": "generated:60000"}])
def test_results_of_other_work_are_not_compared(other):
    ((name, value),) = other.items()
    with pytest.raises(NotComparable, match=f"{name} was {getattr(WORK, name)}, now it is {value}"):
        require_same_work(OLD, WORK._replace(**other))
    require_same_work(OLD, WORK)
