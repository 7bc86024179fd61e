"""The options that repeat a run: nothing is left open, and nothing hangs on the folder or the environment."""

from pathlib import Path

import pytest

from jaxmlp.execution import Execution
from jaxmlp.placement import place
from jaxmlp.run.recipe import recipe


@pytest.fixture(scope="module")
def placed(digits, cpu):
    return place(Execution(), digits, cpu)


def kept(placed, dataset, data: str, data_dir: Path | None = None) -> tuple[str | None, str | None]:
    options = recipe({"data": data, "data_dir": data_dir, "seed": 3}, placed, dataset)
    assert options["seed"] == 3
    assert None not in options.values()
    return options["data"], options.get("data_dir")


def test_auto_is_what_it_came_to(placed, digits, monkeypatch):
    monkeypatch.delenv("JAXMLP_DATA_DIR", raising=False)
    assert kept(placed, digits, "auto") == ("mnist", None)
    assert kept(placed, digits._replace(synthetic=True), "auto") == ("generated", None)
    options = recipe({"data": "mnist", "data_dir": None}, placed, digits)
    assert {name: options[name] for name in ("layout", "precision", "chunk", "screening", "device")} == {
        **vars(placed.execution),
        "device": "cpu",
    }
    assert "auto" not in options.values()


def test_folders_are_absolute_wherever_they_were_named(placed, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAXMLP_DATA_DIR", "of/the/environment")
    assert kept(placed, digits, "mnist") == ("mnist", str(tmp_path / "of/the/environment"))
    assert kept(placed, digits, "auto", Path("mine")) == ("mnist", str(tmp_path / "mine"))
    assert kept(placed, digits, "tfds:mnist", Path("~/sets")) == ("tfds:mnist", str(Path.home() / "sets"))
    assert kept(placed, digits, "generated:50", Path("mine")) == ("generated:50", None)


@pytest.mark.parametrize("kind", ["idx", "csv", "npz"])
def test_paths_within_the_name_of_the_data_are_absolute(placed, digits, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JAXMLP_DATA_DIR", raising=False)
    assert kept(placed, digits, f"{kind}:a/b") == (f"{kind}:{tmp_path / 'a/b'}", None)
    assert kept(placed, digits, f"{kind}:~/a, b") == (f"{kind}:{Path.home() / 'a, b'}", None)
    assert kept(placed, digits, kind) == (kind, None)


def test_a_home_that_does_not_exist_does_not_end_a_run(placed, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAXMLP_DATA_DIR", "~nosuchuser/mnist")
    assert kept(placed, digits, f"idx:{tmp_path}")[1] == str(tmp_path / "~nosuchuser/mnist")
