"""A TensorFlow that does not answer is one clear line; nothing of this process leaks into it."""

import os
import stat
from pathlib import Path

import pytest
from textbook import case, program

from parity.errors import CannotCompare, OracleFailed
from parity.oracle import environment
from parity.oracle.ask import Question, Tf115
from parity.oracle.select import choose, live

ASK = [Question({"ask": "init"})]


@pytest.fixture
def stand_in(tmp_path):
    """Makes a program that is run in place of TensorFlow 1.15's Python."""

    def made(script: str) -> Path:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return made


def asked(python: Path, rng, time_limit: float = 60):
    return Tf115(python, time_limit=time_limit).ask(case(rng, program()), ASK)


def test_a_crash_shows_the_end_of_what_it_said(stand_in, rng):
    with pytest.raises(OracleFailed, match=r"failed with exit code 3[\s\S]*no such op"):
        asked(stand_in("echo no such op >&2; exit 3"), rng)


def test_a_killed_tensorflow_is_named_as_such(stand_in, rng):
    with pytest.raises(OracleFailed, match="was killed, most likely for want of memory"):
        asked(stand_in("kill -9 $$"), rng)


def test_a_hung_tensorflow_is_given_up(stand_in, rng):
    with pytest.raises(OracleFailed, match=r"no answer within 0\.5 s"):
        asked(stand_in("exec sleep 60"), rng, time_limit=0.5)


def test_an_answer_that_never_came_is_no_answer(stand_in, rng):
    with pytest.raises(OracleFailed, match="left no answer"):
        asked(stand_in("exit 0"), rng)


def test_a_missing_interpreter_names_the_command_that_mends_it(rng, tmp_path):
    with pytest.raises(OracleFailed, match="python -m parity setup"):
        asked(tmp_path / "nowhere", rng)


def test_settings_of_this_process_do_not_reach_the_reference(stand_in, rng, monkeypatch, tmp_path):
    monkeypatch.setenv("TF2_BEHAVIOR", "1")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    with pytest.raises(OracleFailed):
        asked(stand_in(f"env > {tmp_path}/seen; exit 1"), rng)
    seen = (tmp_path / "seen").read_text()
    assert "TF2_BEHAVIOR" not in seen
    assert "PYTHONPATH" not in seen


def test_no_tensorflow_1_15_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PARITY_TF115", str(tmp_path))
    with pytest.raises(CannotCompare, match="python -m parity setup"):
        choose("tf115", 0, 60)


def test_no_tensorflow_2_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("parity.oracle.select.has_tensorflow", lambda: False)
    with pytest.raises(CannotCompare, match="pip install"):
        choose("compat", 0, 60)


def test_a_question_that_nobody_recorded_needs_a_live_tensorflow(monkeypatch, tmp_path):
    monkeypatch.setenv("PARITY_TF115", str(tmp_path))
    monkeypatch.setattr("parity.oracle.select.has_tensorflow", lambda: False)
    with pytest.raises(
        CannotCompare, match="asks TensorFlow what nobody recorded: run `python -m parity setup`, or pip"
    ):
        live("auto", 0, 60)
    with pytest.raises(CannotCompare, match="nobody recorded"):
        live("recording", 0, 60)


def test_auto_takes_genuine_before_compat_before_a_recording(monkeypatch, tmp_path):
    monkeypatch.setenv("PARITY_TF115", str(tmp_path))
    monkeypatch.setattr("parity.oracle.select.has_tensorflow", lambda: False)
    assert choose("auto", 0, 60) is None
    monkeypatch.setattr("parity.oracle.select.has_tensorflow", lambda: True)
    assert choose("auto", 0, 60).name == "compat"
    interpreter = environment.interpreter(tmp_path)
    interpreter.parent.mkdir(parents=True)
    interpreter.touch()
    assert choose("auto", 0, 60).name == "tf115"


def test_another_python_is_refused_for_the_set_up(tmp_path, stand_in):
    with pytest.raises(CannotCompare, match=r"is not a Python 3\.7"):
        environment.set_up(stand_in("echo False"), tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_python_3_7_is_found_in_pyenvs_versions(tmp_path, monkeypatch, stand_in):
    there = tmp_path / "versions" / "3.7.16" / "bin"
    there.mkdir(parents=True)
    stand_in('case "$1$2" in -c*) echo True;; *) echo "made by $0" >&2; exit 1;; esac').rename(there / "python3.7")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.delenv("PARITY_PYTHON37", raising=False)
    with pytest.raises(CannotCompare, match=r"made by .*versions/3\.7\.16/bin/python3\.7"):
        environment.set_up(None, tmp_path / "made")


def test_the_environments_folder_can_be_named(monkeypatch):
    monkeypatch.setenv("PARITY_TF115", os.path.join("~", "elsewhere"))
    assert environment.folder() == Path.home() / "elsewhere"
