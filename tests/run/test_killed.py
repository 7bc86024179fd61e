"""`pytest -m durability`: processes that are killed at random moments, or told to end, go on to the same bytes."""

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from durability import counted
from kept_runs import final
from processes import read, waited

from jaxmlp.run import resume, status

pytestmark = pytest.mark.durability
PARTS, KILLS = 5, 10  # so many times so many kills


def where(folder: Path) -> dict[str, Path]:
    return {"resume": folder} if (folder / "config.json").exists() else {"out": folder}


@pytest.mark.parametrize("part", range(PARTS))
def test_a_process_killed_at_random_moments_loses_nothing(tmp_path, processes, long, seed, part):
    """Killed, gone on with and killed again; when one comes to its end the next begins."""
    (right, seconds), rng = long, np.random.default_rng([seed, part])
    kills, folder, done = 0, tmp_path / "run", []
    while kills < KILLS or folder.exists():
        process = processes.start(tmp_path / "code", **where(folder))
        process.join(float(rng.uniform(0, 0.9 * seconds)) if kills < KILLS else None)
        killed = process.is_alive()
        process.kill()
        process.join()
        kills, told = kills + killed, status.status_of(folder)
        counted("SIGKILL at a random moment", int(killed))
        assert killed or (told and told.state == "finished"), read(tmp_path / "code")
        done.append(told.done if told else 0)
        if told and told.state == "finished":
            assert final(folder) == right, done
        if done[-1] == 0 or (told and told.state == "finished"):
            shutil.rmtree(folder, ignore_errors=True)
            done = []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_to_end_keeps_the_last_step(tmp_path, processes, long, number):
    process = processes.start(tmp_path / "code", out=tmp_path / "run")
    metrics = tmp_path / "run/metrics.jsonl"
    waited(lambda: metrics.exists() and metrics.stat().st_size)
    os.kill(process.pid, number)
    process.join()
    ended = read(tmp_path / "code")
    assert ended in (str(128 + number), "0"), "0: it was done before it heard"
    if ended != "0":
        found = resume.newest(tmp_path / "run").checkpoint
        told = status.status_of(tmp_path / "run")
        assert (told.state, told.done) == ("interrupted", found.facts.steps)
        assert processes.ended(tmp_path / "code", resume=tmp_path / "run") == "0"
    assert final(tmp_path / "run") == long[0]
    counted(f"{number.name} in the middle")


def test_of_two_runs_given_one_folder_the_second_is_refused(tmp_path, processes, long):
    both = [processes.start(tmp_path / f"code{i}", out=tmp_path / "run") for i in range(2)]
    for process in both:
        process.join()
    codes = sorted((read(tmp_path / f"code{i}") for i in range(2)), key=len)
    assert codes[0] == "0"
    assert "in use by process" in codes[1] or "is not empty" in codes[1]
    assert final(tmp_path / "run") == long[0]
    counted("two runs given one folder")


def test_a_lock_of_a_dead_process_is_taken_over(tmp_path, processes, long):
    process = processes.start(tmp_path / "code", out=tmp_path / "run")
    waited((tmp_path / "run/config.json").exists)
    process.kill()
    process.join()
    assert (tmp_path / "run/.lock").exists()
    assert processes.ended(tmp_path / "code", resume=tmp_path / "run") == "0"
    assert final(tmp_path / "run") == long[0]
    counted("a lock of a dead process")
