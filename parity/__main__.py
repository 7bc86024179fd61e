"""`python -m parity`: proves the port; `python -m parity setup|mutants|published|record`: what goes with it."""

import importlib
import sys
from collections.abc import Sequence

from jaxmlp import command_line

COMMANDS = {  # word on the command line -> module and function; imported when asked for, so that --help is quick
    "setup": ("parity.install", "set_up"),
    "mutants": ("parity.plant", "plant"),
    "published": ("parity.published", "published"),
    "record": ("parity.record", "record"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """0 proven, 1 compared and they differ, 2 cannot compare; see `command_line` for the rest."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    module, function = ("parity.prove", "prove")
    if arguments and arguments[0] in COMMANDS:
        module, function = COMMANDS[arguments.pop(0)]
    return command_line.run(getattr(importlib.import_module(module), function), arguments)


if __name__ == "__main__":
    sys.exit(main())
