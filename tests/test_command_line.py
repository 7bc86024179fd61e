"""What every command does around its work: options nested flat, TOML, versions, whose mistakes are one line."""

import dataclasses
import re
from pathlib import Path
from typing import Annotated

import pytest
from tyro.conf import arg

from jaxmlp import __main__ as listing
from jaxmlp import __version__, command_line, sweep, train
from jaxmlp.errors import ConfigError, OutputError
from jaxmlp.execution import Layout
from jaxmlp.options import DataOptions, ImagesOptions, Seed


@dataclasses.dataclass(frozen=True)
class Toy:
    """Options of a toy."""

    data: ImagesOptions = dataclasses.field(default_factory=lambda: ImagesOptions(data="generated:60", images=30))
    seed: Seed = 0
    steps: Annotated[tuple[int, ...], arg(metavar="T")] = (0, 10)
    layout: tuple[Layout, ...] = ()
    limit: float | None = None


def parse(*arguments: str) -> Toy:
    return command_line.parse(Toy, arguments, "toy", "A toy.")


def from_toml(tmp_path: Path, content: str) -> Toy:
    (tmp_path / "toy.toml").write_text(content)
    return parse("--config", str(tmp_path / "toy.toml"))


def test_nested_options_are_flat_and_keep_the_defaults_they_were_given():
    assert parse() == Toy()
    assert parse("--data", "mnist", "--steps", "1", "2").data == ImagesOptions("mnist", None, 30)


def test_lists_of_a_file_are_tuples(tmp_path):
    toy = from_toml(tmp_path, 'steps = [0, 1]\nlayout = ["dense"]\nlimit = 3\n')
    assert (toy.steps, toy.layout, toy.limit) == ((0, 1), ("dense",), 3)
    assert toy.data == Toy().data
    assert from_toml(tmp_path, "images = 7\n").data == ImagesOptions("generated:60", None, 7)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("steps = 3", "steps = 3 is impossible: it must be a list"),
        ("steps = [1.5]", "steps = 1.5 is impossible: it must be int"),
        ("steps = [true]", "steps = True is impossible"),
        ('layout = ["denss"]', "layout = 'denss' is impossible: it must be one of auto, dense, staircase"),
        ("limit = 'long'", "limit = 'long' is impossible: it must be float"),
        ("images = 0", "images = 0 is impossible: it must be a whole number from 1 up"),
        ("version = true", "unknown key 'version'"),
    ],
)
def test_a_value_of_another_type_is_refused_by_file_and_name(tmp_path, content, complaint):
    with pytest.raises(ConfigError, match=re.escape(f"toy.toml: {complaint}")):
        from_toml(tmp_path, content)


def test_only_the_first_images_are_loaded_and_no_more_than_there_are():
    dataset = ImagesOptions("generated:60", images=30).load(5)
    assert (len(dataset.train.images), len(dataset.train.labels), len(dataset.test.labels)) == (30, 30, 10)
    assert dataset.source == "the first 30 images of 60 generated digits, seed 5"
    with pytest.raises(ConfigError, match="images = 61: 60 generated digits, seed 0 has only 60"):
        ImagesOptions("generated:60", images=61).load()
    assert len(DataOptions("generated:60").load().train.labels) == 60


@pytest.mark.parametrize("main", [train.main, sweep.main, listing.main])
def test_version_is_printed_by_every_command(capsys, main):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert re.fullmatch(rf"jaxmlp {re.escape(__version__)} \(jax [\d.]+.*\)\n", capsys.readouterr().out)


def test_the_list_names_every_command(capsys):
    assert listing.main([]) == 0
    printed = capsys.readouterr().out
    for command in ("python -m jaxmlp.train", "python -m jaxmlp.sweep", "python -m parity", "python -m bench"):
        assert command in printed
    assert printed.count("\n") <= 6


class Foreign(Exception):
    """Of a package that does not derive from ours."""

    exit_code = 7


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Foreign("so it is"), 7, "error: so it is\n"),
        (OutputError("full"), 4, "error: full\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (MemoryError(), 2, "error: not enough memory for this run: lower the hidden units or the images\n"),
    ],
)
def test_a_users_mistake_is_one_line_and_its_exit_code(capsys, error, code, said):
    def fail(_):
        raise error

    assert command_line.run(fail, [], mistakes=(Foreign, OutputError)) == code
    assert capsys.readouterr().err == said
