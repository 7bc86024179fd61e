"""`python -m parity`: proves the port; `python -m parity setup|family|adopt|…`: what goes with it."""

import dataclasses
import importlib
import inspect
import itertools
import sys
from collections.abc import Sequence

from jaxmlp import command_line
from jaxmlp.checks import meant
from jaxmlp.errors import ConfigError, JaxmlpError
from parity.commands import adopt_options, options
from parity.errors import CannotCompare

COMMANDS = {  # each a function in the module of its name in parity.commands, imported when asked for: --help is quick
    "": options.ProveOptions,
    "setup": options.SetupOptions,
    "family": options.FamilyOptions,
    "adopt": adopt_options.AdoptOptions,
    "prove": adopt_options.ProveStepOptions,
    "export": adopt_options.ExportOptions,
    "mutants": options.MutantsOptions,
    "published": options.PublishedOptions,
    "record": options.RecordOptions,
}
MODULES = {"": "prove", "prove": "prove_step"}  # where that is not the word


def main(argv: Sequence[str] | None = None) -> int:
    """0 proven, 1 compared and they differ, 2 cannot compare; see `command_line` for the rest."""
    return command_line.run(_chosen, list(sys.argv[1:] if argv is None else argv), (JaxmlpError, CannotCompare))


def _chosen(argv: Sequence[str] | None) -> int:
    words = list(argv or ())
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        raise ConfigError(f"unknown word {words[0]!r}; {meant(words[0], COMMANDS.keys() - {''})}")
    word = words.pop(0) if words and words[0] in COMMANDS.keys() - {""} else ""
    words, own = _split(words) if word == "adopt" else (words, None)
    words = _numbered(words) if word == "adopt" else words
    description = inspect.getdoc(COMMANDS[word]) or ""
    parsed = command_line.parse(COMMANDS[word], words, f"python -m parity {word}".strip(), description)
    parsed = dataclasses.replace(parsed, arguments=tuple(own)) if own is not None else parsed
    name = MODULES.get(word, word)
    return getattr(importlib.import_module(f"parity.commands.{name}"), name)(parsed)


def _numbered(words: Sequence[str]) -> list[str]:
    """With the number that --train may go without."""
    told = (
        [word, str(adopt_options.TRAIN)] if word == "--train" and not after.isdigit() else [word]
        for word, after in itertools.pairwise([*words, ""])
    )
    return [word for one in told for word in one]


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before -- and what behind."""
    end = list(words).index("--") if "--" in words else len(words)
    return list(words[:end]), list(words[end + 1 :])


if __name__ == "__main__":
    sys.exit(main())
