"""The rule of the house: the port knows nothing of TensorFlow, of the proof or of the stopwatch."""

import ast
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _imports(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {n.split(".")[0] for n in names | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


@pytest.mark.parametrize("file", sorted((ROOT / "jaxmlp").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_port_imports_no_tensorflow_parity_or_bench(file):
    assert not _imports(file) & {"tensorflow", "parity", "bench"}


def test_tensorflow_is_imported_by_the_original_program_and_the_benchmarks_peers_only():
    files = [file for package in ("jaxmlp", "parity", "bench") for file in (ROOT / package).rglob("*.py")]
    importing = {str(file.relative_to(ROOT)) for file in files if "tensorflow" in _imports(file)}
    assert {name for name in importing if not name.startswith("bench/peers/tf")} == {"parity/tf1_program.py"}


@pytest.mark.parametrize("command", ["jaxmlp.train", "jaxmlp.sweep"])
def test_help_answers_within_a_second_and_without_jax(command):
    code = f"import sys; sys.argv = ['x', '--help']\nimport {command} as c\ntry: c.main()\nexcept SystemExit: pass\n"
    probe = "assert 'jax' not in sys.modules, 'jax was imported'"
    before = _seconds_of_children()
    done = subprocess.run([sys.executable, "-c", code + probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--data" in done.stdout
    assert _seconds_of_children() - before < 1


def _seconds_of_children() -> float:
    """Processor time, which a busy machine does not stretch as it does wall time."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
