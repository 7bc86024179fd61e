"""What a user types: exit codes 0 proven, 1 they differ, 2 cannot compare; one line and no traceback for a mistake."""

import dataclasses
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from small_runs import first

from jaxmlp import command_line
from jaxmlp.data.generated import generated_digits
from jaxmlp.errors import ConfigError, DataError, DataUnreachable
from jaxmlp.options import ImagesOptions
from jaxmlp.program import Dense, Program
from parity.__main__ import main
from parity.commands import prove, published
from parity.commands.options import ProveOptions
from parity.commands.published import Runs
from parity.compare.limits import Budget
from parity.mutants import training
from parity.mutants.finding import Finding, read_findings, to_json
from parity.noise import kept, reference
from parity.noise.equivalence import MARGINS, equivalent
from parity.noise.published import TABLE, places
from parity.report.plain import as_plain
from parity.report.text import table

FEW = ["--data", "generated:60", "--steps", "0", "--layout", "dense", "--precision", "float32"]

FOUND = {"name": "a mutant", "expected": "T1 loss", "ratio": 20.0, "first": "T1 loss, step 0", "held": True}

HELP = """
import sys
from parity.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit:
    assert "jax" not in sys.modules
"""


def run(*arguments, **environment):
    command = [sys.executable, "-m", "parity", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=300)


