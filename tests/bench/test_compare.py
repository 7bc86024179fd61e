"""`--compare`: a drop of our speed is flagged, a slow day of the whole machine is not."""

import copy

import pytest

from bench.compare import changes, require_same_work, text
from bench.errors import NotComparable
from bench.workload import Workload

WORK = Workload("mnist", 60_000, 1024, 10, "cpu")


def result(**speeds: float) -> dict:
    rows = [{"name": name, "ours": name.startswith("jaxmlp"), "steps_per_s": speed} for name, speed in speeds.items()]
    return {"workload": {**WORK._asdict(), "flop_per_step": WORK.flop}, "contenders": rows}


OLD = result(jaxmlp=2.0, tf=1.0, torch=0.5)


def dropped(old: dict, new: dict) -> list[str]:
    return [change.name for change in changes(old, new) if change.dropped]


@pytest.mark.parametrize(("factor", "flagged"), [(0.85, ["jaxmlp"]), (0.95, []), (1.2, [])])
def test_drop_of_15_percent_is_flagged_and_one_of_5_is_noise(factor, flagged):
    new = result(jaxmlp=2.0 * factor, tf=1.0, torch=0.5)
    assert dropped(OLD, new) == flagged
    assert ("DROPPED" in text(changes(OLD, new))) == bool(flagged)


def test_machine_that_is_half_as_fast_today_is_no_drop():
    assert dropped(OLD, result(jaxmlp=1.0, tf=0.5, torch=0.25)) == []


def test_drop_hidden_by_a_faster_machine_is_flagged():
    assert dropped(OLD, result(jaxmlp=2.0, tf=1.5, torch=0.75)) == ["jaxmlp"]


def test_steps_per_second_are_compared_where_no_peer_is_common():
    assert dropped(result(jaxmlp=2.0), result(jaxmlp=1.7)) == ["jaxmlp"]


def test_our_engine_without_a_time_now_is_a_drop_and_a_peer_without_one_is_not():
    new = copy.deepcopy(OLD)
    for row in new["contenders"][:2]:
        del row["steps_per_s"]
    assert dropped(OLD, new) == ["jaxmlp"]
    assert "tf: no time now" in text(changes(OLD, new))


@pytest.mark.parametrize("other", [{"images": 6000}, {"hidden": 8}, {"device": "gpu"}, {"data": "generated:60000"}])
def test_results_of_other_work_are_not_compared(other):
    ((name, value),) = other.items()
    with pytest.raises(NotComparable, match=f"{name} was {getattr(WORK, name)}, now it is {value}"):
        require_same_work(OLD, WORK._replace(**other))
    require_same_work(OLD, WORK)
