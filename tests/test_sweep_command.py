"""`python -m jaxmlp.sweep`: every cell once, none lost, and what it says of the best is what comes out of it alone."""

import json
import re
import shlex

import pytest

from jaxmlp import command_line, sweep, train
from jaxmlp.execution import Execution
from jaxmlp.options import CacheOptions, DataOptions, DeviceOptions
from jaxmlp.program import Program
from jaxmlp.run import conclusion, experiments, rate_search

SMALL = ["--steps", "3", "--data", "generated:120", "--no-compilation-cache"]
TWO_RATES = ["--grid", "layers=8", "--grid", "learning-rate=1e-5,1e-4"]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "sweep"


def run(out, *arguments: str) -> int:
    return sweep.main([*SMALL, "--out", str(out), *arguments])


def rows(out) -> list[dict]:
    return json.loads((out / "results.json").read_text())


def timeless(out) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows(out)]


@pytest.fixture
def ran(monkeypatch) -> list[tuple[str, ...]]:
    """The settings, and the seed, of each cell that was really trained."""
    trained, real = [], experiments.run_cell

    def told(point, *others):
        trained.append((*point.settings.values(), str(point.program.seed)))
        return real(point, *others)

    monkeypatch.setattr(experiments, "run_cell", told)
    return trained


def test_runs_the_originals_eight_configurations_and_tells_the_claim(out, capsys):
    assert run(out, "--preset", "original") == 0
    printed = capsys.readouterr().out
    programs = [row["program"] for row in rows(out)]
    found = [(program["layers"][0]["units"], program["optimizer"]["learning_rate"]) for program in programs]
    assert found == list(sweep.ORIGINAL)
    assert {len(program["layers"]) for program in programs} == {1}
    assert "only this config achieved accuracy higher than 80 %" in printed
    assert "No verdict: the write-up's claim is about MNIST, this was 120 generated digits, seed 0." in printed
    assert "The claim" not in printed


def test_the_originals_configurations_are_what_runs_unless_told_otherwise():
    for words in ([], ["--preset", "original"]):
        own = command_line.parse(sweep.SweepOptions, words, "", "")
        assert own.kind == "original"
        assert [
            (point.program.layers[0].units, point.program.optimizer.learning_rate) for point in own.points()
        ] == list(sweep.ORIGINAL)
        assert own.points()[-1].program.settled(60_000) == Program()


def test_a_row_is_printed_as_its_cell_ends_and_is_on_disk(out, capsys, monkeypatch):
    seen, real = [], experiments.run_cell

    def told(*arguments):
        seen.append((capsys.readouterr().out, len(rows(out)) if seen else 0))
        return real(*arguments)

    monkeypatch.setattr(experiments, "run_cell", told)
    assert run(out, "--grid", "layers=8", "--grid", "learning-rate=1e-6,1e-5,1e-4") == 0
    before, first, second = [printed for printed, _ in seen]
    assert before.split()[:2] == ["layers", "learning-rate"]
    assert [before.count("\n"), first.count("\n"), second.count("\n")] == [1, 1, 1]
    assert [first.split()[1], second.split()[1]] == ["1e-6", "1e-5"]
    assert [cells for _, cells in seen] == [0, 1, 2]


def test_cells_go_through_the_last_field_first_and_the_seeds_before_it(out, ran, capsys):
    assert run(out, "--grid", "layers=8,9", "--grid", "learning-rate=1e-5,1e-4", "--seeds", "3", "1") == 0
    assert ran == [(hidden, rate, seed) for hidden in "89" for rate in ("1e-5", "1e-4") for seed in "31"]
    assert [(row["settings"]["layers"], row["seed"]) for row in rows(out)] == [(one[0], int(one[2])) for one in ran]
    printed = capsys.readouterr().out
    for i in range(0, 8, 2):
        found = [row["test_accuracy"] for row in rows(out)[i : i + 2]]
        assert f"  {sum(found) / 2:.2f} %, from {min(found):.2f} to {max(found):.2f}\n" in printed


class Stopped(BaseException):
    """As a kill: nothing of ours catches it."""


