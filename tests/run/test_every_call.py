"""`pytest -m durability`: ended at every call that writes, a run goes on to the bytes of one that was not."""

import errno
import re
import shutil
from pathlib import Path

import faults
import pytest
from durability import counted
from kept_runs import FINAL, RICH, final, goes_on, stop, train

from jaxmlp.errors import OutputError

pytestmark = pytest.mark.durability


def ended_or_refused(**where: Path) -> bool:
    """Whether it went through; a run that could not write says so, as ours."""
    try:
        return train(RICH, **where) == 0
    except OutputError as error:
        if not re.search("cannot be (written|removed)", str(error)):
            raise
        return False


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
        counted(f"killed at {copy.name.split('-')[1]}")


def test_a_kill_at_every_call_of_going_on_loses_nothing(tmp_path, whole, capsys):
    """Going on cuts metrics, sweeps and writes: it may be killed as well."""
    assert stop(RICH, 2, out=tmp_path / "first") == 130
    (tmp_path / "copies").mkdir()
    with faults.shim(tmp_path / "first", faults.copying(tmp_path / "first", tmp_path / "copies")):
        goes_on(tmp_path / "first", whole)
    for copy in sorted((tmp_path / "copies").iterdir()):
        goes_on(copy, whole)
        shutil.rmtree(copy)
        counted("killed while going on")


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
            went_through = ended_or_refused(out=folder)
        assert went_through or name != "a short write"
        if went_through:
            assert {n: final(folder)[n] for n in FINAL} == {n: whole[n] for n in FINAL}
        goes_on(folder, whole) if folder.exists() else None
        shutil.rmtree(folder, ignore_errors=True)
        counted(name)
        at += 1
    assert at > 30
