"""The command: fields of its JSON, exit codes, and results that name no one's folders."""

import functools
import json
import subprocess
import sys

import pytest

import bench.__main__ as command
from bench import machine, result, session
from bench.contender import ROOT

SMALL = ["--quick", "--data", "generated:300", "--hidden", "16", "--rounds", "2", "--steps", "1", "--device", "cpu"]
FIELDS = {
    "name", "ours", "status", "reason", "version", "rounds", "ready_seconds", "prepare_seconds", "first_step_seconds",
    "peak_rss_bytes", "peak_device_bytes", "losses", "correct", "whole_run_seconds", "seconds_per_step", "steps_per_s",
    "images_per_s", "gflops", "peak_share", "compile_seconds", "ratio_to_ours",
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
        assert rows[name]["gflops"] / content["roofline"]["float32_gflops"] == pytest.approx(rows[name]["peak_share"])
    assert content["workload"]["flop_per_step"] == 2 * 300 * 16 * (2 * 784 + 3 * 10)
    assert content["versions"].keys() >= {"python", "jax", "numpy"}


def test_picture_and_record_are_written_and_the_record_names_no_folder(saved):
    assert saved.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    record = saved.with_name("RESULTS.md").read_text()
    assert record.count("\n## ") == 1
    assert "numpy_blas" in record
    assert machine.command(["--json", "/some/where/a.json", "--quick"]) == "python -m bench --json a.json --quick"


@pytest.mark.parametrize(("then", "code"), [(1 / 0.85, 1), (1 / 0.95, 0), (1.0, 0), (0.5, 0)])
def test_compare_exits_with_1_when_our_speed_has_dropped_by_15_percent(
    saved, tmp_path, capsys, monkeypatch, then, code
):
    older = json.loads(saved.read_text())
    for row in older["contenders"]:
        if row["ours"] and "steps_per_s" in row:
            row["steps_per_s"] *= then
    result.save(older, tmp_path / "older.json")
    monkeypatch.setattr(session, "measure", lambda *arguments: _measured[0])  # the very speeds that are in the file
    assert command.main([*SMALL, "--compare", str(tmp_path / "older.json")]) == code
    assert ("DROPPED" in capsys.readouterr().out) == bool(code)


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


def test_help_answers_within_a_second_and_without_jax(seconds_of_children):
    code = "import sys; import bench.__main__ as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\n"
    probe = code + "assert 'jax' not in sys.modules"
    before = seconds_of_children()
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--compare" in done.stdout
    assert seconds_of_children() - before < 1
