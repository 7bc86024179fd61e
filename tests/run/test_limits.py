"""`pytest -m durability`: what a run leaves that is given little, and whether made twice it is the same."""

import os
import shutil
import subprocess
import sys

import pytest
from durability import counted
from kept_runs import final
from processes import Limits

pytestmark = pytest.mark.durability


@pytest.mark.parametrize("size", [100, 5_000, 30_000, 60_000, 100_000])
def test_a_limit_on_the_size_of_files_is_said_and_what_was_done_goes_on(tmp_path, processes, long, size):
    ended = processes.ended(tmp_path / "code", limits=Limits(file=size), out=tmp_path / "run")
    assert "cannot be written: File too large" in ended or (ended == "0" and size >= 60_000)
    if (tmp_path / "run/config.json").exists():
        processes.ended(tmp_path / "code", resume=tmp_path / "run")
        assert final(tmp_path / "run") == long[0]
    counted("a limit on the size of files")


@pytest.mark.parametrize("megabytes", [32, 128, 256, 512, 1024])
def test_a_limit_on_memory_ends_a_run_that_goes_on_later(tmp_path, processes, long, megabytes):
    """However XLA takes it: in one line, or by the end of the process."""
    ended = processes.ended(tmp_path / "code", limits=Limits(memory=megabytes << 20), out=tmp_path / "run")
    assert ended in ("0", "it ended without a word") or "not enough memory" in ended, ended
    assert ended != "0" or megabytes > 32, "it was not limited"
    if (tmp_path / "run/config.json").exists():
        processes.ended(tmp_path / "code", resume=tmp_path / "run")
        assert final(tmp_path / "run") == long[0]
    counted("a limit on memory")


def test_the_same_command_twice_leaves_the_same_bytes(tmp_path):
    """In all that it leaves, by processes of their own, the second with what the first has compiled."""
    left = []
    for _ in range(2):
        command = [sys.executable, "-m", "jaxmlp.train", "--data", "generated:500", "--steps", "5", "--hidden", "9"]
        settings = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        subprocess.run([*command, "--out", str(tmp_path / "run")], env=settings, check=True, capture_output=True)
        files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
        left.append({file.relative_to(tmp_path): file.read_bytes() for file in files})
        shutil.rmtree(tmp_path / "run")
    assert left[0] == left[1]
    assert len(left[0]) >= 7
    counted("the same command twice")


def test_minibatches_on_one_core_leave_the_bytes_of_those_on_all(tmp_path, processes, long):
    """Sums over a whole set are shared otherwise: of them it is not promised."""
    assert processes.ended(tmp_path / "code", limits=Limits(cores=1), out=tmp_path / "run") == "0"
    assert final(tmp_path / "run") == long[0]
    counted("the same command on one core")
