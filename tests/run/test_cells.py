"""Cells on disk and in tables: what is written is read, and nothing else is; means over seeds; the claim."""

import csv
import json

import pytest
from bases import Base

from jaxmlp.data import Split
from jaxmlp.errors import ConfigError
from jaxmlp.program import Dense, GradientDescent, Program
from jaxmlp.run import cells, claim
from jaxmlp.run.cells import Cell
from jaxmlp.run.configurations import best, configurations, summary
from jaxmlp.run.grid import points
from jaxmlp.run.rows import Table


def cell(accuracy: float | None, hidden: int = 1024, rate: float = 1e-4, seed: int = 0, **other) -> Cell:
    """Of the original program with this size, rate and seed."""
    program = Program((Dense(hidden),), optimizer=GradientDescent(rate), seed=seed)
    fields = {"steps": 301, "data": "MNIST", "final_loss": 1.5, "train_accuracy": 2.5, "diverged_at": None}
    fields |= {"failure": None, "seconds": 1.25, "program": json.loads(json.dumps(program.as_dict()))}
    fields |= {"program_digest": program.digest(), "data_digest": cells.MNIST, **other}
    return Cell({"layers": str(hidden), "learning-rate": f"{rate:g}"}, seed, test_accuracy=accuracy, **fields)


def test_cells_are_read_as_they_were_written(tmp_path):
    written = [cell(86.5), cell(None, 3, diverged_at=4), cell(None, 5, seed=7, failure="not enough memory")]
    cells.write_cells(tmp_path / "deep" / "out", written)
    assert cells.read_cells(tmp_path / "deep" / "out", resume=True) == written


def test_a_setting_is_a_column_of_the_csv(tmp_path):
    other = cell(1.0)._replace(settings={"scale": "255", "seed": "0"})
    cells.write_cells(tmp_path, [cell(86.5, 300, 0.5), other])
    with open(tmp_path / "results.csv", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["layers"], first["learning-rate"], first["test_accuracy"], first["scale"]) == (
        "300",
        "0.5",
        "86.5",
        "",
    )
    assert (second["layers"], second["scale"], second["seed"]) == ("", "255", "0")
    assert "program" not in first


def test_results_are_not_gone_on_from_unasked(tmp_path):
    assert cells.read_cells(tmp_path, resume=False) == []
    cells.write_cells(tmp_path, [cell(1.0)])
    with pytest.raises(ConfigError, match="is there already: add --resume"):
        cells.read_cells(tmp_path, resume=False)


