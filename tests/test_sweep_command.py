"""`python -m jaxmlp.sweep`: all eight configurations, none lost, none run twice."""

import csv
import json

import pytest

from jaxmlp import sweep, trainer
from jaxmlp.data import Split
from jaxmlp.run import cells, experiments
from jaxmlp.run.cells import Cell

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
    assert "No verdict: the write-up's claim is about MNIST, this was 120 generated digits, seed 0." in printed
    assert "The claim" not in printed
    with open(out / "results.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(int(row["hidden"]), float(row["learning_rate"])) for row in table] == list(sweep.PRESETS["original"])


def test_a_row_is_printed_as_its_cell_ends_and_is_on_disk(out, capsys, monkeypatch):
    monkeypatch.setitem(sweep.PRESETS, "original", ((8, 1e-5), (9, 1e-5), (10, 1e-5)))
    seen, real = [], experiments.run_cell

    def told(*arguments):
        seen.append((capsys.readouterr().out, len(json.loads((out / "results.json").read_text())) if seen else 0))
        return real(*arguments)

    monkeypatch.setattr(experiments, "run_cell", told)
    assert run(out) == 0
    before, first, second = [printed for printed, _ in seen]
    assert before.startswith("hidden ")
    assert [before.count("\n"), first.count("\n"), second.count("\n")] == [1, 1, 1]
    assert [int(first.split()[0]), int(second.split()[0])] == [8, 9]
    assert [cells for _, cells in seen] == [0, 1, 2]
    assert capsys.readouterr().out.count("1e-05") == 1, "the table is not repeated"


def _cell(hidden: int, rate: float, accuracy: float | None, **other) -> Cell:
    fields = {"steps": 301, "seed": 0, "data": "", "final_loss": 1.0, "train_accuracy": 1.0, "diverged_at": None}
    fields |= {"seconds": 1.0, "program_digest": "", "data_digest": cells.MNIST, **other}
    return Cell(hidden=hidden, learning_rate=rate, test_accuracy=accuracy, **fields)


def test_the_claim_is_judged_on_mnist_and_its_own_steps_only():
    claimed, poor, good = _cell(1024, 1e-4, 86.0), _cell(300, 0.5, 9.8), _cell(400, 0.001, 80.5)
    assert experiments.finding([poor, claimed], "MNIST").endswith("The claim holds.")
    assert experiments.finding([good, claimed], "MNIST").endswith("The claim does not hold.")
    assert experiments.finding([poor, good], "MNIST").endswith("The claim does not hold.")
    other = experiments.finding([_cell(1024, 1e-4, 86.0, data_digest="0")], "MNIST from elsewhere")
    assert other.endswith("No verdict: the write-up's claim is about MNIST, this was MNIST from elsewhere.")
    shorter = experiments.finding([_cell(1024, 1e-4, 86.0, steps=300)], "MNIST")
    assert shorter.endswith("is about 300 epochs (301 steps), these were 300 steps.")


def test_what_is_called_mnist_is_not_mnist(digits):
    assert not cells.is_mnist(digits._replace(source="MNIST from /data/mnist"))


@pytest.mark.mnist
def test_mnist_is_known_by_its_arrays_and_a_part_of_it_or_another_order_is_not_mnist(mnist):
    assert cells.is_mnist(mnist._replace(source="whatever"))
    assert not cells.is_mnist(mnist.first(59_999))
    turned = Split(mnist.train.images[::-1], mnist.train.labels[::-1])
    assert not cells.is_mnist(mnist._replace(train=turned))


def test_resume_runs_only_what_is_not_finished(out, capsys, monkeypatch):
    assert run(out) == 0
    rows = json.loads((out / "results.json").read_text())
    (out / "results.json").write_text(json.dumps(rows[:6]))
    ran = []
    real = trainer.Run.__init__
    monkeypatch.setattr(
        trainer.Run, "__init__", lambda self, p, d: (ran.append(p.optimizer.learning_rate), real(self, p, d))[1]
    )
    capsys.readouterr()
    assert run(out, "--resume") == 0
    assert ran == [0.001, 0.0001]
    kept = ["from an earlier sweep" in line for line in capsys.readouterr().out.splitlines()[1:9]]
    assert kept == [True] * 6 + [False] * 2
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
