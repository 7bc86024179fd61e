"""`python -m parity`: proves the port; `python -m parity setup|family|mutants|published|record`: what goes with it."""

import importlib
import inspect
import sys
from collections.abc import Sequence

from jaxmlp import command_line
from jaxmlp.checks import meant
from jaxmlp.errors import ConfigError, JaxmlpError
from parity.commands import options
from parity.errors import CannotCompare

PROVE = "prove"  # what no word stands for
COMMANDS = {  # each a function in the module of its name in parity.commands, imported when asked for: --help is quick
    PROVE: options.ProveOptions,
    "setup": options.SetupOptions,
    "family": options.FamilyOptions,
    "mutants": options.MutantsOptions,
    "published": options.PublishedOptions,
    "record": options.RecordOptions,
}


def main(argv: Sequence[str] | None = None) -> int:
    """0 proven, 1 compared and they differ, 2 cannot compare; see `command_line` for the rest."""
    return command_line.run(_chosen, list(sys.argv[1:] if argv is None else argv), (JaxmlpError, CannotCompare))


def _chosen(argv: Sequence[str] | None) -> int:
    words = list(argv or ())
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        raise ConfigError(f"unknown word {words[0]!r}; {meant(words[0], COMMANDS.keys() - {PROVE})}")
    word = words.pop(0) if words and words[0] in COMMANDS.keys() - {PROVE} else ""
    name = word or PROVE
    description = inspect.getdoc(COMMANDS[name]) or ""
    parsed = command_line.parse(COMMANDS[name], words, f"python -m parity {word}".strip(), description)
    return getattr(importlib.import_module(f"parity.commands.{name}"), name)(parsed)


if __name__ == "__main__":
    sys.exit(main())
