"""`python -m jaxmlp`: which commands there are."""

import argparse
import difflib
import sys
from collections.abc import Sequence

from jaxmlp import command_line, runs
from jaxmlp.errors import ConfigError

MODULES = {
    "jaxmlp.train": "train the original program, or another of its family, in JAX",
    "jaxmlp.sweep": "run the original's eight configurations",
    "jaxmlp runs": "list the runs there are, compare two, remove leftovers",
    "parity": "prove that the port is the same program as TensorFlow's",
    "bench": "time it against other programs (from a clone)",
}
COMMANDS = "\n".join(
    ["commands, each with --help:", *(f"  python -m {module:14}{does}" for module, does in MODULES.items())]
)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the list, or does what its first word says; 2 for anything that is not --help or --version."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] == "runs":
        return runs.main(words[1:])
    return command_line.run(_list, argv)


def _list(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m jaxmlp",
        description="The original TensorFlow 1.x MNIST program, in JAX.",
        epilog=COMMANDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=command_line.version_line())
    unknown = parser.parse_known_args(argv)[1]
    if unknown:
        words = {module.removeprefix("jaxmlp").strip(" ."): f"python -m {module}" for module in MODULES}
        close = [words[word] for word in difflib.get_close_matches(unknown[0], words, n=1)]
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(words.values())}"
        raise ConfigError(f"unknown word {unknown[0]!r}; {hint}")
    print(COMMANDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