@pytest.mark.parametrize("steps_done", [0, 2, 4])
def test_a_sweep_that_was_killed_and_resumed_is_the_same_sweep(out, tmp_path, monkeypatch, ran, capsys, steps_done):
    arguments = ["--grid", "layers=8", "--grid", "learning-rate=1e-5,1e-4", "--seeds", "0", "1"]
    real, steps = experiments.Ticker.on_step, []

    def stopping(self, report):
        if len(steps) == 3 * 2 + steps_done:
            raise Stopped
        steps.append(report)
        real(self, report)

    with monkeypatch.context() as patch:
        patch.setattr(experiments.Ticker, "on_step", stopping)
        with pytest.raises(Stopped):
            run(out, *arguments)
    kept = rows(out)
    assert len(kept) == 2 + steps_done // 3
    ran.clear()
    assert run(out, *arguments, "--resume") == 0
    assert len(ran) == 4 - len(kept)
    assert rows(out)[: len(kept)] == kept
    assert run(tmp_path / "whole", *arguments) == 0
    assert timeless(out) == timeless(tmp_path / "whole")


def test_a_killed_resumed_sweep_keeps_the_cells_it_has_not_come_to(out, monkeypatch):
    assert run(out, *TWO_RATES) == 0
    monkeypatch.setattr(experiments.Ticker, "on_step", lambda *_: (_ for _ in ()).throw(Stopped))
    with pytest.raises(Stopped):
        run(out, "--grid", "layers=8", "--grid", "learning-rate=1e-5,3e-5,1e-4", "--resume")
    assert [row["settings"]["learning-rate"] for row in rows(out)] == ["1e-5", "1e-4"]


def test_resume_does_not_take_another_programs_cells_and_says_what_differs(out, ran, capsys):
    assert run(out, *TWO_RATES) == 0
    earlier = rows(out)
    assert run(out, *TWO_RATES, "--grid", "scale=255", "--resume") == 0
    assert "no part of this sweep: 2. They stay in the files, behind these.\n" in capsys.readouterr().out
    assert rows(out)[2:] == earlier
    assert run(out, *TWO_RATES, "--data", "generated:60", "--steps", "2", "--resume") == 0
    told = capsys.readouterr().out
    assert (
        "no part of this sweep: 4. They stay in the files, behind these. Run anew, for these differ: steps, data.\n"
        in told
    )
    assert len(ran) == 6
    assert [row["steps"] for row in rows(out)] == [2, 2, 3, 3, 3, 3]


def test_earlier_results_are_not_overwritten_without_resume(out, capsys):
    assert run(out, *TWO_RATES) == 0
    before = (out / "results.json").read_text()
    assert run(out, *TWO_RATES) == 2
    assert "--resume" in capsys.readouterr().err
    assert (out / "results.json").read_text() == before


def test_what_diverges_or_fails_is_a_named_row_stops_no_other_and_only_what_failed_is_tried_again(out, ran, capsys):
    huge = f"{10**12}"
    assert run(out, "--grid", f"layers={huge},8", "--grid", "learning-rate=3e38,1e-5") == 0
    printed = capsys.readouterr().out
    first, second, third, last = rows(out)
    assert (
        first["failure"] == second["failure"] == "not enough memory for this run: lower the hidden units or the images"
    )
    assert (third["diverged_at"], third["test_accuracy"], third["failure"]) == (1, None, None)
    assert last["test_accuracy"] is not None
    assert "  failed: not enough memory" in printed
    assert "  diverged at step 1  " in printed
    assert "Best on the test images: layers 8, learning-rate 1e-5: " in printed
    ran.clear()
    assert run(out, "--grid", f"layers={huge},8", "--grid", "learning-rate=3e38,1e-5", "--resume") == 0
    assert ran == [(huge, "3e38", "0"), (huge, "1e-5", "0")]


def test_a_sweep_of_which_every_cell_fails_is_an_error_and_one_that_diverges_is_not(out, tmp_path, capsys):
    assert run(out, "--grid", f"layers={10**12}") == 2
    assert "error: not one cell could be trained: not enough memory" in capsys.readouterr().err
    assert run(tmp_path / "other", "--grid", "layers=8", "--grid", "learning-rate=3e38") == 0
    assert "Best" not in capsys.readouterr().out


def test_a_batch_that_is_too_large_is_refused_before_anything_is_trained(out, ran, capsys):
    assert run(out, "--grid", "batching.size=20,500", "--grid", "layers=8") == 2
    assert "batch_size = 500 is impossible: it must be at most 120" in capsys.readouterr().err
    assert ran == []


