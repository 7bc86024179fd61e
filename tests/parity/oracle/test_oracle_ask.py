"""A TensorFlow that does not answer is one clear line; nothing of this process leaks into it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from textbook import case, program

from parity.errors import CannotCompare, OracleFailed
from parity.oracle import environment
from parity.oracle.ask import Question, Tf115
from parity.oracle.select import choose, live

FAKE = "__version__ = '1.15.5'\nclass Variable: pass\nTensor = Variable\n"  # a tensorflow that is another
ASK = [Question({"ask": "init"})]


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


def test_data_that_cases_share_is_handed_over_once(stand_in, rng, tmp_path):
    first, other = case(rng, program()), case(rng, program())
    script = f'ls "$4" > {tmp_path}/seen; exit 1'
    with pytest.raises(OracleFailed):
        list(Tf115(stand_in(script), time_limit=60).ask_all([(first, ASK), (other, ASK), (first, ASK)]))
    assert (tmp_path / "seen").read_text().split() == [f"data-{i}.npz" for i in (0, 1)] + [
        f"request-{i}.npz" for i in (0, 1, 2)
    ]


def test_a_tensorflow_that_nobody_waits_for_any_more_is_ended(stand_in, rng, tmp_path):
    save = "n.savez('part.npz', header=n.frombuffer(json.dumps(told).encode(), n.uint8))"
    made = "import json, os, sys, time, numpy as n; told = {'provenance': {'tensorflow': '1.15.5'}, 'error': 'none'}"
    there = f"os.chdir(sys.argv[1]); {save}; os.replace('part.npz', 'answer-0.npz'); time.sleep(60)"
    script = f'echo $$ > {tmp_path}/pid; exec {sys.executable} -c "{made}; {there}" "$4"'
    answers = Tf115(stand_in(script), time_limit=60).ask_all([(case(rng, program()), ASK)] * 2)
    assert next(answers).provenance["tensorflow"] == "1.15.5"
    answers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


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


def test_auto_takes_genuine_live_before_recorded_before_compat(monkeypatch, compat, telling):
    monkeypatch.setattr("parity.oracle.select.has_tensorflow", lambda: False)
    assert choose("auto", 0, 60, recorded=True) is None
    with pytest.raises(CannotCompare, match=r"JAXMLP_DATA_DIR.*parity setup.*pip install.*--data generated:600"):
        choose("auto", 0, 60, recorded=False)
    monkeypatch.setattr("parity.oracle.select.has_tensorflow", lambda: True)
    assert choose("auto", 0, 60).name == "compat"
    assert choose("auto", 0, 60, recorded=True) is None
    telling("1.15.5")
    assert choose("auto", 0, 60, recorded=True).name == "tf115"


@pytest.fixture
def telling(monkeypatch, tmp_path, stand_in):
    """Makes the environment that $PARITY_TF115 names answer with a version; or with none, where TensorFlow breaks."""
    monkeypatch.setenv("PARITY_TF115", str(tmp_path / "named"))

    def made(version: str | None) -> None:
        python = environment.interpreter(tmp_path / "named")
        python.parent.mkdir(parents=True, exist_ok=True)
        stand_in("exit 1" if version is None else f"echo a warning; echo {version}").replace(python)

    return made


@pytest.mark.parametrize("version", ["2.21.0", "1.14.0", "1.150.0", "2.1.15", "11.15.0"])
def test_another_tensorflow_never_answers_as_1_15(telling, version):
    telling(version)
    for ask in (lambda: choose("tf115", 0, 60), lambda: live("auto", 0, 60), environment.require):
        with pytest.raises(CannotCompare, match=rf"\$PARITY_TF115 holds TensorFlow {re.escape(version)}, not 1\.15"):
            ask()


def test_an_environment_without_tensorflow_is_refused(telling):
    telling(None)
    with pytest.raises(CannotCompare, match=r"\$PARITY_TF115 holds no TensorFlow that starts: .*parity setup"):
        choose("tf115", 0, 60)


def test_the_python_of_these_tests_does_not_pass_for_1_15(monkeypatch, compat):
    monkeypatch.setenv("PARITY_TF115", sys.prefix)
    with pytest.raises(CannotCompare, match=r"\$PARITY_TF115 holds TensorFlow 2\.[\d.]+, not 1\.15"):
        environment.require()


def test_an_answer_of_another_tensorflow_is_refused_whatever_it_said_before(stand_in, rng):
    made = "import json, os, sys, numpy as n; told = {'provenance': {'tensorflow': '2.21.0'}, 'error': 'none'}"
    save = "n.savez('part.npz', header=n.frombuffer(json.dumps(told).encode(), n.uint8))"
    there = "os.chdir(sys.argv[1]); " + save + "; os.replace('part.npz', 'answer-0.npz')"
    answering = stand_in(f'exec {sys.executable} -c "{made}; {there}" "$4"')  # -c SERVE package folder
    with pytest.raises(CannotCompare, match=r"holds TensorFlow 2\.21\.0, not 1\.15"):
        asked(answering, rng)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"tensorflow.py": "raise ImportError('blocked')"}, "cannot be imported \\(blocked\\)"),
        ({"tensorflow.py": ""}, "cannot be imported"),
        ({"tensorflow/__init__.py": "raise RuntimeError('no AVX')"}, "cannot be imported \\(no AVX\\)"),
        ({"tensorflow/__init__.py": "", "tensorflow/compat/v1.py": ""}, "holds no TensorFlow that starts"),
        ({"tensorflow/__init__.py": "", "tensorflow/compat/v1.py": FAKE}, "holds TensorFlow 1\\.15\\.5, not 2"),
        (
            {"tensorflow/__init__.py": "", "tensorflow/compat/v1.py": "class Variable: pass\nTensor = Variable"},
            "no Tens",
        ),
    ],
)
def test_what_is_not_tensorflow_2_never_answers_as_compat(tmp_path, files, said):
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    code = "from parity.oracle.select import choose; choose('compat', 0, 60)"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert re.search(f"parity.errors.CannotCompare: .*{said}", done.stderr), done.stderr
    assert "pip install" in done.stderr


def test_a_set_up_of_another_version_is_no_set_up(tmp_path, monkeypatch, stand_in):
    monkeypatch.setattr(environment, "_python37", lambda named: stand_in("exit 0"))
    monkeypatch.setattr(environment, "_run", lambda command, complaint: "a warning\n1.14.0\n")
    told: list[int] = []
    with pytest.raises(CannotCompare, match=r"made holds TensorFlow 1\.14\.0, not 1\.15"):
        environment.set_up(None, tmp_path / "made", lambda: told.append(1))
    assert len(told) == len(environment.PIECES) - 1  # told of each piece as it was done


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


def test_a_home_that_does_not_exist_is_a_folder_without_tensorflow_and_no_crash(monkeypatch):
    monkeypatch.setenv("PARITY_TF115", "~nosuchuser/tf115")
    with pytest.raises(CannotCompare, match=r"there is no TensorFlow 1\.15 at ~nosuchuser/tf115"):
        environment.require()
    monkeypatch.setenv("PARITY_PYTHON37", "~nosuchuser/python3.7")
    with pytest.raises(CannotCompare, match=r"is not a Python 3\.7"):
        environment.set_up(None, Path("unused"))