@pytest.mark.parametrize("command", [(), ("setup",), ("mutants",), ("published",), ("record",)])
def test_help_comes_at_once_and_imports_no_jax(command, takes_less_than):
    def ask():
        command_line = [sys.executable, "-c", HELP, *command, "--help"]
        result = subprocess.run(command_line, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        assert "--config" in result.stdout

    assert takes_less_than(1, ask)


def test_proven_is_exit_0(compat, tmp_path, capsys):
    files = {form: tmp_path / f"proof.{form}" for form in ("json", "junit", "html", "plot")}
    options = [word for form, path in files.items() for word in (f"--{form}", str(path))]
    assert main(["--oracle", "compat", *FEW, *options]) == 0
    assert capsys.readouterr().out.startswith("PROVEN on 60 generated digits, seed 0, at 2 starting points: the port")
    assert json.loads(files["json"].read_text())["proven"] is True
    assert all(path.stat().st_size > 1000 for path in files.values())


def test_the_first_engine_runs_to_the_end_and_the_others_as_far_as_anything_is_asserted(compat):
    engines = {"layout": ("staircase", "dense"), "precision": ("float32",)}
    images = ImagesOptions(data="generated:60")  # so few that the device's own choice is dense
    few = {"images": images, "hidden": 16, "steps": (0,), "free_steps": 4}
    proof = prove.run(ProveOptions(oracle="compat", full=True, **few, **engines), str)
    asserted = proof.budget.horizon + 1
    assert proof.proven, table(proof)
    names = ["dense float32", "staircase float32 screened", "staircase float32"]
    assert [candidate.name for candidate in proof.candidates] == names
    others = max(1, min(4, asserted))
    assert [len(candidate.series["losses"]) for candidate in proof.candidates] == [4, others, others]
    shown = [len(candidate["difference"]) for candidate in as_plain(proof)["candidates"]]
    assert shown == [len(candidate.series["losses"]) for candidate in proof.candidates]
    assert {"T4"} <= {check.tier for candidate in proof.candidates for check in candidate.checks}


def test_a_difference_is_exit_1_and_leaves_both_sides_tensors(compat, tmp_path, capsys, monkeypatch):
    mutant = next(mutant for mutant in training.mutants() if mutant.name == "update of b2 left out")
    genuine = prove.candidates
    monkeypatch.setattr(prove, "candidates", lambda *parts: map(mutant.change, genuine(*parts)))
    assert main(["--oracle", "compat", *FEW, "--out", str(tmp_path / "not" / "there")]) == 1
    out = capsys.readouterr().out
    assert "first divergence: T3, biases_2, step 0" in out
    assert (tmp_path / "not" / "there" / "dense-float32.npz").exists()


def test_no_tensorflow_and_no_recording_is_exit_2(tmp_path):
    blocked = tmp_path / "tensorflow.py"
    blocked.write_text("raise ImportError('blocked')")
    result = run("--oracle", "recording", "--data", "generated:60", "--seed", "99", PYTHONPATH=f"{tmp_path}:.")
    assert result.returncode == 2
    assert "no recording is of seed 99: recorded are" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--steps", "-1"], "steps = "),
        (["--oracle", "compat", "--steps", "5", "--free-steps", "3"], "free_steps = 3"),
        (["--keep-budget"], "keep_budget = True without full"),
        (["--oracle", "recording", "--free-steps", "0"], "free_steps = 0"),
        (["--images", "0"], "images = 0"),
        (["--data", "mnits"], "did you mean mnist?"),
        (["--hidden", "0"], "hidden = 0"),
        (["mutants", "--images", "10"], "images = 10"),
        (["published", "--seeds", "1"], "seeds = 1"),
    ],
)
def test_an_impossible_option_is_one_line_and_exit_2(arguments, complaint, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert len(err.strip().splitlines()) == 1


def row(shift=0.0):
    return {str(step): [number * (1 + shift) for number in numbers] for step, numbers in TABLE.items()}


def test_a_published_number_lies_at_its_percentile():
    found = places([row(-0.1), row(-0.05), row(0.0), row(0.1)])
    assert {place.percentile for place in found} == {100 * 2.5 / 4}


def test_published_runs_are_kept_from_seed_to_seed(tmp_path):
    calls = []
    for _ in range(2):
        runs = Runs(tmp_path / "kept.json", {"data": "x"})
        for seed in (0, 1):
            runs.keep("port", seed, lambda seed=seed: calls.append(seed) or row())
    assert calls == [0, 1]
    with pytest.raises(ConfigError, match="other data or hyperparameters"):
        Runs(tmp_path / "kept.json", {"data": "y"})


def test_published_runs_on_a_small_set(tmp_path, capsys):
    arguments = ["published", "--seeds", "2", "--data", "generated:30", "--out", str(tmp_path / "new" / "kept.json")]
    assert main(arguments) == 0
    assert "no percentiles: the write-up's numbers are of all of MNIST" in capsys.readouterr().out
    assert main([*arguments, "--oracle", "recording"]) == 2
    assert "T5 needs pairs" in capsys.readouterr().err


def test_percentiles_are_given_on_mnist(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(published, "is_mnist", lambda dataset: True)
    monkeypatch.setattr(published, "port_run", lambda *parts: row())
    assert main(["published", "--seeds", "2", "--data", "generated:30", "--out", str(tmp_path / "kept.json")]) == 0
    assert "percentile" in capsys.readouterr().out


@pytest.mark.parametrize("theirs", [0.0, 1e-30])
def test_losses_of_zero_are_equal_to_each_other_and_to_nothing_else(theirs):
    ours, zero = np.zeros((12, 3)), np.zeros((12, 3))
    assert all(one.shown for one in published.ends(ours, zero))
    other = zero.copy()
    other[3, 0] = theirs
    loss = published.ends(other, zero)[0]
    assert loss.shown is (theirs == 0)
    assert "nan" not in published.line(loss)
    assert loss.shown or "not shown (no difference is relative to a loss of 0" in published.line(loss)


def test_one_difference_for_all_seeds_is_no_division_by_zero():
    assert equivalent("final loss", np.full(12, 1e-3)).shown
    assert not equivalent("final loss", np.full(12, 1.0)).shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "is not JSON"),
        ("", "is not JSON"),
        ("[]", "at least one"),
        ("{}", "must be a list"),
        ("[3]", "finding 1 must have the fields name, expected"),
        ('[{"name": "a"}]', "finding 1 must have the fields name, expected"),
        (json.dumps([FOUND, {**FOUND, "more": 1}]), "finding 2 must have the fields"),
        (json.dumps([{**FOUND, "ratio": "many"}]), "ratio = 'many'"),
        (json.dumps([{**FOUND, "ratio": True}]), "ratio = True"),
        (json.dumps([{**FOUND, "held": "yes"}]), "held = 'yes'"),
        (json.dumps([{**FOUND, "name": 3}]), "name = 3"),
    ],
)
def test_what_mutants_did_not_write_is_refused_before_work(tmp_path, capsys, monkeypatch, content, said):
    monkeypatch.setattr(prove, "run", lambda *parts: pytest.fail("work was begun"))
    file = tmp_path / "m.json"
    file.write_text(content)
    assert main(["--mutants", str(file), "--html", str(tmp_path / "r.html")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"error: {file} is not")
    assert said in line


def test_findings_are_read_as_they_were_written(tmp_path, rng):
    ratios = [*rng.random(3).tolist(), math.inf]
    findings = [Finding(f"m{i}", "T1 loss", ratio, "nowhere", bool(i % 2)) for i, ratio in enumerate(ratios)]
    file = tmp_path / "m.json"
    file.write_text(to_json(findings))
    assert read_findings(file) == findings


@pytest.mark.parametrize("option", ["--json", "--junit", "--html", "--plot", "--out"])
def test_a_file_that_cannot_be_written_is_found_before_work(tmp_path, capsys, monkeypatch, option):
    monkeypatch.setattr(prove, "run", lambda *parts: pytest.fail("work was begun"))
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file" / "below", *([tmp_path] if option != "--out" else [])):
        assert main([option, str(wrong)]) == 4
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith(f"error: {wrong}")
        assert "cannot be written" in line


def test_files_are_written_before_the_table_is_printed(compat, tmp_path, monkeypatch):
    def gone(*text):
        raise BrokenPipeError

    monkeypatch.setattr(prove, "print", gone, raising=False)
    file = tmp_path / "proof.json"
    with pytest.raises(BrokenPipeError):
        prove.prove(command_line.parse(ProveOptions, ["--oracle", "compat", *FEW, "--json", str(file)], "x", "x"))
    assert json.loads(file.read_text())["proven"] is True


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """A machine without MNIST, network, TensorFlow 1.15 or 2."""

    def unreachable(folder=None):
        raise DataUnreachable("MNIST is nowhere")

    monkeypatch.setattr("parity.commands.images.load_mnist", unreachable)
    monkeypatch.setattr("parity.oracle.select.has_tensorflow", lambda: False)
    monkeypatch.setenv("PARITY_TF115", str(tmp_path))


def test_a_machine_with_nothing_proves_on_recorded_digits(nothing_here, capsys, tmp_path):
    assert main(["--out", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith(
        "PROVEN on 600 generated digits, seed 0, at 3 starting points and 7 free steps: the port"
    )
    assert "against the recording of genuine TensorFlow 1.15.5" in told.err
    (missing,) = [line for line in told.err.splitlines() if line.startswith("… MNIST is not here: proving on 600")]
    for way in ("$JAXMLP_DATA_DIR", "python -m parity setup", "pip install -e '.[parity]'", "--data generated:600"):
        assert way in missing
    assert "asserted up to step 6 of 30, by an ensemble of 8, kept from 2026" in told.out
    assert told.out.splitlines()[-1].startswith("--full adds every engine")


def test_a_machine_with_nothing_says_what_it_needs_for_another_program(nothing_here, capsys):
    assert main(["--hidden", "8"]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(
        "error: no TensorFlow is here, and no recording is of this program, seed and data: for all of"
    )


def test_a_kept_budget_is_that_of_its_program_and_data_alone(monkeypatch, tmp_path, cpu, rng):
    dataset = first(generated_digits(60, 5), 60, 10)
    program = Program((Dense(8),), seed=5, steps=4, report_every=2)
    limits = np.sort(rng.random(4))
    made = {"date": "a day", "processor": "a machine"}
    found = Budget(2, limits, limits * 7, {0: 3.5, 2: 3.5}, limits / 3, ("float64", "chunks"))
    case = reference.case(program, dataset)
    monkeypatch.setattr(kept.recording, "FOLDER", tmp_path)
    assert kept.budget(case) is None
    kept.keep(case, found, made)
    back = kept.budget(case)
    assert back.made == "a day, a machine"
    np.testing.assert_equal(back._replace(made="")._asdict(), found._asdict())
    for other in (dataclasses.replace(program, seed=6), dataclasses.replace(program, report_every=1)):
        assert kept.budget(reference.case(other, dataset)) is None
    assert kept.budget(reference.case(program, dataset.first(59))) is None
    kept.path(case).write_text("{}")
    with pytest.raises(DataError, match=r"budget-.*\.json is damaged"):
        kept.budget(case)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("recorded", "steps", "length"), [(True, 9, 31), (False, 5, 11)])
def test_left_alone_a_proof_is_short_and_full_is_whole(full, recorded, steps, length):
    options = ProveOptions(full=full)
    assert len(options.chosen_steps(recorded)) == (9 if full else steps)
    assert options.program(recorded).steps == (301 if full else length)


def test_equivalence_is_shown_only_by_enough_pairs_within_the_margin(rng):
    margin = MARGINS["final loss"]
    near = rng.normal(scale=margin / 20, size=12)
    assert equivalent("final loss", near).shown
    assert not equivalent("final loss", near[:9]).shown
    assert not equivalent("final loss", near + 1.5 * margin).shown
    assert not equivalent("final loss", np.append(near, [5.0, -5.0])).shown


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_every_mutant_is_killed_where_expected():
    assert main(["mutants"]) == 0
