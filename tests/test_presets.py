"""The presets: each is a program, says what it is, and trains."""

import json
import tomllib
from pathlib import Path

import pytest

import jaxmlp
from jaxmlp import presets, program_file, train
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program

each = pytest.mark.parametrize("name", presets.NAMES)


@each
def test_a_preset_survives_toml_and_json(name):
    program = presets.load(name)
    assert Program.from_dict(json.loads(json.dumps(program.as_dict()))) == program
    assert program_file.of_table(tomllib.loads(program_file.text(program))) == program


@each
def test_a_preset_says_what_it_is_in_a_line(name, capsys):
    assert 20 < len(presets.summary(name)) < 100
    assert train.main(["--list-presets"]) == 0
    assert f"{name} " in capsys.readouterr().out


@each
def test_a_preset_trains_and_is_repeated_by_its_folder(name, tmp_path, capsys):
    """Its options make the same program, and the model it leaves says of which program it is."""
    fewer = [] if presets.load(name).batching is None else ["--validation", "0"]
    words = ["--preset", name, *fewer, "--data", "generated:200", "--steps", "3", "--report-every", "2", "--quiet"]
    assert train.main([*words, "--out", str(tmp_path / "run")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert len({line["loss"] for line in lines}) == 3
    model = jaxmlp.Model.load(tmp_path / "run")
    assert model.program.layers == presets.load(name).layers
    kept = json.loads((tmp_path / "run/config.json").read_text())
    assert Program.from_dict(kept["program"]) == model.program
    assert program_file.of_table(kept["options"]["program"]).settled(200) == model.program


def test_an_unknown_preset_gets_a_suggestion():
    with pytest.raises(ConfigError, match="unknown preset 'glorot_adam'; did you mean glorot-adam"):
        presets.load("glorot_adam")


def test_no_preset_is_missing_from_its_page():
    page = (Path(__file__).parent.parent / "docs/programs.md").read_text(encoding="utf-8")
    assert not [name for name in presets.NAMES if f"`{name}`" not in page]
