"""`pytest -m durability`: a run is ended in every way there is, goes on, and leaves the bytes of one that was not."""

import dataclasses
import errno
import multiprocessing
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import faults
import jax
import numpy as np
import pytest
from kept_runs import FINAL, RICH, final, stop, train

from jaxmlp.errors import ConfigError, DataError, OutputError
from jaxmlp.program import Program
from jaxmlp.run import checkpoint, checkpoints, resume, status
from jaxmlp.run.leftovers import strays
from jaxmlp.run.model_file import read_model

pytestmark = pytest.mark.durability
LONG = dataclasses.replace(RICH, steps=3000, report_every=50)
KILLS, CHAIN = 50, 10  # so many kills, at most so many of them on one run
FLIPS = 200


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """What an uninterrupted run leaves."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert train(RICH, folder) == 0
    return dict(final(folder))


def ended_or_refused(program: Program, **where: Path) -> bool:
    """Whether it went through; a run that could not write says so, as ours."""
    try:
        return train(program, **where) == 0
    except OutputError as error:
        if not re.search("cannot be (written|removed)", str(error)):
            raise
        return False


def goes_on(folder: Path, whole: dict[str, bytes], program: Program = RICH) -> None:
    """To the end and to the bit; what has no config.json has done nothing, and is begun anew."""
    if not (folder / "config.json").exists():
        assert not (folder / "metrics.jsonl").exists()
        with pytest.raises(ConfigError, match=r"there is no run with a config\.json"):
            status.to_resume(str(folder))
        return
    try:
        assert train(program, resume=folder) == 0
    except ConfigError as error:  # it was whole already
        if "are done already" not in str(error):
            raise
    differ = [name for name in {**whole, **final(folder)} if final(folder).get(name) != whole.get(name)]
    assert not differ, f"{folder} differs in {differ}"
    assert not [*strays(folder), *strays(folder / "checkpoints"), *folder.glob(".lock")]


def test_a_kill_at_every_call_that_writes_loses_nothing(tmp_path, whole, capsys):
    (tmp_path / "copies").mkdir()
    with faults.shim(tmp_path / "run", faults.copying(tmp_path / "run", tmp_path / "copies")) as calls:
        assert train(RICH, tmp_path / "run") == 0
    assert {"write", "fsync", "replace", "chmod", "unlink", "mkdir"} <= set(calls)
    assert calls.count("replace") >= 5
    for copy in sorted((tmp_path / "copies").iterdir()):
        shutil.move(copy, tmp_path / "runs/moved")  # another place: a folder may move between machines
        goes_on(tmp_path / "runs/moved", whole)
        shutil.rmtree(tmp_path / "runs")
        faults.counted(f"killed at {copy.name.split('-')[1]}")


def test_a_kill_at_every_call_of_going_on_loses_nothing(tmp_path, whole, capsys):
    """Going on cuts metrics, sweeps and writes: it may be killed as well."""
    assert stop(RICH, 2, out=tmp_path / "first") == 130
    (tmp_path / "copies").mkdir()
    with faults.shim(tmp_path / "first", faults.copying(tmp_path / "first", tmp_path / "copies")):
        goes_on(tmp_path / "first", whole)
    for copy in sorted((tmp_path / "copies").iterdir()):
        goes_on(copy, whole)
        shutil.rmtree(copy)
        faults.counted("killed while going on")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("ENOSPC once", lambda at: faults.failing(at, errno.ENOSPC)),
        ("EIO once", lambda at: faults.failing(at, errno.EIO)),
        ("a disk that stays full", lambda at: faults.failing(at, errno.ENOSPC, for_good=True)),
        ("a short write", faults.short_at),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_fault_at_every_call_stops_no_run_that_can_go_on(tmp_path, whole, capsys, name, fault):
    at, calls = 0, [""]
    while len(calls) >= at:  # else the last one did not come any more
        folder = tmp_path / f"runs/{at}"
        with faults.shim(folder, fault(at)) as calls:
            went_through = ended_or_refused(RICH, out=folder)
        assert went_through or name != "a short write"
        if went_through:
            assert {n: final(folder)[n] for n in FINAL} == {n: whole[n] for n in FINAL}
        goes_on(folder, whole) if folder.exists() else None
        shutil.rmtree(folder, ignore_errors=True)
        faults.counted(name)
        at += 1
    assert at > 30


def test_a_flipped_bit_anywhere_in_a_checkpoint_is_refused_or_harmless(tmp_path, capsys, rng):
    assert train(RICH, tmp_path / "run") == 0
    newest = checkpoints.files(tmp_path / "run")[0]
    right, content = checkpoint.read(newest), newest.read_bytes()
    model = read_model(newest)
    header = int.from_bytes(content[:8], "little") + 8
    offsets = [*rng.integers(header, size=FLIPS // 2), *rng.integers(len(content), size=FLIPS // 2)]
    refused = 0
    for at in offsets:
        flipped = bytearray(content)
        flipped[at] ^= 1 << int(rng.integers(8))
        newest.write_bytes(flipped)
        try:
            found = checkpoint.read(newest)
            assert found.facts == right.facts
            assert found.tensors.keys() == right.tensors.keys()
            for name, array in right.tensors.items():
                np.testing.assert_array_equal(found.tensors[name], array)
            assert read_model(newest)[0] == model[0]
        except DataError:
            refused += 1
            with pytest.raises(DataError):
                read_model(newest)
        faults.counted("a flipped bit")
    assert refused > 0.9 * FLIPS


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, -1, -1000])
def test_a_truncated_checkpoint_is_passed_over(tmp_path, whole, capsys, length):
    assert stop(RICH, 2, out=tmp_path / "run") == stop(RICH, 2, resume=tmp_path / "run") == 130
    newest, _ = checkpoints.files(tmp_path / "run")
    newest.write_bytes(newest.read_bytes()[:length])
    goes_on(tmp_path / "run", whole)
    assert f"passed over: {newest}" in capsys.readouterr().err


def test_a_read_only_folder_is_refused_and_left_as_it_was(tmp_path, whole, capsys):
    assert stop(RICH, 2, out=tmp_path / "run") == 130
    before = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()}
    with faults.shim(tmp_path / "run", faults.read_only), pytest.raises(OutputError, match="Read-only file system"):
        train(RICH, resume=tmp_path / "run")
    assert {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()} == before
    goes_on(tmp_path / "run", whole)


def test_a_clock_that_jumps_back_changes_nothing(tmp_path, whole, capsys, monkeypatch):
    now = iter(range(2_000_000_000, 0, -1000))
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: float(next(now)))
        assert stop(RICH, 2, out=tmp_path / "run") == stop(RICH, 2, resume=tmp_path / "run") == 130
        for age, file in enumerate(checkpoints.files(tmp_path / "run")):
            os.utime(file, (age * 1e6, age * 1e6))  # the newest looks oldest
        goes_on(tmp_path / "run", whole)


# Processes: forked from one that has imported all, and started nothing yet.


def _child(program: Program, limit: int | None, compiled: Path, code: Path, where: dict[str, Path]) -> None:
    """Writes what became of it: an exit code, an error's words, or a traceback."""
    code.unlink(missing_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit or hard, hard))
    try:
        ended = str(train(program, **where))
    except OutputError as error:
        ended = str(error)
    except BaseException:
        ended = traceback.format_exc()
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    code.write_text(ended)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts one; what the first of them compiles, the others find."""
    compiled = tmp_path_factory.mktemp("compiled")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kept_runs", "test_durability"])
    started = []

    def start(code: Path, program: Program = LONG, limit: int | None = None, **where: Path):
        process = context.Process(target=_child, args=(program, limit, compiled, code, where))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


@pytest.fixture(scope="module")
def long(start, tmp_path_factory) -> tuple[dict[str, bytes], float]:
    """What a longer run leaves, in a process of its own; and the seconds it takes where all is compiled."""
    folder, began = tmp_path_factory.mktemp("long"), 0.0
    for name in ("compiling", "run"):
        began = time.monotonic()
        start(folder / "code", out=folder / name).join()
        assert (folder / "code").read_text() == "0"
    assert final(folder / "run") == final(folder / "compiling")
    return dict(final(folder / "run")), time.monotonic() - began


def read(code: Path) -> str:
    return code.read_text() if code.exists() else "it ended without a word"


def where(folder: Path) -> dict[str, Path]:
    return {"resume": folder} if (folder / "config.json").exists() else {"out": folder}


@pytest.mark.timeout(3000)  # for a machine that others use, too
def test_a_process_killed_at_random_moments_loses_nothing(tmp_path, start, long, rng):
    """Killed, gone on with and killed again; when one comes to its end the next begins."""
    right, seconds = long
    kills, folder, done = 0, tmp_path / "run", []
    while kills < KILLS or folder.exists():
        process = start(tmp_path / "code", **where(folder))
        process.join(float(rng.uniform(0, 0.9 * seconds)) if kills < KILLS and len(done) < CHAIN else None)
        killed = process.is_alive()
        process.kill()
        process.join()
        kills, told = kills + killed, status.status_of(folder)
        assert killed or (told and told.state == "finished"), read(tmp_path / "code")
        done.append(told.done if told else 0)
        if told and told.state == "finished":
            assert final(folder) == right, done
        if done[-1] == 0 or (told and told.state == "finished"):
            shutil.rmtree(folder, ignore_errors=True)
            done = []
    faults.COUNTS["SIGKILL at a random moment"] = kills


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_to_end_keeps_the_last_step(tmp_path, start, long, number):
    process = start(tmp_path / "code", out=tmp_path / "run")
    deadline = time.monotonic() + 300
    metrics = tmp_path / "run/metrics.jsonl"
    while not (metrics.exists() and metrics.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, number)
    process.join()
    ended = (tmp_path / "code").read_text()
    assert ended in (str(128 + number), "0"), "0: it was done before it heard"
    if ended != "0":
        found = resume.newest(tmp_path / "run").checkpoint
        told = status.status_of(tmp_path / "run")
        assert (told.state, told.done) == ("interrupted", found.facts.steps)
        start(tmp_path / "code", resume=tmp_path / "run").join()
    assert final(tmp_path / "run") == long[0]


def test_of_two_runs_given_one_folder_the_second_is_refused(tmp_path, start, long):
    both = [start(tmp_path / f"code{i}", out=tmp_path / "run") for i in range(2)]
    for process in both:
        process.join()
    codes = sorted(((tmp_path / f"code{i}").read_text() for i in range(2)), key=len)
    assert codes[0] == "0"
    assert "in use by process" in codes[1] or "is not empty" in codes[1]
    assert final(tmp_path / "run") == long[0]


def test_a_lock_of_a_dead_process_is_taken_over(tmp_path, start, long):
    process = start(tmp_path / "code", out=tmp_path / "run")
    while not (tmp_path / "run/config.json").exists():
        time.sleep(0.002)
    process.kill()
    process.join()
    assert (tmp_path / "run/.lock").exists()
    start(tmp_path / "code", resume=tmp_path / "run").join()
    assert (tmp_path / "code").read_text() == "0"
    assert final(tmp_path / "run") == long[0]


@pytest.mark.parametrize("limit", [100, 5_000, 60_000, 100_000])
def test_a_limit_on_the_size_of_files_is_said_and_what_was_done_goes_on(tmp_path, start, long, limit):
    start(tmp_path / "code", limit=limit, out=tmp_path / "run").join()
    assert "cannot be written: File too large" in (tmp_path / "code").read_text() or limit >= 60_000
    if (tmp_path / "run/config.json").exists():
        start(tmp_path / "code", resume=tmp_path / "run").join()
        assert final(tmp_path / "run") == long[0]
