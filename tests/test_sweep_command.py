"""`python -m jaxmlp.sweep`: all eight configurations, none lost, none run twice."""

import csv
import json

import pytest

from jaxmlp import sweep, trainer

SMALL = ["--steps", "2", "--data", "generated:120", "--no-compilation-cache"]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "sweep"


def run(out, *arguments: str) -> int:
    return sweep.main([*SMALL, "--out", str(out), *arguments])


def test_runs_the_originals_eight_configurations_and_tells_the_claim(out, capsys):
    assert run(out) == 0
    printed = capsys.readouterr().out
    rows = json.loads((out / "results.json").read_text())
    assert [(row["hidden"], row["learning_rate"]) for row in rows] == list(sweep.PRESETS["original"])
    assert "only this config achieved accuracy higher than 80 %" in printed
    assert "The claim" in printed
    with open(out / "results.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(int(row["hidden"]), float(row["learning_rate"])) for row in table] == list(sweep.PRESETS["original"])


def test_resume_runs_only_what_is_not_finished(out, capsys, monkeypatch):
    assert run(out) == 0
    rows = json.loads((out / "results.json").read_text())
    (out / "results.json").write_text(json.dumps(rows[:6]))
    ran = []
    real = trainer.Run.__init__
    monkeypatch.setattr(
        trainer.Run, "__init__", lambda self, p, d: (ran.append(p.optimizer.learning_rate), real(self, p, d))[1]
    )
    assert run(out, "--resume") == 0
    assert ran == [0.001, 0.0001]
    assert json.loads((out / "results.json").read_text())[:6] == rows[:6]


def test_resume_does_not_take_another_seeds_cells_and_keeps_them(out, capsys):
    assert run(out) == 0
    assert run(out, "--resume", "--seed", "1") == 0
    rows = json.loads((out / "results.json").read_text())
    assert [row["seed"] for row in rows] == [1] * 8 + [0] * 8


def test_earlier_results_are_not_overwritten_without_resume(out, capsys):
    assert run(out) == 0
    before = (out / "results.json").read_text()
    assert run(out) == 2
    assert "--resume" in capsys.readouterr().err
    assert (out / "results.json").read_text() == before


def test_diverging_configuration_is_named_with_its_step_and_stops_no_other(out, capsys, monkeypatch):
    monkeypatch.setitem(sweep.PRESETS, "original", ((8, 3e38), (8, 1e-5)))
    assert run(out) == 0
    diverged, other = json.loads((out / "results.json").read_text())
    assert diverged["diverged_at"] == 1
    assert diverged["final_loss"] is None
    assert other["diverged_at"] is None
    assert "diverged at step 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value"),
    [("hidden", "300"), ("hidden", True), ("seconds", float("nan")), ("test_accuracy", "high"), ("data_digest", None)],
)
def test_a_cell_with_a_field_of_another_type_is_refused_by_name(out, capsys, monkeypatch, name, value):
    monkeypatch.setitem(sweep.PRESETS, "original", ((8, 1e-5),))
    assert run(out) == 0
    rows = json.loads((out / "results.json").read_text())
    (out / "results.json").write_text(json.dumps([{**rows[0], name: value}]))
    assert run(out, "--resume") == 2
    assert f"{name} = {value!r}" in capsys.readouterr().err


def test_other_data_or_other_steps_are_other_cells(out, capsys, monkeypatch):
    monkeypatch.setitem(sweep.PRESETS, "original", ((8, 1e-5),))
    assert run(out) == 0
    assert run(out, "--resume", "--data", "generated:60") == 0
    assert run(out, "--resume", "--steps", "3") == 0
    rows = json.loads((out / "results.json").read_text())
    assert [(row["data"], row["steps"]) for row in rows] == [
        ("120 generated digits, seed 0", 3),
        ("60 generated digits, seed 0", 2),
        ("120 generated digits, seed 0", 2),
    ]
    assert len({row["program_digest"] for row in rows}) == 1
    assert len({row["data_digest"] for row in rows}) == 2


@pytest.mark.parametrize("content", ["{", "{}", "[1]", '[{"hidden": 300}]'])
def test_damaged_results_are_refused_by_name(out, capsys, content):
    out.mkdir()
    (out / "results.json").write_text(content)
    assert run(out, "--resume") == 2
    error = capsys.readouterr().err
    assert str(out / "results.json") in error
    assert error.count("\n") == 1


def test_impossible_steps_are_refused(out, capsys):
    assert sweep.main(["--steps", "0", "--out", str(out)]) == 2
    assert "steps = 0 is impossible" in capsys.readouterr().err
    assert not out.exists()
