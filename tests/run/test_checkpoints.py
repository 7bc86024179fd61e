"""When a run is kept, in what order it reaches the disk, and what lies beside it."""

import datetime
import json
import os

import faults
import pytest
import safetensors.numpy
from kept_runs import RICH, stop, train

from jaxmlp import __main__ as commands
from jaxmlp.errors import ConfigError
from jaxmlp.run import checkpoint, checkpoints, folder, lock
from jaxmlp.run.cadence import Cadence
from jaxmlp.run.tensor_file import content, digest


def test_a_cadence_is_steps_seconds_or_never():
    assert Cadence.of("100").due(100, 0)
    assert not Cadence.of("100").due(99, 1e9)
    assert Cadence.of("0.5s").due(0, 0.5)
    assert not Cadence.of("30s").due(10**9, 29.9)
    assert not Cadence.of("never").due(10**9, 1e9)
    assert Cadence.of("30s").due_at_report(seconds=1.0, cost=0.01)
    assert not Cadence.of("30s").due_at_report(seconds=1.0, cost=0.011), "more than 1 % of the time"
    assert not Cadence.of("never").due_at_report(1e9, 0.0)


@pytest.mark.parametrize("word", ["", "0", "-1", "1.5", "s", "0s", "1e3", "30 s", "nans", "always", "9" * 400 + "s"])
def test_another_word_is_refused(word):
    with pytest.raises(ConfigError, match="it must be a number of steps, as 100, of seconds, as 30s, or never"):
        Cadence.of(word)


@pytest.mark.durability_too("an order in which things reach the disk")
def test_a_checkpoint_is_on_the_disk_behind_the_lines_that_it_needs(tmp_path, capsys):
    """Synced metrics, synced file, its name, synced folder: in this order whatever the power does."""
    out, seen = tmp_path / "run", []

    def witness(_number, name, real, arguments):
        target = arguments[0]
        place = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else str(arguments[-1])
        seen.append((name, os.path.relpath(place, out).split(".safetensors-")[0]))
        return real(*arguments)

    with faults.shim(out, witness):
        assert train(RICH, out) == 0
    name = checkpoints.name(RICH.steps)
    named = seen.index(("replace", f"checkpoints/{name}"))
    synced = seen.index(("fsync", f"checkpoints/.{name.removesuffix('.safetensors')}"))
    assert seen[named + 1] == ("fsync", "checkpoints")
    last_line = max(i for i, one in enumerate(seen) if one == ("write", "metrics.jsonl"))
    assert last_line < seen.index(("fsync", "metrics.jsonl"), last_line) < synced < named


@pytest.mark.durability_too("runs that start in one second")
def test_runs_that_start_in_one_second_have_folders_of_their_own(tmp_path, monkeypatch):
    class Stopped(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folder.datetime, "datetime", Stopped)
    names = [folder.default_folder(7).name for _ in range(3)]
    assert names == ["20260102-030405-7", "20260102-030405-7-2", "20260102-030405-7-3"]


def test_a_lock_is_for_one_and_goes_with_its_holder(tmp_path):
    assert not lock.is_held(tmp_path)
    with lock.Lock(tmp_path):
        assert lock.is_held(tmp_path)
    assert not lock.is_held(tmp_path)
    assert not list(tmp_path.iterdir())


def command(*words: object) -> int:
    return commands.main(["runs", *map(str, words)])


def test_the_command_lists_runs_with_their_state_and_how_far_they_are(tmp_path, capsys):
    assert command("--runs", tmp_path / "none") == 0
    assert "no runs in" in capsys.readouterr().out
    assert train(RICH, tmp_path / "whole") == 0
    assert stop(RICH, 2, out=tmp_path / "part") == 130
    stop(RICH, 2, out=tmp_path / "killed")
    (tmp_path / "killed/ending.json").unlink()
    (tmp_path / "no run").mkdir()
    capsys.readouterr()
    assert command("--runs", tmp_path, "--json") == 0
    told = {one["folder"].rpartition("/")[2]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert [(n, one["state"], one["done"], one["planned"]) for n, one in told.items()] == [
        ("whole", "finished", 12, 12),
        ("part", "interrupted", 4, 12),
        ("killed", "killed", 4, 12),
    ]
    last = json.loads((tmp_path / "whole/metrics.jsonl").read_text().splitlines()[-1])
    assert [told["whole"][name] for name in last if name != "step"] == [v for n, v in last.items() if n != "step"]
    files = [file for file in (tmp_path / "whole").rglob("*") if file.is_file()]
    assert told["whole"]["size"] == sum(file.stat().st_size for file in files)
    assert command("--runs", tmp_path) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["run", "whole", "part", "killed"]


def test_the_command_says_whether_two_runs_are_the_same(tmp_path, capsys):
    assert train(RICH, tmp_path / "a") == train(RICH, tmp_path / "b") == 0
    stop(RICH, 2, out=tmp_path / "c")
    assert command("--compare", tmp_path / "a", tmp_path / "b") == 0
    assert "model.safetensors: the same bytes" in capsys.readouterr().out
    assert command("--compare", tmp_path / "a", tmp_path / "c") == 1
    assert "steps: 12 and 4\nmetrics: the same at every step that both did\nmodel" in capsys.readouterr().out
    assert command("--compare", tmp_path / "a", tmp_path) == 2
    assert "is no run's folder" in capsys.readouterr().err


def test_the_command_removes_what_killed_runs_left_and_nothing_else(tmp_path, capsys):
    assert train(RICH, tmp_path / "whole") == 0
    stop(RICH, 2, out=tmp_path / "part")
    kept = {file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()}
    names = (".lock", ".model.safetensors-a1b2c3d4", "checkpoints/.x.json-00000000")
    left = [tmp_path / "part" / name for name in names]
    for file in left:
        file.write_bytes(b"x")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun/config.json").write_bytes((tmp_path / "whole/config.json").read_bytes())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("not a run")
    capsys.readouterr()
    assert command("--runs", tmp_path, "--clean") == 0
    assert capsys.readouterr().out.endswith(f"4 leftovers in {tmp_path}\n")
    assert {file: file.read_bytes() for file in kept} == kept
    assert (tmp_path / "mine/notes.txt").exists()
    assert not any(path.exists() for path in (*left, tmp_path / "begun"))


def test_a_checkpoint_from_before_there_was_screening_is_read_as_without(tmp_path, capsys):
    assert train(RICH, tmp_path / "run") == 0
    path = tmp_path / "run/checkpoints" / checkpoints.name(RICH.steps)
    metadata, tensors = content(path, "a checkpoint")
    told = json.loads(metadata[checkpoint.KEY])
    del told["digest"], told["execution"]["screening"]
    told["digest"] = digest(told, tensors)
    path.write_bytes(safetensors.numpy.save(dict(tensors), metadata={checkpoint.KEY: json.dumps(told)}))
    assert checkpoint.read(path).facts.execution.screening == "off"
