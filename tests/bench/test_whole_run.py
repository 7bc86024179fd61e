"""Whole runs in turns: every step of each is timed, one that stops or is wrong is told, and the text holds them."""

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from fakes import fake

from bench import plot, table, whole_run
from bench.lineup import Peer
from bench.whole_run import SCREENED, UNSCREENED

STEPS = whole_run.TURN + 3
PEERS = [
    SCREENED,
    UNSCREENED,
    Peer("jax_whole_batch", "bench.peers.jax_whole_batch"),
    fake("nan"),
    fake("dies late"),
    Peer("absent", "bench.peers.absent", needs=("no_such_library",)),
]


@pytest.fixture(scope="module")
def runs(problem):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        return {run.name: run for run in whole_run.measure(PEERS, problem, "cpu", STEPS)}


@pytest.mark.parametrize("name", ["jaxmlp", "jaxmlp without screening", "jax_whole_batch"])
def test_every_step_of_a_run_is_timed_and_its_start_counted(runs, name):
    run = runs[name]
    assert (run.status, len(run.seconds)) == ("ok", STEPS)
    assert run.total > sum(run.seconds) > 0
    assert run.ready_seconds > 0.1
    assert run.last_loss == pytest.approx(runs["jaxmlp"].last_loss, rel=whole_run.TOLERANCE)


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("nan", "wrong", "loss nan against"),
        ("dies late", "failed", ""),
        ("absent", "not installed", "no_such_library"),
    ],
)
def test_a_run_that_is_none_says_why_and_has_no_time_in_the_table(runs, name, status, reason):
    assert runs[name].status == status
    assert reason in runs[name].reason
    line = next(line for line in table.whole_runs(list(runs.values())).splitlines() if line.startswith(name))
    assert f"{status}: " in line
    assert " ms" not in line


def test_the_table_has_a_row_a_run_and_our_time_as_the_unit(runs):
    lines = table.whole_runs(list(runs.values())).splitlines()
    assert lines[0].startswith(f"{STEPS} steps, ten in turn")
    assert [line.split("  ")[0] for line in lines[1:-1]] == [peer.name for peer in PEERS]
    assert " 1.00 " in lines[1]


def test_where_ours_fails_the_others_are_told_all_the_same(runs):
    failed = runs["jaxmlp"]._replace(status="failed", reason="why", ready_seconds=0.0, seconds=[])
    ours, theirs = table.whole_runs([failed, runs["jax_whole_batch"]]).splitlines()[1:3]
    assert "failed: why" in ours
    assert f"{runs['jax_whole_batch'].total:.1f} s" in theirs


def test_a_contender_for_another_device_is_not_started_and_told_as_in_the_table_of_steps(problem):
    elsewhere = Peer("elsewhere", "bench.peers.numpy_blas", devices=("tpu",))
    run = whole_run.measure([UNSCREENED, elsewhere], problem, "cpu", 1)[1]
    assert (run.status, run.reason, run.seconds) == ("not for this device", "runs on tpu", [])


def test_the_picture_has_a_line_for_every_run_that_went_through(runs):
    axes = plt.figure().add_subplot()
    there = [run for run in runs.values() if run.status == "ok"]
    plot._whole_runs(axes, there)
    assert len(axes.lines) == len(there) == 3
    assert {text.get_text().split(":")[0].strip() for text in axes.texts} == {run.name for run in there}


def test_ours_comes_with_and_without_screening_before_the_peers_that_were_named():
    assert [peer.name for peer in whole_run.contenders(("tf115", "numpy_blas"))] == [
        SCREENED.name,
        UNSCREENED.name,
        "tf115",
    ]
