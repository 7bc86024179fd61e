"""Programs over the whole family beside TensorFlow, step by step: drawn ones and 2.x, corners and genuine 1.15.5."""

import itertools
import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jaxmlp import presets, program_file
from jaxmlp.data.generated import generated_digits
from jaxmlp.device import pick
from jaxmlp.options import ImagesOptions
from jaxmlp.program import (
    L2,
    Adagrad,
    AdagradDA,
    Adam,
    Batching,
    ClipByValue,
    Constant,
    CosineDecayRestarts,
    Dense,
    Ftrl,
    GlorotUniform,
    Hinge,
    LogLoss,
    Momentum,
    NaiveCrossEntropy,
    Output,
    PolynomialDecay,
    Program,
    RandomUniform,
    SigmoidCrossEntropy,
    Xavier,
    Zeros,
)
from parity.__main__ import main
from parity.commands.family import data, named_programs, settled
from parity.commands.options import FamilyOptions
from parity.family.drawn import programs
from parity.family.proof import held, prove_all
from parity.oracle.ask import OracleFailed

IMAGES, STEPS = 256, 3
GLOROT = GlorotUniform()
CORNERS = {
    "softmax regression from zeros": Program((), Output(Zeros()), AdagradDA(0.1), scale=255),
    "one unit, one image a step": Program(
        (Dense(1, Xavier(uniform=False), activation="leaky_maximum"),),
        Output(GLOROT),
        Momentum(0.01, use_nesterov=True),
        batching=Batching(1, "sequential"),
        scale=255,
    ),
    "dropout everywhere, drawn in evaluations too": Program(
        (Dense(33, GLOROT, keep_prob=0.7), Dense(1000, GLOROT, RandomUniform(-0.1, 0.1), "selu", 0.9)),
        Output(GLOROT),
        Adam(PolynomialDecay(0.001, 2, cycle=True)),
        loss=SigmoidCrossEntropy(),
        batching=Batching(100),
        scale=255,
        input_keep_prob=0.8,
        evaluation_draws=True,
    ),
    "a kink at all logits": Program((), Output(Zeros(), Constant(-1.0)), Ftrl(0.1), loss=Hinge(), scale=255),
    "saturated, clipped logarithms": Program(
        (Dense(20),), optimizer=Adagrad(CosineDecayRestarts(0.1, 2)), loss=NaiveCrossEntropy(clip_value_min=1e-10)
    ),
    "saturated log_loss": Program((), clipping=ClipByValue(-0.5, 1.0), l2=L2(0.01, biases=True), loss=LogLoss()),
}


def told(outcome):
    """What a person needs to repeat a disagreement."""
    return f"{outcome.told}\n{program_file.text(outcome.program)}"


@settings(
    max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
)
@given(seed=st.integers(0, 2**31 - 1), skipped=st.integers(0, 12))
def test_drawn_programs_compute_what_tensorflow_computes(compat, seed, skipped):
    dataset = generated_digits(IMAGES, seed)
    drawn = [next(itertools.islice(programs(seed, dataset, STEPS), skipped, None))]
    for outcome in prove_all(compat, drawn, dataset, pick("cpu"), STEPS):
        assert outcome.passed, told(outcome)


def test_corners_of_the_family_compute_what_genuine_tensorflow_1_15_computes(tf115, rng):
    seed = int(rng.integers(2**31))
    dataset = generated_digits(IMAGES, seed)
    fields = {"steps": STEPS, "report_every": 1, "epochs": None}
    chosen = [Program.from_dict({**one.as_dict(), **fields, "seed": seed}).settled(IMAGES) for one in CORNERS.values()]
    for name, outcome in zip(CORNERS, prove_all(tf115, chosen, dataset, pick("cpu"), STEPS), strict=True):
        assert outcome.passed, f"{name}: {told(outcome)}"
        assert outcome.diverged is None, name


def test_a_program_that_tensorflow_refuses_is_told_and_not_passed(cpu, digits):
    outcome = held(Program(), digits, cpu, OracleFailed("ValueError: no"))
    assert not outcome.passed
    assert outcome.told == "TensorFlow: ValueError: no"


def test_the_command_proves_a_program_of_a_file_and_writes_every_check(compat, tmp_path, capsys):
    file, written = tmp_path / "mine.toml", tmp_path / "checks.json"
    file.write_text('layers = []\nscale = 255\n[optimizer]\nkind = "adagrad"\nlearning_rate = 0.1\n')
    arguments = [
        "family",
        "--oracle",
        "compat",
        "--program",
        str(file),
        "--data",
        "generated:64",
        "--json",
        str(written),
    ]
    assert main([*arguments, "--steps", "2", "--images", "60"]) == 0
    out = capsys.readouterr().out
    assert "PROVEN: 1 of 1 programs agree, 2 steps each, on the first 60 images of 64 generated digits" in out
    content = json.loads(written.read_text())
    (proof,) = content["programs"]
    assert proof["program"]["optimizer"]["kind"] == "adagrad"
    assert {check["tier"] for check in proof["checks"]} == {"T0", "T1", "T1b", "T2", "T2b", "T3"}


def test_a_named_program_has_the_images_that_it_keeps_for_validation_and_some_more():
    options = FamilyOptions(program=("presets",), images=ImagesOptions(data="generated:6000"))
    named = named_programs(options)
    assert [*named] == [*presets.NAMES]
    dataset = data(options, 0, [*named.values()])
    assert len(dataset.train.labels) == 5000 + 256
    assert all(len(one.layers) == len(named[name].layers) for name, one in settled(named, dataset).items())
    few = FamilyOptions(program=("original",), images=ImagesOptions(data="generated:100"))
    assert len(data(few, 0, [Program()]).train.labels) == 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--program", "no-such"], "program = 'no-such' is neither a file nor a preset: "),
        (["-n", "0"], "programs = 0 is impossible: "),
        (["--steps", "0"], "steps = 0 is impossible: "),
    ],
)
def test_what_cannot_be_proven_is_refused_by_name(arguments, message, capsys):
    assert main(["family", "--oracle", "compat", *arguments]) == 2
    assert message in capsys.readouterr().err
