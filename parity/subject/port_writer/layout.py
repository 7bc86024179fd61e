"""Lines of Python laid out as `ruff format` lays them out, for a width of 120."""

from collections.abc import Mapping, Sequence

WIDTH = 120
INDENT = "    "
MODULES = {  # where a name comes from
    "jax.": "import jax",
    "jnp.": "import jax.numpy as jnp",
    "np.": "import numpy as np",
    "optax.": "import optax",
}
TF1 = ("activations", "clipping", "dropout", "kinks", "losses", "optimizers")


def assembled(docstring: Sequence[str], constants: Sequence[str], functions: Sequence[str]) -> str:
    """The whole file."""
    body = "\n\n\n".join(functions)
    code = "\n".join(constants) + "\n" + body
    own = [module for module in TF1 if f"{module}." in code.replace(f"_{module}.", "")]
    lines = [line for name, line in MODULES.items() if _uses(code, name)]
    head = '"""' + "\n".join(docstring) + '\n"""\n\n'
    if "Path(" in code:
        head += "from pathlib import Path\n\n"
    head += "\n".join(lines) + "\n"
    if own:
        head += f"\nfrom jaxmlp.tf1 import {', '.join(own)}\n"
    if constants:
        head += "\n" + "\n".join(constants) + "\n"
    return f"{head}\n\n{body}\n"


def _uses(code: str, name: str) -> bool:
    place = code.find(name)
    while place > 0 and (code[place - 1].isalnum() or code[place - 1] in "_."):
        place = code.find(name, place + 1)
    return place >= 0


def function(name: str, parameters: Sequence[str], docstring: str, statements: Sequence[str]) -> str:
    """Its text."""
    lines = [f"def {name}({', '.join(parameters)}):", f'{INDENT}"""{docstring}"""']
    for statement in statements:
        lines += [f"{INDENT}{line}" for line in statement.split("\n")]
    return "\n".join(lines)


def dictionary(head: str, entries: Mapping[str, str], brackets: str = "{}") -> str:
    """`head` and a dict or call of entries: in one line where there is room, else a line each."""
    pairs = [f"{key}={told}" if brackets == "()" else f'"{key}": {told}' for key, told in entries.items()]
    line = f"{head}{brackets[0]}{', '.join(pairs)}{brackets[1]}"
    if len(line) + len(INDENT) <= WIDTH:
        return line
    return "\n".join([f"{head}{brackets[0]}", *(_entry(pair) for pair in pairs), brackets[1]])


def _entry(pair: str) -> str:
    """A dict within is broken too where it is too long."""
    key, _, told = pair.partition(": ")
    if len(pair) + 2 * len(INDENT) + 1 <= WIDTH or not told.startswith("{"):
        return f"{INDENT}{pair},"
    return "\n".join([f"{INDENT}{key}: {{", *(f"{2 * INDENT}{one}," for one in split(told[1:-1])), f"{INDENT}}},"])


def split(text: str) -> list[str]:
    """At its outermost commas."""
    parts, depth, quoted, start = [], 0, False, 0
    for i, letter in enumerate(text):
        quoted ^= letter == '"'
        depth += (not quoted) * ((letter in "([{") - (letter in ")]}"))
        if letter == "," and depth == 0 and not quoted:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]
