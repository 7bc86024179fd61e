"""What a user types: exit codes 0 proven, 1 they differ, 2 cannot compare; one line and no traceback for a mistake."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from jaxmlp.errors import ConfigError
from jaxmlp.options import ImagesOptions
from parity.__main__ import main
from parity.commands import prove
from parity.commands.options import ProveOptions
from parity.commands.published import Runs
from parity.mutants import training
from parity.noise.equivalence import MARGINS, equivalent
from parity.noise.published import TABLE, places
from parity.report.plain import as_plain
from parity.report.text import table

FEW = ["--data", "generated:60", "--steps", "0", "--layout", "dense", "--precision", "float32", "--no-ensemble"]

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
def test_help_comes_at_once_and_imports_no_jax(command):
    started = time.perf_counter()
    command_line = [sys.executable, "-c", HELP, *command, "--help"]
    result = subprocess.run(command_line, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "--config" in result.stdout
    assert time.perf_counter() - started < 20  # under a second where nothing else runs


def test_proven_is_exit_0(compat, tmp_path, capsys):
    files = {form: tmp_path / f"proof.{form}" for form in ("json", "junit", "html")}
    options = [word for form, path in files.items() for word in (f"--{form}", str(path))]
    assert main(["--oracle", "compat", *FEW, *options]) == 0
    assert capsys.readouterr().out.startswith("PROVEN")
    assert json.loads(files["json"].read_text())["proven"] is True
    assert all(path.stat().st_size > 1000 for path in files.values())


def test_the_first_engine_runs_to_the_end_and_the_others_as_far_as_anything_is_asserted(compat):
    engines = {"layout": ("staircase", "dense"), "precision": ("float32",)}
    images = ImagesOptions(data="generated:60")  # so few that the device's own choice is dense
    proof = prove.run(ProveOptions(oracle="compat", images=images, hidden=16, steps=(0,), free_steps=4, **engines), str)
    asserted = proof.budget.horizon + 1
    assert proof.proven, table(proof)
    assert [candidate.name for candidate in proof.candidates] == ["dense float32", "staircase float32"]
    assert [len(candidate.series["losses"]) for candidate in proof.candidates] == [4, max(1, min(4, asserted))]
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
    assert "no recording seed99.npz" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--steps", "-1"], "steps = "),
        (["--steps", "5", "--free-steps", "3"], "free_steps = 3"),
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
    assert "percentile" in capsys.readouterr().out


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
