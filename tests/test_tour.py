"""`docs/tour.py` runs from its first cell to its last, as a notebook, in a kernel of this interpreter."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

TOUR = Path(__file__).parent.parent / "docs" / "tour.py"
NEEDED = ("jupytext", "nbclient", "ipykernel", "matplotlib")

missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}: pip install -e '.[dev]'")


@pytest.fixture
def kernel(tmp_path, monkeypatch) -> str:
    """The name of a kernel that is this interpreter, whatever kernels the machine has; the tour draws its digits."""
    folder = tmp_path / "kernels" / "tour"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "tour", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(TOUR.parent.parent))
    monkeypatch.delenv("JAXMLP_DATA_DIR", raising=False)
    return "tour"


def test_the_tour_runs_to_its_end(kernel, tmp_path):
    import jupytext
    import nbclient

    notebook = jupytext.read(TOUR)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name=kernel, resources={"metadata": {"path": tmp_path}}
    )
    client.execute()  # raises where a cell does, with its traceback
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    pictures = [out for cell in code for out in cell.outputs if "image/png" in out.get("data", {})]
    assert len(pictures) == 2
    told = "".join(out.text for cell in code for out in cell.outputs if out.output_type == "stream")
    assert "600 generated digits" in told
    proven = "PROVEN" in told and "b1 after the ReLU: killed at T1b logits" in told
    assert proven or "no TensorFlow to ask" in told
