"""Who is timed and who is refused: correctness comes first, and nobody disappears from the table."""

import numpy as np
import pytest

from bench import table, throughput
from bench.contender import Contender
from bench.errors import ReferenceFailed
from bench.lineup import DENSE, Peer
from bench.roofline import Roofline
from bench.row import Row, best_of_ours
from bench.throughput import Entry, Plan
from bench.workload import Agreement

PEAKS = Roofline("cpu", "", 100.0, "JAX", None, 10.0)


@pytest.mark.parametrize("name", [DENSE.name, "numpy_blas", "chatty"])
def test_right_contender_has_a_time_for_every_step_of_every_round(rows, name):
    row = rows[name]
    assert row.status == "ok", row.reason
    assert [len(seconds) for seconds in row.rounds] == [3, 3]
    assert all(seconds > 0 for round_ in row.rounds for seconds in round_)
    assert row.peak_rss_bytes > 20e6


def test_memory_is_the_contenders_own_and_not_what_its_parent_held(problem):
    held = np.ones(500_000_000, np.uint8)
    contender = Contender(Peer("numpy_blas", "bench.peers.numpy_blas"), problem)
    try:
        assert contender.run(1, 1)["peak_rss_bytes"] < 200e6 < held.nbytes
    finally:
        contender.close()


def test_startup_holds_imports_and_preparation_and_is_apart_from_the_first_step(rows):
    row = rows[DENSE.name]
    assert row.ready_seconds > row.prepare_seconds > 0
    assert row.compile_seconds > 10 * row.seconds.median  # XLA compiles in the first step, for long


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("slightly wrong", "wrong", "at step 1"),
        ("nan", "wrong", "loss nan against"),
        ("miscounts", "wrong", "images correct against"),
        ("raises", "failed", "ValueError: the reason"),
        ("killed", "failed", "ended by signal 9"),
        ("exits", "failed", "the last words"),
        ("dies late", "failed", "MemoryError: no more"),
        ("absent", "not installed", "no_such_library"),
        ("elsewhere", "not for this device", "runs on tpu"),
    ],
)
def test_refused_contender_keeps_its_row_with_the_reason_and_no_time(rows, workload, name, status, reason):
    row = rows[name]
    assert (row.status, row.measured) == (status, False)
    assert reason in row.reason
    assert "\n" not in row.reason
    assert "seconds_per_step" not in row.as_json(workload, PEAKS, rows[DENSE.name])
    assert f"{status}: {row.reason}" in table.absentees(list(rows.values()), "")
    assert name not in table.contenders(list(rows.values()), workload, PEAKS)


def test_ratio_compares_rounds_that_stood_side_by_side(rows):
    ours, peer = rows[DENSE.name], rows["numpy_blas"]
    ratio = peer.slower_than(ours)
    assert ratio.min <= ratio.median <= ratio.max
    assert ours.slower_than(ours) == (1, 1, 1)
    ours_twice = type(peer)("x", False, rounds=[[2 * seconds for seconds in round_] for round_ in peer.rounds])
    assert ours_twice.slower_than(peer).median == pytest.approx(2)


def test_best_of_ours_is_ours_and_measured(rows):
    assert best_of_ours(list(rows.values())) is rows[DENSE.name]
    assert best_of_ours([rows["numpy_blas"]]) is None


def test_nothing_is_shown_when_the_reference_itself_fails(problem, monkeypatch):
    broken = Peer(DENSE.name, "bench.no_such_module", ours=True)
    monkeypatch.setattr(throughput, "REFERENCES", (broken,))
    with pytest.raises(ReferenceFailed, match="No module named"):
        throughput.measure([broken], problem, "cpu", Agreement(300), Plan(1, 1, 1))


@pytest.mark.parametrize(("seconds", "steps"), [(0.0625, 800), (0.07, 800), (0.2, 300), (9.0, 300)])
def test_a_round_has_as_many_blocks_as_the_reference_takes_half_a_second_for(monkeypatch, seconds, steps):
    asked = []

    def run(entry, steps, block, arithmetic=False):
        asked.append((steps, block))
        return {"seconds": [5.0 if len(asked) == 1 else seconds]}  # the first block is no usual one

    monkeypatch.setattr(throughput, "_run", run)
    assert throughput._long_enough(Plan(5, 300, 100, least_seconds=0.5), Entry(None, Row("x", True))).steps == steps
    assert asked == [(100, 100), (100, 100)]
    assert throughput._long_enough(Plan(5, 3, 1), Entry(None, Row("x", True))) == Plan(5, 3, 1)
    assert len(asked) == 2


def test_blocks_are_clocked_whole_and_the_rest_of_the_steps_is_a_shorter_block(problem):
    contender = Contender(Peer("numpy_blas", "bench.peers.numpy_blas"), problem)
    try:
        answer = contender.run(5, 2)
    finally:
        contender.close()
    assert (len(answer["seconds"]), len(answer["losses"]), len(answer["correct"])) == (3, 5, 5)


def test_command_that_installs_stands_once_under_those_who_are_missing(rows):
    told = table.absentees(list(rows.values()), "pip install it")
    assert told.count("pip install it") == 1
    assert "pip install it" not in table.absentees([rows["raises"]], "pip install it")
