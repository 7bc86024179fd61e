"""`python -m parity prove FOLDER --step module:function`: its verdict, its files, its exit codes, its complaints."""

import json

import numpy as np
import pytest
from like_tensorflow import Like

import parity
from parity.__main__ import main
from parity.compare.recorded import file

STEP = """
import ports

def right(weights, slots, batch, draws):
    return ports.in_numpy(weights, slots, batch, draws)

def wrong(weights, slots, batch, draws):
    made = right(weights, slots, batch, draws)
    return {**made, "weights": {name: 2 * array for name, array in made["weights"].items()}}

def little(weights, slots, batch, draws):
    return {"loss": right(weights, slots, batch, draws)["loss"]}

number = 3
"""


@pytest.fixture
def adopted(tmp_path, rng, monkeypatch):
    """A folder with a recording, and steps in the module `mysteps` of the current folder."""
    monkeypatch.chdir(tmp_path)
    name = f"mysteps{rng.integers(2**40)}{tmp_path.name}".replace("-", "_")  # a module is imported once
    (tmp_path / f"{name}.py").write_text(STEP)
    recording = Like("ApplyGradientDescent", rate=0.5).recording(tmp_path / "raw", rng)
    (tmp_path / file.NAME).write_bytes(file.to_bytes(recording))
    return name


def test_a_right_step_is_proven(adopted, capsys):
    assert main(["prove", ".", "--step", f"{adopted}:right", "--html", "page.html", "--json", "told.json"]) == 0
    told = capsys.readouterr().out
    assert "PROVEN: 36 checks at steps 0, 1, 2, 6; 8 not compared" in told
    assert "NOT COMPARED: T1b logits, T3 global_step: your step does not return it" in told
    with open("told.json", encoding="utf-8") as opened:
        (program,) = json.load(opened)["programs"]
    assert program["proven"]
    assert len(program["checks"]) == 36
    with open("page.html", encoding="utf-8") as opened:
        page = opened.read()
    assert f"Yes, {adopted}:right." in page
    assert page.count("dense_1/kernel") >= 2


def test_a_wrong_step_is_told_and_both_sides_are_kept(adopted, capsys, tmp_path):
    assert main(["prove", ".", "--step", f"{adopted}:wrong", "--steps", "1", "6"]) == 1
    told = capsys.readouterr().out
    assert "DIFFERENT: first at T3 dense/kernel, step 1" in told
    with np.load(tmp_path / "runs" / "parity" / f"{adopted}-wrong.npz") as kept:
        apart = kept["subject/weights/dense/kernel"] - 2 * kept["reference/weights/dense/kernel"]
        assert np.abs(apart).max() < 1e-5


def test_a_step_that_returns_too_little_is_neither_proven_nor_different(adopted, capsys):
    assert main(["prove", ".", "--step", f"{adopted}:little"]) == 2
    assert "NOT proven, though nothing that was returned differs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "FOLDER is missing: name what python -m parity adopt wrote"),
        (["."], "what is to be proven? --step MODULE:FUNCTION or --program FILE is needed, one of them"),
        ([".", "--step", "step"], "step = 'step' is impossible: MODULE:FUNCTION is needed, as mymodule:step"),
        ([".", "--program", "nowhere.toml"], "nowhere.toml"),
        ([".", "--step", "nowhere_at_all:step"], "step = 'nowhere_at_all:step': No module named 'nowhere_at_all'"),
        ([".", "--step", "@:none"], "@ has no none"),
        ([".", "--step", "@:number"], "is a int: a function is needed"),
        (["elsewhere", "--step", "@:right"], "elsewhere is not there: python -m parity adopt SCRIPT makes it"),
        ([".", "--step", "@:right", "--number", "4"], "program 4 is not in the recording, which has 1"),
        ([".", "--step", "@:right", "--names", "w"], "names has 'w': TENSORFLOW=YOURS is needed"),
        ([".", "--step", "@:right", "--steps", "5"], "step 5 was not recorded: there are 0, 1, 2, 6"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(adopted, arguments, told, capsys):
    assert main(["prove", *(one.replace("@", adopted) for one in arguments)]) == 2
    said = capsys.readouterr().err.strip()
    assert told.replace("@", adopted) in said
    assert "\n" not in said


def test_the_face_has_two_names():
    assert parity.load
    assert parity.prove
    assert {"load", "prove"} <= set(dir(parity))
    with pytest.raises(AttributeError, match="module 'parity' has no attribute 'proof'"):
        parity.proof  # noqa: B018