GRIDS = {
    "options": ["--grid", "learning-rate=1e-4,1e-3,1e-2", "--grid", "layers=8"],
    "paths": ["--grid", "optimizer.learning_rate=1e-3,1e-2", "--grid", "layers.0.units=8", "--grid", "steps=4"],
    "seeds": ["--grid", "layers=8", "--grid", "learning-rate=1e-3,1e-2", "--seeds", "5", "-3"],
    "family": [
        "--grid",
        "layers=8+9",
        "--grid",
        "optimizer=adam,rmsprop",
        "--learning-rate",
        "0.01",
        "--batch-size=16",
    ],
    "file": ["--grid", "layers=8", "--grid", "output.kernel.stddev=0.1,0.3", "--grid", "batching=16"],
    "base": ["--grid", "layers=8", "--grid", "learning-rate=1e-3,1e-2", "--program", "PROGRAM"],
    "preset": ["--grid", "learning-rate=1e-3,1e-2", "--preset", "adam-256-256", "--validation", "0", "--batch-size=20"],
    "dropout": ["--grid", "layers=8", "--grid", "layers.keep_prob=0.5,0.75", "--grid", "evaluation-draws=true"],
    "random": ["--random", "2", "--range", "learning-rate=1e-4:1e-2", "--range", "layers=5:9"],
}


@pytest.mark.parametrize("grid", GRIDS)
def test_the_best_ones_command_line_gives_its_accuracy_to_the_last_digit(out, tmp_path, monkeypatch, capsys, grid):
    (tmp_path / "base.toml").write_text('scale = 255\nclipping = { kind = "norm", clip_norm = 0.5 }\n')
    words = [str(tmp_path / "base.toml") if word == "PROGRAM" else word for word in GRIDS[grid]]
    assert run(out, *words) == 0
    printed = capsys.readouterr().out
    best, line = re.search(r"^Best on the test images: (.*)\nAlone, seed .*?: python -m (.*)$", printed, re.M).groups()
    told = best.partition(": ")[0]
    cell = next(row for row in rows(out) if told == ", ".join(map(" ".join, row["settings"].items())))
    command, *words = shlex.split(line)
    monkeypatch.chdir(tmp_path)
    assert command == "jaxmlp.train"
    assert ("--program" in words) == (grid in ("file", "base"))
    assert train.main([*words, "--out", "alone", "--no-compilation-cache"]) == 0
    found = json.loads((tmp_path / "alone" / "metrics.jsonl").read_text().splitlines()[-1])
    assert found["step"] + 1 == cell["steps"]
    assert json.loads((tmp_path / "alone" / "config.json").read_text())["program_digest"] == cell["program_digest"]
    assert found["test_accuracy"] == cell["test_accuracy"]


def test_the_command_line_keeps_what_else_was_asked_for():
    own = sweep.SweepOptions(
        grid=("learning-rate=1e-3",),
        data=DataOptions("csv:/a b/c.csv"),
        execution=Execution(layout="dense", chunk=7),
        device=DeviceOptions("cpu"),
        cache=CacheOptions(True),
    )
    [point] = own.points()
    words = shlex.split(own.command(point, lambda program: pytest.fail("options say all of it")))
    assert words[:3] == ["python", "-m", "jaxmlp.train"]
    parsed = command_line.parse(train.TrainOptions, words[3:], "", "")
    assert (parsed.data, parsed.execution, parsed.device, parsed.cache) == (
        own.data,
        own.execution,
        own.device,
        own.cache,
    )
    assert parsed.computed.program() == point.program


def test_draws_are_those_of_the_search_seed(out, ran, tmp_path):
    ranges = ["--random", "2", "--range", "layers=5:9", "--range", "learning-rate=1e-6:1e-4"]
    assert run(out, *ranges) == 0
    assert run(tmp_path / "again", *ranges) == 0
    assert ran[:2] == ran[2:]
    assert run(tmp_path / "other", *ranges, "--search-seed", "1") == 0
    assert ran[4:] != ran[:2]


