"""The code cells of a notebook as Python: magics and shell lines dropped and listed, line numbers kept."""

from __future__ import annotations

import io
import json
import re
import tokenize
from typing import Any, Callable

MAGIC = re.compile(r"^(\s*)([%!]{1,2}[A-Za-z./][\w./]*|\?|!).*$|^(\s*)[\w.]+\?{1,2}\s*$")
ASSIGNED = re.compile(r"^(\s*\w+\s*=\s*)([%!]\w.*)$")
WHOLE_CELL = (
    "%%bash",
    "%%sh",
    "%%html",
    "%%javascript",
    "%%js",
    "%%writefile",
    "%%latex",
    "%%markdown",
    "%%file",
    "%%svg",
)

Tell = Callable[[str], None]


def cells(text: str, tell: Tell) -> list[tuple[int, str]]:
    """The number of each code cell, from 1, and its code. Raises ValueError where it is no notebook of Python's."""
    notebook = json.loads(text)
    language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    found = notebook.get("cells") or [cell for sheet in notebook.get("worksheets", []) for cell in sheet["cells"]]
    if not found or language.lower() != "python":
        raise ValueError("not a notebook of Python cells" if not found else "a notebook of " + language)
    code = [cell for cell in found if cell.get("cell_type") == "code"]
    return [(number, plain(_source(cell), tell)) for number, cell in enumerate(code, 1)]


def _source(cell: Any) -> str:
    source = cell.get("source", cell.get("input", ""))
    return source if isinstance(source, str) else "".join(source)


def plain(source: str, tell: Tell) -> str:
    """The code of a cell without what only IPython understands."""
    first = source.lstrip().split("\n", 1)[0]
    if first.split(" ")[0] in WHOLE_CELL:
        tell("cell dropped: " + first)
        return ""
    kept: list[str] = []
    for line in source.split("\n"):
        kept.append(line if _open("\n".join(kept)) else _python(line, tell))
    return "\n".join(kept)


def _python(line: str, tell: Tell) -> str:
    assigned, magic = ASSIGNED.match(line), MAGIC.match(line)
    if assigned:
        tell("magic dropped: " + line.strip())
        return assigned.group(1) + "None"
    if magic:
        tell("magic dropped: " + line.strip())
        indent = magic.group(1) or magic.group(3) or ""
        return indent + "pass" if indent else ""
    return line


def _open(source: str) -> bool:
    """Whether a bracket or a string is still open at the end, so that the next line goes on with an expression."""
    if source.rstrip(" ").endswith("\\"):
        return True
    try:
        list(tokenize.generate_tokens(io.StringIO(source + "\n").readline))
    except tokenize.TokenError:
        return True
    except IndentationError:
        return False
    return False
