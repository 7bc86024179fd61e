"""Program and Execution: the original's values, nothing impossible, and an identity that lasts."""

import dataclasses
import hashlib
import json

import pytest

from jaxmlp.errors import ConfigError
from jaxmlp.execution import Execution
from jaxmlp.program import Dense, GradientDescent, Output, Program, TruncatedNormal


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
        (Execution, "layout", "stairs"), (Execution, "precision", "bf16"), (Execution, "chunk", 0),
    ],
)  # fmt: skip
def test_impossible_value_is_refused_with_field_value_and_what_is_allowed(part, field, value):
    with pytest.raises(ConfigError) as refusal:
        part(**{field: value})
    message = str(refusal.value)
    assert message.startswith(f"{field} = {value!r} ")
    assert "must be" in message
    assert "\n" not in message


@pytest.mark.parametrize("seed", [-(2**70), -1, 0, 2**31 - 1, 2**70])
def test_any_whole_seed_is_allowed_as_in_tensorflow(seed):
    assert Program(seed=seed).seed == seed


def test_program_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Program().steps = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_reports_fall_where_the_original_prints():
    assert [step for step in range(301) if Program().reports(step)] == [0, 100, 200, 300]


@pytest.fixture
def any_program(rng) -> Program:
    layers = tuple(Dense(int(n), TruncatedNormal(float(rng.random()) + 0.1)) for n in rng.integers(1, 99, 3))
    return Program(
        layers, Output(TruncatedNormal(0.5)), GradientDescent(float(rng.random())), seed=int(rng.integers(99))
    )


def test_a_program_survives_json(any_program):
    again = Program.from_dict(json.loads(json.dumps(any_program.as_dict())))
    assert again == any_program
    assert again.digest() == any_program.digest()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"leyers": []}, "program.leyers = \\[\\] is impossible.*known fields are layers"),
        ({"layers": [{}]}, "program.layers.0.: .*'units'"),
        ({"layers": 3}, "program.layers = 3 is impossible: it must be a list"),
        ({"layers": [{"units": 0}]}, "units = 0 is impossible"),
        ({"optimizer": 1e-4}, "program.optimizer = 0.0001 is impossible: it must be a table"),
    ],
)
def test_fields_that_make_no_program_are_refused_by_name(fields, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Program.from_dict(fields)


def test_the_digest_changes_with_what_a_step_computes_and_with_nothing_else(any_program):
    digest = any_program.digest()
    first = any_program.layers[0]
    others = [
        {"seed": any_program.seed + 1},
        {"layers": any_program.layers[:2]},
        {"layers": (dataclasses.replace(first, units=first.units + 1), *any_program.layers[1:])},
        {"layers": (Dense(first.units, TruncatedNormal(9.0)), *any_program.layers[1:])},
        {"output": Output()},
        {"optimizer": GradientDescent(any_program.optimizer.learning_rate * 1.001)},
    ]
    digests = {dataclasses.replace(any_program, **change).digest() for change in others}
    assert len(digests | {digest}) == len(others) + 1
    assert dataclasses.replace(any_program, steps=7, report_every=3).digest() == digest


def test_a_field_at_its_default_does_not_count_in_the_digest():
    """Else a field added one day would make every recording stale."""
    assert Program(layers=(Dense(7),)).digest() == Program(layers=(Dense(7, TruncatedNormal(1)),)).digest()
    assert Program().digest() == hashlib.sha256(b"{}").hexdigest()
