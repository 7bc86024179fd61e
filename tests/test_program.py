"""Program and Execution: the original's values, nothing impossible, and an identity that lasts."""

import dataclasses
import hashlib
import json

import pytest
from programs import any_program

from jaxmlp.errors import ConfigError
from jaxmlp.execution import Execution
from jaxmlp.program import (
    L2,
    Adam,
    Batching,
    ClipByNorm,
    ClipByValue,
    CosineDecayRestarts,
    Dense,
    ExponentialDecay,
    Ftrl,
    GradientDescent,
    Huber,
    NaiveCrossEntropy,
    Output,
    PiecewiseConstant,
    Program,
    RandomNormal,
    RandomUniform,
    Triangular,
    TruncatedNormal,
    VarianceScaling,
)
from jaxmlp.program.fields import beyond_defaults


def test_defaults_are_the_originals_values():
    program = Program()
    assert program.layers == (Dense(1024, TruncatedNormal(1.0)),)
    assert (program.optimizer, program.steps, program.report_every) == (GradientDescent(1e-4), 301, 100)
    assert program.output.kernel.stddev == 1.0


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        (Dense, "units", 0), (Dense, "units", -3), (Dense, "units", 1.5), (Dense, "units", True), (Dense, "units", "9"),
        (Program, "steps", 0), (Program, "report_every", 0), (Program, "seed", 0.5), (Program, "seed", None),
        (GradientDescent, "learning_rate", 0.0), (GradientDescent, "learning_rate", -1e-4),
        (GradientDescent, "learning_rate", float("nan")), (GradientDescent, "learning_rate", float("inf")),
        (GradientDescent, "learning_rate", 1e39), (GradientDescent, "learning_rate", 1e-46),
        (GradientDescent, "learning_rate", "fast"), (GradientDescent, "learning_rate", True),
        (TruncatedNormal, "stddev", 0.0), (TruncatedNormal, "stddev", -1.0), (TruncatedNormal, "stddev", float("nan")),
        (Dense, "kernel", "normal"), (Dense, "activation", "Relu"), (Dense, "keep_prob", 0), (Dense, "keep_prob", 1.5),
        (Dense, "keep_prob", 1 - 2**-40), (Output, "activation", 3), (Program, "loss", "hinge"), (Program, "l2", 0.1),
        (Program, "optimizer", "adam"), (Program, "clipping", 5.0), (Program, "batching", 128), (Program, "scale", 0),
        (Program, "epochs", 0), (Program, "input_keep_prob", -1), (Program, "evaluation_draws", "yes"),
        (Adam, "beta1", 1.1), (Adam, "epsilon", -1e-8), (L2, "scale", -1.0), (L2, "biases", 1),
        (Batching, "order", "any"), (Batching, "validation", -1),
        (ClipByNorm, "clip_norm", 0), (Huber, "delta", 0.0), (Huber, "of", "argmax"),
        (NaiveCrossEntropy, "epsilon", -1), (VarianceScaling, "mode", "fan"), (RandomNormal, "mean", "zero"),
        (Execution, "layout", "stairs"), (Execution, "precision", "bf16"), (Execution, "chunk", 0),
    ],
)  # fmt: skip
def test_impossible_value_is_refused_with_field_value_and_what_is_allowed(part, field, value):
    with pytest.raises(ConfigError) as refusal:
        part(**{**NEEDED.get(part, {}), field: value})
    message = str(refusal.value)
    assert message.startswith(f"{field} = {value!r} ")
    assert "must be" in message
    assert "\n" not in message


@pytest.mark.parametrize("seed", [-(2**70), -1, 0, 2**31 - 1, 2**70])
def test_any_whole_seed_is_allowed_as_in_tensorflow(seed):
    assert Program(seed=seed).seed == seed


NEEDED = {Dense: {"units": 3}, L2: {"scale": 1.0}, Batching: {"size": 8}}  # what has no default


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Program(steps=5, epochs=2), "epochs = 2 and steps = 5 contradict"),
        (lambda: RandomUniform(1.0, 0.5), "maxval = 0.5 .* above minval, 1"),
        (lambda: ClipByValue(0.1, -0.1), "clip_value_max = -0.1 .* above clip_value_min"),
        (lambda: PiecewiseConstant((3, 2), (1.0, 2.0, 3.0)), "boundaries = .*ascending"),
        (lambda: PiecewiseConstant((3,), (1.0,)), "values = .*2 rates"),
        (lambda: Triangular(0.1, 0.01, 5), "max_learning_rate = 0.01 .* above 0.1"),
        (lambda: CosineDecayRestarts(0.1, 5, t_mul=0.5), "t_mul = 0.5 .* 1 or above"),
        (lambda: Ftrl(0.1, learning_rate_power=0.5), "learning_rate_power = 0.5 .* 0 or below"),
        (lambda: Program(batching=Batching(301)).settled(300), "batch_size = 301 .* at most 300"),
        (lambda: Program(batching=Batching(300, "sequential")).settled(300), "batch_size = 300 .* at most 299"),
        (lambda: Program(batching=Batching(8, validation=300)).settled(300), "validation = 300 .* below 300"),
    ],
)
def test_parts_that_contradict_each_other_are_refused_by_name(make, complaint):
    with pytest.raises(ConfigError, match=complaint):
        make()


