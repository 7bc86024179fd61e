"""The run's folder while a run goes on: lines reach the disk soon, whole, and without the run's waiting for them."""

import json
import subprocess
import sys
import time

import pytest

from jaxmlp.run import folder
from jaxmlp.run.folder import RunFolder
from jaxmlp.trainer import Report


def steps(path) -> list[int]:
    return [json.loads(line)["step"] for line in (path / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def kept(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run", {})


def until(holds) -> bool:
    deadline = time.monotonic() + 240
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def test_steps_reach_the_disk_by_themselves(kept):
    kept.open()
    for step in range(3):
        kept.on_step(Report(step, 1.5, 50.0, None))
    assert until(lambda: steps(kept.path) == [0, 1, 2])
    kept.close()


def test_a_report_is_on_the_disk_at_once_with_all_steps_before_it(kept, monkeypatch):
    monkeypatch.setattr(folder, "UNWRITTEN_SECONDS", 3600)
    kept.open()
    for step in range(5):
        kept.on_step(Report(step, 1.5, 50.0, None))
    assert steps(kept.path) == []
    kept.on_report(Report(4, 1.5, 50.0, 9.0))
    assert steps(kept.path) == [0, 1, 2, 3, 4]
    kept.on_step(Report(5, 1.5, 50.0, None))
    kept.close()
    assert steps(kept.path) == [0, 1, 2, 3, 4, 5]


def test_lines_keep_every_digit_and_leave_out_what_was_not_measured(kept, rng):
    reports = [Report(i, float(rng.random()), float(100 * rng.random()), None if i else 12.5) for i in range(50)]
    for report in reports:
        kept.on_step(report)
    kept.close()
    lines = [json.loads(line) for line in (kept.path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [{n: v for n, v in report._asdict().items() if v is not None} for report in reports]


def test_a_run_that_is_killed_leaves_whole_lines(tmp_path):
    words = (
        "--layers 8 --batch-size 10 --report-every 1000000 --steps 10000000 --data generated:300 --learning-rate 1e-9"
    )
    command = [sys.executable, "-m", "jaxmlp.train", *words.split(), "--out", str(tmp_path / "run")]
    metrics = tmp_path / "run/metrics.jsonl"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            assert until(lambda: metrics.exists() and metrics.stat().st_size > 0), "nothing came before a report"
        finally:
            process.kill()
    assert metrics.read_text().endswith("\n")
    assert (found := steps(tmp_path / "run")) == list(range(len(found)))
