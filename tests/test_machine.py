"""Where a result came about: what the system says of itself, and no one's folders."""

import subprocess
from pathlib import Path

import pytest

from jaxmlp import machine

ONE = "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu sse2 avx avx2 {}\n\n"
CPUINFO = ONE + "processor\t: 1\nmodel name\t: B\n"


@pytest.mark.parametrize(("flags", "told"), [("avx512f avx512bw", "AVX-512"), ("fma", "AVX2")])
def test_vector_instructions_are_the_widest_there_are(monkeypatch, flags, told):
    monkeypatch.setattr(Path, "read_text", lambda _: CPUINFO.format(flags))
    assert machine.processor().startswith("A Processor, ")
    assert machine.processor().endswith(f" cores, {told}")


def test_a_system_that_tells_nothing_is_named_by_its_architecture(monkeypatch):
    def refuse(_):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", refuse)
    assert machine.processor().endswith(" cores")


def test_command_names_no_ones_folders():
    words = ["--data-dir", "/home/someone/mnist", "--json=~/private/a.json", "--data=csv:/home/me/a.csv", "idx:~/b"]
    assert machine.command("parity", words) == "python -m parity --data-dir mnist --json=a.json --data=csv:a.csv idx:b"


def test_commit_is_that_of_git_and_none_elsewhere(tmp_path, monkeypatch):
    root = Path(machine.__file__).resolve().parent.parent
    head = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True)
    if not head.returncode:
        assert machine.commit().split(",")[0] == head.stdout[:12]
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "jaxmlp" / "machine.py"))
    assert machine.commit() is None
