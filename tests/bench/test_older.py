"""An older result is read whole and right, or refused in one line that names the file and the field."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import compare, older, programs
from bench.errors import NotComparable
from bench.workload import Workload

ROW = {"name": "jaxmlp dense", "ours": True, "status": "ok", "rounds": [[0.5, 0.7, 0.6], [0.8, 0.8, 0.8]]}
RESULT: dict[str, Any] = {
    "format": 1,
    "processor": "a processor",
    "roofline": {"device_name": ""},
    "workload": Workload("mnist", 60_000, 1024, 10, "cpu")._asdict(),
    "contenders": [
        ROW,
        {**copy.deepcopy(ROW), "name": "tf", "ours": False},
        {"name": "torch", "ours": False, "status": "not installed", "rounds": []},
    ],
}
JUNK = (None, True, -1, 0, 1e400, float("nan"), 10**400, "", "x", [], [[]], {}, [None], [[True]], [["x"]])


def test_rounds_are_read_as_their_medians_and_who_has_no_time_is_left_out():
    found = older.timings(RESULT)
    assert found.ours == {"jaxmlp dense": [0.6, 0.8]}
    assert set(found.peers) == {"tf"}
    assert found.device == "a processor"


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Where every value of a tree of JSON stands."""
    if path:
        yield path
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(below, (*path, key))


def read_or_refuse(path: Path) -> older.Timings | str:
    try:
        return older.read(path)
    except NotComparable as error:
        return str(error)


@pytest.mark.parametrize("path", list(places(RESULT)), ids=str)
def test_damage_anywhere_is_refused_by_name_or_changes_nothing_that_was_measured(path, tmp_path):
    for junk in JUNK:
        damaged = copy.deepcopy(RESULT)
        part = damaged
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = junk
        (tmp_path / "old.json").write_text(json.dumps(damaged))
        found = read_or_refuse(tmp_path / "old.json")
        if isinstance(found, str):
            assert "old.json" in found
            assert "\n" not in found
        else:
            seconds = [second for rounds in (found.ours | found.peers).values() for second in rounds]
            assert all(np.isfinite(second) and second > 0 for second in seconds)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b"[]", "no result of this benchmark"),
        (b'{"format": 2}', "another version"),
        (b'{"format": 1}', "workload must be a JSON object"),
    ],
)
def test_file_that_is_no_result_is_refused(content, message, tmp_path):
    (tmp_path / "old.json").write_bytes(content)
    with pytest.raises(NotComparable, match=message):
        older.read(tmp_path / "old.json")


@pytest.mark.parametrize("told", [{"program": "adam128", "hidden": 1024}, {"hidden": 1024}], ids=str)
def test_result_from_before_there_were_presets_is_of_the_same_work_today(told):
    before = copy.deepcopy(RESULT)
    del before["workload"]["program"], before["workload"]["hidden"]
    before["workload"] |= {**told, "flop_per_step": 1}
    program = told.get("program", "original")
    today = Workload("mnist", 60_000, programs.hidden_units(program, None), 10, "cpu", program)
    compare.require_same_work(older.timings(before), today)
    with pytest.raises(NotComparable, match="hidden was 1024, now it is None"):
        compare.require_same_work(older.timings(before), today._replace(hidden=None, program="adam-256-256"))


def test_rounds_of_unlike_number_are_refused():
    damaged = copy.deepcopy(RESULT)
    damaged["contenders"][1]["rounds"].pop()
    with pytest.raises(NotComparable, match="same number of rounds"):
        older.timings(damaged)
