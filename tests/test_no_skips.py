"""`--no-skips`: every way to skip a test fails by name, but for the reasons that are allowed and what is no skip."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.fixture
def absent():
    pytest.skip("needs a moon")

def test_fixture(absent): pass

@pytest.mark.skipif(True, reason="needs a sun")
def test_mark(): pass

def test_body(): pytest.skip("needs a star")

def test_allowed(): pytest.skip("needs a comet, which is rare")

@pytest.mark.xfail(reason="needs luck")
def test_expected(): assert False

def test_passes(): pass
"""
MODULE = "import pytest\npytest.importorskip('no_such_library', reason='needs a library')\n"
SETTINGS = "[pytest]\nallowed_skips =\n    needs a comet\n"


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of pytest in a folder of its own, which knows the plugin and nothing else of these tests."""
    (folder / "pytest.ini").write_text(SETTINGS)
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no_skips", "-p", "no:cacheprovider", *arguments]
    own = {"PYTHONPATH": str(Path(__file__).parent), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_every_skip_that_is_not_allowed_fails_with_its_name_and_reason(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    code, output = run(tmp_path, "--no-skips")
    assert code == 1
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors" in output
    for kind, name, reason in (("ERROR", "fixture", "moon"), ("ERROR", "mark", "sun"), ("FAILED", "body", "star")):
        assert f"{kind} test_it.py::test_{name} - not tried: Skipped: needs a {reason}" in output


def test_a_file_that_skips_itself_fails_with_its_name(tmp_path):
    (tmp_path / "test_all.py").write_text(MODULE)
    code, output = run(tmp_path, "--no-skips")
    assert code == 2
    assert "ERROR test_all.py - not tried: Skipped: needs a library" in output


@pytest.mark.parametrize("content", [TESTS, MODULE + "def test_it(): pass"])
def test_without_the_option_a_skip_is_a_skip(tmp_path, content):
    (tmp_path / "test_it.py").write_text(content)
    code, output = run(tmp_path)
    assert code in (0, pytest.ExitCode.NO_TESTS_COLLECTED)
    assert "skipped" in output
    assert "not tried" not in output