def test_epochs_become_steps_and_reports_fall_on_their_ends():
    program = Program(batching=Batching(64, validation=44), epochs=3, report_every=None).settled(300)
    assert (program.steps, program.epochs, program.report_every) == (12, None, 4)
    assert [step for step in range(12) if program.reports(step)] == [3, 7, 11]
    assert program.settled(300) == program
    assert Program(epochs=7).settled(300).steps == 7
    assert Program(report_every=None).settled(300).report_every == 100


def test_program_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Program().steps = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_reports_fall_where_the_original_prints():
    assert [step for step in range(301) if Program().reports(step)] == [0, 100, 200, 300]


def test_any_program_survives_json(rng):
    for _ in range(200):
        program = any_program(rng)
        again = Program.from_dict(json.loads(json.dumps(program.as_dict())))
        assert again == program
        assert again.digest() == program.digest()
        assert Program.from_dict(fields_told(program)) == program


def fields_told(program: Program) -> dict:
    """Its dict as a person writes it: nothing that is at its default."""
    return beyond_defaults(program)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"leyers": []}, "program.leyers = \\[\\] is impossible.*known fields are layers"),
        ({"layers": [{}]}, "program.layers.0.: .*'units'"),
        ({"layers": 3}, "program.layers = 3 is impossible: it must be a list"),
        ({"layers": [{"units": 0}]}, "units = 0 is impossible"),
        ({"optimizer": 1e-4}, "program.optimizer = 0.0001 is impossible: it must be a table"),
        ({"optimizer": {"kind": ["adam"]}}, r"program.optimizer: unknown kind \['adam'\]; did you mean adam\?"),
        ({"optimizer": {"kind": None}}, "program.optimizer: unknown kind None; known: .*adam"),
        (
            {"layers": [{"units": 3, "kind": "x"}]},
            r"layers\[0\].kind = 'x' is impossible.* left out: known fields",
        ),
        ({"layers": [{"units": 3, "kind": None}]}, r"layers\[0\].kind = None is impossible.* left out: known"),
    ],
)
def test_fields_that_make_no_program_are_refused_by_name(fields, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Program.from_dict(fields)


def test_the_digest_changes_with_what_a_step_computes_and_with_nothing_else(rng):
    program = any_program(
        rng, layers=(Dense(9, RandomNormal(0.1)), Dense(8)), optimizer=Adam(1e-3), batching=None, l2=None
    )
    first = program.layers[0]
    others = [
        {"seed": program.seed + 1},
        {"layers": program.layers[:1]},
        {"layers": (dataclasses.replace(first, units=10), *program.layers[1:])},
        {"layers": (dataclasses.replace(first, kernel=TruncatedNormal(0.1)), *program.layers[1:])},
        {"layers": (dataclasses.replace(first, bias=None), *program.layers[1:])},
        {"layers": (dataclasses.replace(first, activation="softsign"), *program.layers[1:])},
        {"layers": (dataclasses.replace(first, keep_prob=0.7), *program.layers[1:])},
        {"optimizer": Adam(1.001e-3)},
        {"optimizer": Adam(ExponentialDecay(1e-3, 5, 0.5))},
        {"optimizer": GradientDescent(1e-3)},
        {"batching": Batching(7)},
        {"batching": Batching(7, "shuffled")},
        {"l2": L2(0.1)},
        {"l2": L2(0.1, biases=True)},
        {"scale": 127},
        {"evaluation_draws": not program.evaluation_draws},
    ]
    digests = {dataclasses.replace(program, **change).digest() for change in others}
    assert len(digests | {program.digest()}) == len(others) + 1
    assert dataclasses.replace(program, steps=7, report_every=3).digest() == program.digest()
    assert dataclasses.replace(program, steps=301, epochs=3).digest() == program.digest()


def test_a_field_at_its_default_does_not_count_in_the_digest():
    """Else a field added one day would make every recording stale."""
    assert Program(layers=(Dense(7),)).digest() == Program(layers=(Dense(7, TruncatedNormal(1)),)).digest()
    assert Program().digest() == hashlib.sha256(b"{}").hexdigest()
