"""`python -m parity setup`: makes the environment with genuine TensorFlow 1.15.5."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from jaxmlp import command_line
from parity import environment

DESCRIPTION = "Install genuine TensorFlow 1.15.5 into an environment of its own, with Python 3.7."


@dataclasses.dataclass(frozen=True)
class SetupOptions:
    """Options of the set-up."""

    python: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """a Python 3.7; also $PARITY_PYTHON37; else pyenv's or uv's"""
    into: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder for the environment; also $PARITY_TF115, which must then be set for every later command; else the cache"""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""


def set_up(argv: Sequence[str] | None) -> int:
    """Returns 0; raises JaxmlpError."""
    options = command_line.parse(SetupOptions, argv, "python -m parity setup", DESCRIPTION)
    where = options.into or environment.folder()
    print(f"Installing {' and '.join(environment.PACKAGES)} into {where} …", flush=True)
    print(f"TensorFlow {environment.set_up(options.python, where)} is ready.")
    if where != environment.folder():
        print(f"Tell the other commands: export PARITY_TF115={where}")
    return 0
