"""Programs that come along, a TOML file each: kinds of TensorFlow 1.x programs that people wrote."""

from pathlib import Path

from jaxmlp import program_file
from jaxmlp.checks import meant
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program

_FOLDER = Path(__file__).parent
NAMES = tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


def load(name: str) -> Program:
    """The program of that name. Raises ConfigError for a name that is none."""
    return program_file.read(_file(name))


def summary(name: str) -> str:
    """What it is, in a line: its file's first."""
    return _file(name).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _file(name: str) -> Path:
    if name not in NAMES:
        raise ConfigError(f"unknown preset {name!r}; {meant(name, NAMES)}")
    return _FOLDER / f"{name}.toml"
