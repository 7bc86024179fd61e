"""What every command does around its work: options nested flat, TOML, versions, whose mistakes are one line."""

import dataclasses
import importlib
import itertools
import os
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Annotated

import pytest
from tyro.conf import arg

from jaxmlp import __main__ as listing
from jaxmlp import __version__, command_line, sweep, train
from jaxmlp.errors import ConfigError, OutputError
from jaxmlp.execution import Layout
from jaxmlp.options import DataOptions, ImagesOptions, Seed
from jaxmlp.run import files
from parity import __main__ as prove


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


@pytest.mark.durability_too("an exception that nobody caught")
def test_a_bug_is_one_line_that_says_where_its_traceback_is_kept(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fail(_):
        raise Foreign("first line\nsecond line")

    assert command_line.run(fail, []) == 70
    line = capsys.readouterr().err
    told = re.fullmatch(
        r"error: this is a bug in jaxmlp, .*: Foreign: first line at (\S+):\d+\. Please .* (\S+)\n", line
    )
    assert told
    assert told[1] == "tests/test_command_line.py"
    assert "second line" in Path(told[2]).read_text()


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "no file can be written"])
def test_the_traceback_of_a_bug_is_shown_where_it_is_asked_for_or_cannot_be_kept(capsys, monkeypatch, asked):
    if asked:
        monkeypatch.setenv("JAXMLP_TRACEBACK", "1")
    else:
        monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert command_line.run(lambda _: 1 // 0, []) == 70
    assert "Traceback" in (said := capsys.readouterr().err)
    assert said.endswith("Please report it with the lines above\n")


def test_a_library_that_cannot_be_imported_is_named(capsys, tmp_path, monkeypatch):
    (tmp_path / "brokenlib.py").write_text("raise RuntimeError('made for another version')")
    monkeypatch.syspath_prepend(tmp_path)
    for name, cause in (("brokenlib", "RuntimeError: made for another version"), ("nosuchlib", "No module named")):
        assert command_line.run(lambda _, name=name: importlib.import_module(name) or 0, []) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: the library {name} cannot be imported (")
        assert cause in said


@pytest.mark.parametrize(
    ("variable", "right"),
    [
        ("JAX_ENABLE_X64=maybe", "invalid truth value"),
        ("JAX_TRANSFER_GUARD=foo", "one of allow, log, disallow"),
        ("JAX_PLATFORMS=cuda", "which this jax install lacks"),
        ("JAX_PLATFORMS=nosuch", "which this jax install lacks"),
    ],
)
def test_a_variable_that_jax_does_not_take_is_named_in_one_line(variable, right):
    name, value = variable.split("=")
    command = [sys.executable, "-m", "jaxmlp.train", "--data", "generated:60", "--steps", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, name: value})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.startswith(f"error: {name}")
    assert value in done.stderr
    assert right in done.stderr


def test_a_variable_of_ours_that_is_none_gets_a_suggestion(capsys, monkeypatch):
    monkeypatch.setenv("JAXMLP_DATADIR", "x")
    assert command_line.run(lambda _: 0, []) == 0
    assert capsys.readouterr().err == "warning: $JAXMLP_DATADIR means nothing here; did you mean JAXMLP_DATA_DIR?\n"


def test_what_a_library_warns_of_is_one_line(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert command_line.run(lambda _: warnings.warn("in two\nlines", stacklevel=1) or 0, []) == 0
    assert capsys.readouterr().err == "warning: in two lines\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--stepz", "1"], "unknown option --stepz; did you mean --steps?"),
        (["--limit="], "--limit is given nothing"),
        (["--data-dir", ""], "--data-dir is given nothing"),
        (["--layout", "stair"], "must be one of auto, dense, staircase; did you mean staircase?"),
        (["--seed", "abc"], "--seed: 'abc' is no whole number; see toy --help"),
        (["stray"], "stray"),
    ],
)
def test_a_mistyped_command_line_is_one_line(capsys, arguments, complaint):
    assert command_line.run(lambda _: parse(*arguments) and 0, []) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("word", ["mutant", "recrod", "nonsense"])