def test_options_come_from_a_file_too(out, tmp_path, ran):
    file = tmp_path / "sweep.toml"
    file.write_text('grid = ["layers=8,9", "learning-rate=1e-5"]\nseeds = [4]\n')
    assert run(out, "--config", str(file)) == 0
    assert ran == [("8", "1e-5", "4"), ("9", "1e-5", "4")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--grid", "learning-rates=1,2"], "unknown field 'learning-rates'; did you mean learning-rate?"),
        (["--grid", "learning-rate="], "--grid 'learning-rate=' holds no values"),
        (["--grid", "layers=3", "--grid", "layers=4"], "--grid names layers twice"),
        (["--grid", "layers=3,0"], "layers = [0] is impossible"),
        (["--random", "3"], "--random needs --range"),
        (["--range", "layers=3:4"], "--range needs --random"),
        (["--random", "0", "--range", "layers=3:4"], "random = 0 is impossible"),
        (["--random", "3", "--range", "layers=3:4"], "random = 3 is impossible: it must be at most 2"),
        (["--random", "3", "--range", "learning-rate=1:1e-3"], "its first number must be below its second"),
        (["--random", "3", "--range", "layers=3:4", "--grid", "scale=1"], "--grid and --random contradict each other"),
        (["--preset", "adam-256-256"], "what is swept? Name it by --grid, --random or --lr-range"),
        (["--preset", "orignal"], "did you mean original?"),
        (["--hidden", "3", "--grid", "layers=4"], "--hidden and --layers contradict each other"),
        (["--lr-range", "1e-7:1", "--grid", "scale=1"], "--grid and --lr-range contradict each other"),
        (["--lr-range", "1:1e-7"], "--lr-range '1:1e-7' is impossible: its first number must be below its second"),
        (["--lr-range", "0:1"], "--lr-range '0:1' is impossible: both rates must be above 0"),
        (["--lr-range", "1e-7"], "--lr-range '1e-7' is impossible: it must be two numbers"),
        (["--lr-range", "1e-7:1", "--seeds", "1"], "--lr-range is one run: leave --seeds out"),
        (["--lr-range", "1e-7:1", "--resume"], "--lr-range is one run: leave --resume out"),
        (["--steps", "0"], "steps = 0 is impossible"),
        (["--seeds", "1", "1"], "are one program"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_one_line_before_the_data_is_read(out, capsys, monkeypatch, arguments, said):
    monkeypatch.setattr(DataOptions, "load", lambda *_: pytest.fail("the data was read"))
    assert sweep.main([*arguments, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "picture"),
    [
        (TWO_RATES, "heat_map"),
        (["--grid", "layers=8,9"], "field_curves"),
        ([*TWO_RATES, "--grid", "scale=255"], "field_curves"),
        (["--random", "2", "--range", "layers=5:9", "--range", "scale=1,255"], "field_curves"),
    ],
    ids=str,
)
def test_a_grid_over_two_fields_is_a_heat_map_and_all_else_curves(out, monkeypatch, arguments, picture):
    drawn = []
    for name in ("heat_map", "field_curves"):
        monkeypatch.setattr(
            conclusion, name, lambda found, source, path, own=name: drawn.append((own, path, len(found)))
        )
    assert run(out, *arguments, "--plot") == 0
    assert drawn == [(picture, out / "results.png", 2)]
    assert run(out, *arguments, "--resume") == 0
    assert len(drawn) == 1, "no picture unasked"


def test_a_range_test_is_one_run_with_its_rate_told(out, capsys):
    assert run(out, "--steps", "12", "--lr-range", "1e-7:1e-5", "--plot") == 0
    told = json.loads((out / "range_test.json").read_text())
    assert told["rates"][0] == pytest.approx(1e-7)
    assert f"The loss falls fastest at a learning rate of {told['steepest']:.3g}; " in capsys.readouterr().out
    assert {file.name for file in out.iterdir()} == {f"range_test.{kind}" for kind in ("json", "csv", "png")}


@pytest.mark.parametrize(("words", "steps"), [([], 100), (["--steps", "301"], 301), (["--steps", "40"], 40)])
def test_a_range_test_takes_a_hundred_steps_unless_told_otherwise(out, monkeypatch, words, steps):
    taken = []
    monkeypatch.setattr(rate_search, "search", lambda base, ends, *_: taken.append((base.steps, ends)))
    assert sweep.main(["--lr-range", "1e-7:1", "--out", str(out), *words]) == 0
    assert taken == [(steps, (1e-7, 1.0))]
