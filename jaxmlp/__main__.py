"""`python -m jaxmlp`: which commands there are."""

import argparse
import sys
from collections.abc import Sequence

from jaxmlp.command_line import version_line

COMMANDS = """commands, each with --help:
  python -m jaxmlp.train   train the original program, in JAX
  python -m jaxmlp.sweep   run the original's eight configurations
  python -m parity         prove that the port is the same program as TensorFlow's
  python -m bench          time it against other programs (from a clone)"""


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the list; 2 for anything that is not --help or --version."""
    parser = argparse.ArgumentParser(
        prog="python -m jaxmlp",
        description="The original TensorFlow 1.x MNIST program, in JAX.",
        epilog=COMMANDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_line())
    parser.parse_args(argv)
    print(COMMANDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
