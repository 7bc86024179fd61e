"""Lines of Python laid out as `ruff format` lays them out, for a width of 120."""

import re
from collections.abc import Mapping, Sequence

WIDTH = 120
INDENT = "    "
MODULES = {  # where a name comes from
    "jax": "import jax",
    "jnp": "import jax.numpy as jnp",
    "np": "import numpy as np",
    "optax": "import optax",
}
TF1 = ("activations", "clipping", "dropout", "kinks", "losses", "optimizers")


def assembled(docstring: Sequence[str], constants: Sequence[str], functions: Sequence[str]) -> str:
    """The whole file; constants in one line each."""
    told = [line for constant in constants for line in fitted(constant, "")]
    body = "\n\n\n".join(functions)
    used = set(re.findall(r"(?<![\w.\"])(\w+)\.(?=\w)", "\n".join([*told, body])))
    head = ['"""' + "\n".join(docstring), '"""', ""]
    head += ["from pathlib import Path", ""] if DATA_FILE in told else []
    head += [line for name, line in MODULES.items() if name in used]
    head += [f"from jaxmlp.tf1 import {', '.join(own)}"] if (own := [m for m in TF1 if m in used]) else []
    head += ["", *told] if told else []
    return "\n".join(head) + f"\n\n\n{body}\n"


DATA_FILE = 'DATA = dict(np.load(Path(__file__).with_suffix(".npz")))'


def function(name: str, parameters: Sequence[str], docstring: str, statements: Sequence[str]) -> str:
    """Its text."""
    lines = [*fitted(f"def {name}({', '.join(parameters)}):", ""), f'{INDENT}"""{docstring}"""']
    lines += [line for statement in statements for line in fitted(statement, INDENT)]
    return "\n".join(lines)


def dictionary(entries: Mapping[str, str]) -> str:
    """In one line."""
    return "{" + ", ".join(f'"{key}": {told}' for key, told in entries.items()) + "}"


def fitted(line: str, indent: str) -> list[str]:
    """One statement, or one part of it, in as many lines as it needs: broken at its last outermost brackets."""
    opened = _opening(line)
    if len(indent) + len(line) <= WIDTH or line.startswith("#") or opened is None:
        return [indent + line]
    closing = max(line.rfind(letter) for letter in ")]}")
    inside, tail = line[opened + 1 : closing], line[closing:]
    return [indent + line[: opened + 1], *_filling(inside, indent + INDENT), indent + tail]


def _filling(inside: str, indent: str) -> list[str]:
    if len(indent) + len(inside) <= WIDTH:
        return [indent + inside]
    loops = split(inside, " for ", keep="for ")
    parts = loops if len(loops) > 1 else [f"{part}," for part in split(inside, ", ")]
    return [line for part in parts for line in fitted(part, indent)]


def _opening(line: str) -> int | None:
    """Where the bracket opens that closes last, if nothing but a comma or colon stands behind it."""
    if not re.search(r"[)\]}][,:]?$", line):
        return None
    depth, quoted, found = 0, False, None
    for i, letter in enumerate(line):
        quoted ^= letter == '"'
        if not quoted and letter in "([{":
            found = i if depth == 0 else found
            depth += 1
        depth -= not quoted and letter in ")]}"
    return found


def split(text: str, between: str, keep: str = "") -> list[str]:
    """At a text outside all brackets and quotes; `keep`: what the parts behind it begin with."""
    parts, depth, quoted, start = [], 0, False, 0
    for i, letter in enumerate(text):
        quoted ^= letter == '"'
        depth += (not quoted) * ((letter in "([{") - (letter in ")]}"))
        if depth == 0 and not quoted and text.startswith(between, i):
            parts.append(text[start:i])
            start = i + len(between)
    return [part if i == 0 else keep + part for i, part in enumerate([*parts, text[start:]])]