@pytest.mark.parametrize("content", ["{", "{}", "[1]", '[{"seed": 300}]', "[[]]"])
def test_damaged_results_are_refused_by_name(tmp_path, content):
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(ConfigError) as refused:
        cells.read_cells(tmp_path, resume=True)
    assert str(refused.value).startswith(f"{tmp_path / 'results.json'} is not a sweep's results (")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("seed", "0", "seed = '0'"),
        ("seed", True, "seed = True"),
        ("steps", 3.0, "steps = 3.0"),
        ("seconds", float("nan"), "seconds = nan"),
        ("test_accuracy", "high", "test_accuracy = 'high'"),
        ("data_digest", None, "data_digest = None"),
        ("settings", ["layers"], "settings = ['layers']"),
        ("settings", {"layers": 300}, "settings = {'layers': 300}"),
        ("failure", 3, "failure = 3"),
        ("program", {"stepz": 3}, "known fields are layers"),
        ("program", {"steps": 0}, "steps = 0 is impossible"),
        ("program", {"seed": 1}, "a program_digest that is another program's"),
        ("program_digest", "0", "a program_digest that is another program's"),
    ],
)
def test_a_cell_that_no_sweep_wrote_is_refused_by_its_field(tmp_path, field, value, said):
    cells.write_cells(tmp_path, [cell(1.0)])
    [row] = json.loads((tmp_path / "results.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps([{**row, field: value}]))
    with pytest.raises(ConfigError) as refused:
        cells.read_cells(tmp_path, resume=True)
    assert said in str(refused.value)


def test_what_is_called_mnist_is_not_mnist(digits):
    assert not cells.is_mnist(digits._replace(source="MNIST from /data/mnist"))


@pytest.mark.mnist
def test_mnist_is_known_by_its_arrays_and_a_part_of_it_or_another_order_is_not_mnist(mnist):
    assert cells.is_mnist(mnist._replace(source="whatever"))
    assert not cells.is_mnist(mnist.first(59_999))
    turned = Split(mnist.train.images[::-1], mnist.train.labels[::-1])
    assert not cells.is_mnist(mnist._replace(train=turned))


def test_a_row_stands_below_its_header_and_says_how_it_ended():
    asked = points(Base(), [{"layers": "300", "optimizer.learning_rate": "1e-4"}, {"layers": "5"}], [0, 10])
    table = Table(asked)
    settings = {"layers": "300", "optimizer.learning_rate": "1e-4"}
    assert table.header.split() == [*settings, "seed", "final", "loss", "training", "test", "seconds"]
    trained = table.row(cell(86.5, seed=10)._replace(settings=settings))
    assert trained.split() == ["300", "1e-4", "10", "1.5", "2.50%", "86.50%", "1.2"]
    assert table.header.index("seed") + 4 == trained.index(" 10 ") + 3
    assert "  diverged at step 4  " in table.row(cell(None, diverged_at=4)._replace(settings={"layers": "5"}))
    assert "  failed: no memory  " in table.row(cell(None, failure="no memory")._replace(settings=settings))
    assert len({len(line) for line in (table.header, trained, table.row(cell(None, diverged_at=4)))}) == 1


def test_seeds_are_a_column_only_where_there_are_several():
    assert "seed" not in Table(points(Base(), [{"layers": "3"}], [5])).header
    assert Table(points(Base(), [{"seed": "3"}, {"seed": "4"}], [])).header.split().count("seed") == 1


def test_the_best_is_that_of_the_highest_mean_over_all_its_seeds(rng):
    lower, higher = sorted(rng.uniform(10, 80, 2))
    flying = [cell(99.9, 5), cell(None, 5, seed=1, diverged_at=3)]
    steady = [cell(higher - 5, 6), cell(higher + 5, 6, seed=1)]
    poor = [cell(lower + 9, 7), cell(lower - 9, 7, seed=1)]
    found = configurations([*flying, *poor, *steady])
    assert best(found) == found[2]
    assert found[2].mean == pytest.approx(higher)
    assert found[0].mean is None
    assert best(found[:1]) is None


def test_a_summary_tells_mean_lowest_and_highest_or_how_many_seeds_have_none():
    runs = [cell(80.0, 5), cell(81.0, 5, seed=1), cell(85.0, 5, seed=2)]
    mixed = [cell(70.0, 6), cell(None, 6, seed=1, diverged_at=3), cell(None, 6, seed=2, failure="no memory")]
    lost = [cell(None, 7, seed=seed, diverged_at=3) for seed in range(3)]
    lines = summary(configurations([*runs, *mixed, *lost])).splitlines()
    assert [line.split("  ")[-1] for line in lines[1:]] == [
        "82.00 %, from 80.00 to 85.00",
        "1 of 3 diverged, 1 of 3 failed; the others 70.00 to 70.00 %",
        "3 of 3 diverged",
    ]
    assert configurations([cell(80.0)])[0].outcome() == "80.00 %"


POOR, GOOD, CLAIMED = (cell(9.8, 300, 0.5), cell(80.5, 400, 0.001), cell(86.0))


def test_the_claim_is_judged_on_mnist_its_own_steps_and_the_originals_program_only():
    assert claim.finding([POOR, CLAIMED]).endswith("\nThe claim holds.")
    assert claim.finding([GOOD, CLAIMED]).endswith("\nThe claim does not hold.")
    assert claim.finding([POOR, GOOD]).endswith("\nThe claim does not hold.")
    assert claim.finding([POOR, cell(None, diverged_at=3)]).endswith("\nThe claim does not hold.")
    about = "No verdict: the write-up's claim is about"
    elsewhere = claim.finding([CLAIMED._replace(data="MNIST from elsewhere", data_digest="0")])
    assert elsewhere.endswith(f"{about} MNIST, this was MNIST from elsewhere.")
    shorter = claim.finding([CLAIMED._replace(steps=300)])
    assert shorter.endswith(f"{about} 300 epochs (301 steps), these were 300 steps.")
    assert claim.finding([CLAIMED._replace(program_digest="0")]).endswith(
        f"{about} the original program, not this one."
    )
    failed = POOR._replace(test_accuracy=None, failure="no memory")
    assert claim.finding([failed, CLAIMED]).endswith("\nNo verdict: 1 of 2 runs failed.")


def test_the_claim_is_judged_seed_by_seed():
    seeds = [cell(86.0, seed=seed) for seed in (0, 1, 2)]
    poor = [cell(9.0, 300, 0.5, seed) for seed in (0, 1, 2)]
    assert claim.finding([*poor, *seeds]).endswith("The claim holds, for each of the seeds 0, 1, 2.")
    luckier = [*poor[:2], cell(81.0, 300, 0.5, 2)]
    assert claim.finding([*luckier, *seeds]).endswith("The claim holds for seed 0, 1, and not for 2.")
    good = [cell(81.0, 300, 0.5, seed) for seed in (0, 1, 2)]
    assert claim.finding([*good, *seeds]).endswith("The claim does not hold, for each of the seeds 0, 1, 2.")
