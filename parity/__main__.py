"""`python -m parity`: proves the port; `python -m parity setup|mutants|published|record`: what goes with it."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxmlp import command_line
from jaxmlp.errors import JaxmlpError
from parity.commands import options
from parity.errors import ParityError


class Command(NamedTuple):
    """A word on the command line."""

    options: type[Any]
    module: str  # of parity.commands, with a function of the same name; imported when asked for, so --help is quick
    description: str


PROVE = Command(
    options.ProveOptions,
    "prove",
    """Hold the JAX port against the TensorFlow 1.x program, tensor by tensor and step by step.
Exit code 0: proven; 1: compared, and they differ; 2: cannot compare.
Other commands: python -m parity setup | mutants | published | record, each with --help.""",
)
COMMANDS = {
    "setup": Command(
        options.SetupOptions,
        "setup",
        "Install genuine TensorFlow 1.15.5 into an environment of its own, with Python 3.7.",
    ),
    "mutants": Command(
        options.MutantsOptions,
        "mutants",
        "Plant bugs in the port one by one; each must be killed where expected, and nothing benign may be.",
    ),
    "published": Command(
        options.PublishedOptions,
        "published",
        "Run many seeds and say at which percentile the write-up's published loss and accuracies lie.",
    ),
    "record": Command(
        options.RecordOptions,
        "record",
        "Record genuine TensorFlow 1.15.5 running the original program, one thread, a file a seed. Resumable.",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """0 proven, 1 compared and they differ, 2 cannot compare; see `command_line` for the rest."""
    return command_line.run(_chosen, list(sys.argv[1:] if argv is None else argv), (JaxmlpError, ParityError))


def _chosen(argv: Sequence[str] | None) -> int:
    words = list(argv or ())
    command, word = (COMMANDS[words[0]], words.pop(0)) if words and words[0] in COMMANDS else (PROVE, "")
    parsed = command_line.parse(command.options, words, f"python -m parity {word}".strip(), command.description)
    return getattr(importlib.import_module(f"parity.commands.{command.module}"), command.module)(parsed)


if __name__ == "__main__":
    sys.exit(main())
