"""The command: fields of its JSON, exit codes, and results that name no one's folders."""

import copy
import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bench.__main__ as command
from bench import plot, result, session
from bench.contender import ROOT

SMALL = ["--quick", "--data", "generated:300", "--hidden", "16", "--rounds", "2", "--steps", "1", "--device", "cpu"]
FIELDS = {
    "name", "ours", "status", "reason", "version", "rounds", "ready_seconds", "prepare_seconds", "first_step_seconds",
    "peak_rss_bytes", "peak_device_bytes", "losses", "correct", "whole_run_seconds", "seconds_per_step", "steps_per_s",
    "images_per_s", "formula_gflops", "arithmetic", "peak_share", "compile_seconds", "ratio_to_ours",
}  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small run's JSON file; it also drew its picture and was recorded. `measured` keeps what it measured."""
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "RESULTS", folder / "RESULTS.md")
        patch.setattr(session, "measure", functools.partial(_measure, session.measure))
        arguments = ["--peers", "numpy_blas", "--record", "--json", str(folder / "a.json"), "--plot", f"{folder}/a.png"]
        assert command.main([*SMALL, *arguments]) == 0
    return folder / "a.json"


_measured = []


def _measure(measure, *arguments):
    _measured.append(measure(*arguments))
    return _measured[-1]


def test_json_holds_every_field_of_every_contender(saved):
    content = json.loads(saved.read_text())
    rows = {row["name"]: row for row in content["contenders"]}
    assert list(rows)[:2] == ["jaxmlp staircase", "jaxmlp dense"]
    for name in ("jaxmlp dense", "numpy_blas"):
        assert set(rows[name]) == FIELDS
        assert rows[name]["steps_per_s"] == pytest.approx(1 / rows[name]["seconds_per_step"]["median"])
        assert rows[name]["images_per_s"] == pytest.approx(300 * rows[name]["steps_per_s"])
        rate = 2 * 300 * 16 * (2 * 784 + 3 * 10) / rows[name]["seconds_per_step"]["median"] / 1e9
        assert rows[name]["formula_gflops"] == pytest.approx(rate)
    assert rows["numpy_blas"]["arithmetic"] == []
    done = [one["float32"] for round_ in rows["jaxmlp staircase"]["arithmetic"] for one in round_]
    assert len(done) == 2  # rounds of one step
    assert 0 < max(done) < content["workload"]["flop_per_step"]
    assert content["workload"]["flop_per_step"] == 2 * 300 * 16 * (2 * 784 + 3 * 10)
    assert content["versions"].keys() >= {"python", "jax", "numpy"}


def test_picture_and_record_are_written_and_the_record_names_no_folder(saved):
    assert saved.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    record = saved.with_name("RESULTS.md").read_text()
    assert record.count("\n## ") == 1
    assert "numpy_blas" in record
    assert str(saved.parent) not in record


def test_a_second_record_stands_behind_the_first(saved, tmp_path):
    content = json.loads(saved.read_text())
    path = tmp_path / "RESULTS.md"
    path.write_text("# Results\n")
    for text in ("one", "two"):
        result.record(content, text, path)
    told = path.read_text()
    assert told.startswith("# Results\n\n## ")
    assert told.index("```\none\n```\n") < told.index("```\ntwo\n```\n")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("slower", "code"), [(0.85, 1), (0.95, 0), (1.0, 0), (2.0, 0)])
def test_compare_exits_with_1_when_our_speed_has_dropped_by_15_percent(
    saved, tmp_path, capsys, monkeypatch, slower, code
):
    older = json.loads(saved.read_text())
    for row in older["contenders"]:
        row["rounds"] = [[0.1 * (slower if row["ours"] else 1)]] * 5
    (tmp_path / "older.json").write_text(json.dumps(older))
    today = copy.deepcopy(_measured[0])
    for row in today.rows:
        row.rounds, row.arithmetic = [[0.1]] * 5, []
    monkeypatch.setattr(session, "measure", lambda *arguments: today)
    assert command.main([*SMALL, "--compare", str(tmp_path / "older.json")]) == code
    assert ("DROPPED" in capsys.readouterr().out) == bool(code)


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_file_that_cannot_be_written_is_refused_before_anything_is_measured(option, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(session.roofline, "measure", lambda device: pytest.fail("it was measured"))
    (tmp_path / "file").write_text("")
    folder = tmp_path / "folder.png"
    folder.mkdir()
    for path in (tmp_path / "file" / "a.png", folder):
        assert command.main([*SMALL, option, str(path)]) == 4
        assert capsys.readouterr().err.startswith("error: ")


def test_kind_of_picture_that_does_not_exist_is_refused_before_anything_is_measured(tmp_path, capsys):
    assert command.main([*SMALL, "--plot", str(tmp_path / "a.jpog")]) == 2
    assert "must end in one of" in capsys.readouterr().err


def test_what_was_measured_is_printed_even_where_it_can_no_longer_be_written(saved, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(session, "measure", lambda *arguments: _measured[0])
    (tmp_path / "file").write_text("")
    assert command.main([*SMALL, "--json", str(tmp_path / "file" / "a.json")]) == 4
    told = capsys.readouterr()
    assert "numpy_blas" in told.out
    assert "cannot be written" in told.err


THREE_DIGITS = {4.2845: "4.28", 1.2: "1.20", 0.88: "0.880", 9.996: "10.0", 123.4: "123", 1234: "1,234"}


@pytest.mark.parametrize("value", THREE_DIGITS)
def test_every_bar_has_three_digits(value):
    assert plot.three_digits(value) == THREE_DIGITS[value]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_no_process_is_left_when_it_is_ended(number, code, tmp_path):
    marked = os.environ | {"TMPDIR": str(tmp_path)}  # contenders are told a folder in it: so they are known
    started = [sys.executable, "-m", "bench", *SMALL, "--rounds", "100000", "--peers", "numpy_blas"]
    with subprocess.Popen(started, cwd=ROOT, env=marked, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while sum("bench.peers" in line for line in _command_lines(tmp_path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _command_lines(tmp_path)
        process.send_signal(number)
        assert process.wait(timeout=60) == code
    assert _command_lines(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def _command_lines(mark: Path) -> list[str]:
    """Of the running processes that have `mark` among their words."""
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(mark) in line]


def test_compare_refuses_other_work_before_anything_is_timed(saved, capsys):
    small = [argument if argument != "16" else "8" for argument in SMALL]
    assert command.main([*small, "--compare", str(saved)]) == 2
    assert "hidden was 16, now it is 8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "torch_eagre"], "did you mean torch_eager?"),
        (["--images", "301", "--data", "generated:300"], "images = 301: 300 generated digits, seed 0 has only 300"),
        (["--images", "0"], "images = 0 is impossible"),
        (["--data", "mnits"], "did you mean mnist?"),
        (["--compare", "no-such.json"], "no-such.json cannot be read"),
        (["--compare", str(ROOT / "pyproject.toml")], "is not JSON"),
    ],
)
def test_mistake_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert command.main(arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error


def test_device_that_is_not_there_is_refused_by_name(capsys):
    assert command.main([*SMALL, "--device", "tpu"]) == 2
    assert "no tpu on this machine" in capsys.readouterr().err


def test_help_answers_within_a_second_and_without_jax(takes_less_than):
    code = "import sys; import bench.__main__ as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\n"
    probe = code + "assert 'jax' not in sys.modules"

    def ask():
        done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "--compare" in done.stdout

    assert takes_less_than(1, ask)
