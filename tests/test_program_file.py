"""A whole program as TOML or JSON: what is written is read back; what is wrong is named by file and field."""

import json
import re
import tomllib

import pytest
from programs import any_program

from jaxmlp import program_file, train
from jaxmlp.errors import ConfigError
from jaxmlp.program import L2, Dense, RandomNormal


def test_every_program_survives_toml_and_json(rng, tmp_path):
    for _ in range(30):
        program = any_program(rng, report_every=None if rng.random() < 0.5 else 7)
        if rng.random() < 0.5:
            program = any_program(rng, steps=301, epochs=3)
        (tmp_path / "a.toml").write_text(program_file.text(program))
        (tmp_path / "a.json").write_text(json.dumps(program.as_dict()))
        (tmp_path / "config.json").write_text(json.dumps({"program": program.as_dict(), "options": {}}))
        for name in ("a.toml", "a.json", "config.json", ""):  # a run's folder stands for it
            assert program_file.read(tmp_path / name) == program


def test_what_is_left_out_has_its_default_and_reports_an_epoch(tmp_path):
    (tmp_path / "a.toml").write_text("batching = { size = 10 }\n[[layers]]\nunits = 3\n")
    program = program_file.read(tmp_path / "a.toml")
    assert program.layers == (Dense(3),)
    assert program.settled(60).report_every == 6


def test_layers_may_differ_and_none_is_the_word_for_nothing():
    content = """
        l2 = { scale = 0.5 }
        [[layers]]
        units = 3
        kernel = { kind = "random_normal", stddev = 0.1 }
        bias = "none"
        [[layers]]
        units = 2
    """
    program = program_file.of_table(tomllib.loads(content))
    assert program.layers == (Dense(3, RandomNormal(0.1), None), Dense(2))
    assert program.l2 == L2(0.5)
    assert program_file.of_table({"l2": "none"}).l2 is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[[layers]]\nunits = 0\n", "program.layers[0].units = 0 is impossible: it must be a whole number from 1 up"),
        ("[[layers]]\n", "program.layers[0]: it needs 'units'"),
        ("layers = [300, 100]\n", "program.layers[0] = 300 is impossible: it must be a table of fields"),
        ("leyers = []\n", "program.leyers = [] is impossible"),
        ('[optimizer]\nkind = "adma"\n', "program.optimizer: unknown kind 'adma'; did you mean adam?"),
        ('[optimizer]\nkind = "momentum"\n', "program.optimizer: it needs 'learning_rate'"),
        ('[optimizer]\nkind = "adam"\nrho = 1\n', "program.optimizer.rho = 1 is impossible: it must be left out"),
        (
            '[optimizer]\nlearning_rate = { kind = "step_decay", learning_rate = 1.0 }\n',
            "program.optimizer.learning_rate: it needs 'decay_steps', 'decay_rate'",
        ),
        ('[output]\nkernel = { kind = "xavier", uniform = 1 }\n', "program.output.kernel.uniform = 1 is impossible"),
        ("epochs = 3\nsteps = 4\n", "program.epochs = 3 and steps = 4 contradict each other"),
        ("steps = \n", "it is not TOML"),
        ("steps = " + "9" * 5000, "it is not TOML: Exceeds the limit (4300 digits)"),
        ('{"steps": ' + "9" * 5000 + "}", "it is not JSON: Exceeds the limit (4300 digits)"),
        ("layers = " + "[" * 5000, "it is not TOML: maximum recursion depth"),
        ('{"steps": 0}', "program.steps = 0 is impossible"),
        ('{"program": 3}', "program = 3 is impossible: it must be a table"),
    ],
)
def test_a_fault_is_named_by_file_and_field(tmp_path, capsys, content, complaint):
    (tmp_path / "mine").write_text(content)
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'mine'}: {complaint}")):
        program_file.read(tmp_path / "mine")
    assert train.main(["--program", str(tmp_path / "mine")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_printed_program_is_one_to_begin_from(tmp_path, capsys):
    assert train.main(["--print-program", "--preset", "rmsprop-dropout", "--epochs", "3", "--layers", "30", "20"]) == 0
    (tmp_path / "mine.toml").write_text(capsys.readouterr().out)
    program = program_file.read(tmp_path / "mine.toml")
    assert [(one.units, one.bias) for one in program.layers] == [(30, None), (20, None)]
    assert (program.epochs, program.input_keep_prob) == (3, 0.8)
