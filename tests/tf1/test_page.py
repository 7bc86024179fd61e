"""docs/tf1.md: each of its examples runs as it stands, by itself."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tf1.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^## \d\. (.+?)\n.*?```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)


def test_there_are_five():
    assert len(EXAMPLES) == PAGE.count("```python") == 5


@pytest.mark.parametrize(("title", "code"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_an_example_runs_as_it_stands(title, code, capsys):
    exec(compile(code, title, "exec"), {})
    assert capsys.readouterr().out