def test_a_mistyped_word_is_answered_with_those_there_are(capsys, word):
    assert prove.main([word]) == 2
    known = r"known: adopt, export, family, mutants"
    assert re.search(rf"unknown word .*; (did you mean (mutants|record)\?|{known})", capsys.readouterr().err)


@pytest.mark.parametrize("columns", ["5", "0", "abc", "-1"])
def test_help_ends_however_narrow_the_terminal_is(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit):
        train.main(["--help"])
    assert "--learning-rate" in capsys.readouterr().out
    assert os.environ["COLUMNS"] == columns


def test_a_home_is_put_in_place_wherever_the_path_comes_from(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "toy.toml").write_text('data-dir = "~/a"')
    assert parse("--config=~/toy.toml").data.data_dir == tmp_path / "a"
    assert parse("--data-dir=~/b").data.data_dir == parse("--data-dir", "~/b/").data.data_dir == tmp_path / "b"
    with pytest.raises(ConfigError, match="data_dir = ~nosuchuser/a: no home folder is known for ~nosuchuser"):
        parse("--data-dir", "~nosuchuser/a")


TOY = "seed = 3\nsteps = [7]\n"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + TOY.encode(),
        TOY.replace("\n", "\r\n").encode(),
        TOY.encode("utf-16"),
        b"steps = [7]\n[data]\nimages = 30\ndata = 'generated:60'\n",
        b'{"seed": 3, "steps": [7], "limit": null}',
        b'{"program": {"steps": 1}, "options": {"seed": 3, "steps": [7]}}',
    ],
    ids=["BOM", "CRLF", "UTF-16", "table", "JSON", "config.json"],
)
def test_a_file_is_read_however_it_was_written(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    for name in ("config.json", ""):  # a run's folder stands for it
        toy = parse("--config", str(tmp_path / name))
        assert (toy.seed, toy.steps, toy.data) == (3 if b"data" not in content else 0, (7,), Toy().data)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("seed = 1\nlimit = 2\nseed = 3\n", "line 3 gives seed a second time"),
        ("data-dir = 'a'\ndata_dir = 'b'\n", "data_dir is in the file twice"),
        ("images = 3\n[data]\nimages = 4\n", "images is in the file twice"),
        ("[date]\nimages = 3\n", "unknown table 'date'; did you mean data?"),
        ("[data]\nimage = 3\n", "unknown key of [data] 'image'; did you mean images?"),
        ("data = mnist\n", 'text stands in quotes: data = "…"'),
        ('{"seed": 1, "seed": 2}', "seed is in the file twice"),
        ('{"seed": ', "it is not JSON"),
        ("data_dir = ''\n", "data_dir = '' is impossible"),
    ],
)
def test_a_fault_in_a_file_is_named_by_its_key(tmp_path, content, complaint):
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        from_toml(tmp_path, content)


def test_what_cannot_be_written_is_refused_before_the_work_and_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("")
    new = tmp_path / "a" / "b"
    for path in (tmp_path / "new", new, tmp_path / "file"):
        files.require_writable(path)
    for path in (tmp_path, new):
        files.require_writable_folder(path)
    nowhere = (tmp_path / "file" / "below", Path("/proc/x/y"))
    for path, require in (
        (tmp_path, files.require_writable),
        (tmp_path / "file", files.require_writable_folder),
        *itertools.product(nowhere, (files.require_writable, files.require_writable_folder)),
    ):
        with pytest.raises(OutputError, match=f"{path} cannot be written"):
            require(path)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("target", [0.86, 1.0])
def test_a_target_that_looks_like_a_fraction_is_refused_with_the_percentage(target):
    with pytest.raises(ConfigError, match=f"did you mean {100 * target:g}, in percent"):
        train.TrainOptions(target_accuracy=target)
