"""What every command does around its work: options from a dataclass and a file, errors as one line, exit codes.

0 done · 1 a target was missed · 2 a mistake that can be mended · 3 the loss is not finite · 4 results could not be
written · 70 a bug · 130 interrupted · 143 terminated · 141 nobody reads stdout any more
"""

import argparse
import contextlib
import dataclasses
import io
import itertools
import operator
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Optional, TypeVar

import tyro
from tyro.conf import FlagCreatePairsOff, HelptextFromCommentsOff, OmitArgPrefixes

from jaxmlp import __version__, config_file, environment, signals, streams
from jaxmlp.checks import meant, nearest
from jaxmlp.errors import ConfigError, JaxmlpError, OutputError
from jaxmlp.failures import Mistakes, failure

Options = TypeVar("Options")
Command = Callable[[Sequence[str] | None], int]

NARROWEST = 40  # columns of --help: with less room for words tyro does not end
_PYTHONS_WORDS = (
    (r"invalid literal for int\(\) with base 10: ('.*')", r"\1 is no whole number"),
    (r"could not convert string to float: ('.*')", r"\1 is no number"),
)
READER_GONE = 141  # 128 + SIGPIPE, which is what ends other programs then


@dataclasses.dataclass(frozen=True)
class _Common:
    """Of every command."""  # looked for by `_told_first`, before the rest is parsed: these fields are for --help

    config: Annotated[Optional[Path], tyro.conf.arg(metavar="FILE")] = None
    """any of these options by name, as TOML, or an earlier run's config.json; the command line wins over it"""
    version: bool = False
    """print the version and exit"""


def parse(options: type[Options], argv: Sequence[str] | None, prog: str, description: str) -> Options:
    """The dataclass `options` from the command line; `--config FILE` supplies other defaults, see `config_file`.

    A field that is a dataclass itself counts by its fields. `~` in a path is the user's home. `--version` and `--help`
    print and exit with 0. Raises ConfigError for what is no option, an impossible value, or a file it cannot take.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    _require_known(argv, config_file.names(options) | config_file.names(_Common))
    file = _told_first(argv, prog)
    defaults = options() if file is None else config_file.read(options, file, told(argv))
    own = Annotated[options, tyro.conf.arg(name="")]  # without a name, which would stand in the headings of --help
    parts = [("own", own, dataclasses.field(default=defaults)), ("common", _Common, _Common(file))]
    command = dataclasses.make_dataclass("Command", parts)
    flat = (FlagCreatePairsOff, OmitArgPrefixes, HelptextFromCommentsOff)
    with _complaint_as_error(prog):
        parsed = tyro.cli(command, args=argv, prog=prog, description=description, config=flat)
    return environment.at_home(parsed.own)


def version_line() -> str:
    """For example `jaxmlp 0.1.0 (jax 0.10.2, numpy 2.4.1)`, without importing them."""
    from importlib.metadata import version  # with it come email and zipfile

    return f"jaxmlp {__version__} ({', '.join(f'{name} {version(name)}' for name in ('jax', 'numpy'))})"


def run(command: Command, argv: Sequence[str] | None, mistakes: Mistakes = (JaxmlpError,)) -> int:
    """The exit code of `command(argv)`; whatever else ends it becomes one line on stderr, see `failures`.

    SystemExit, by which --help and --version end, passes.
    """
    with streams.guarded() as out, signals.handled(signals.end), _warnings_as_lines():
        for line in environment.unknown_variables():
            print(f"warning: {line}", file=sys.stderr)
        left: SystemExit | None = None
        try:
            code = _outcome(command, argv, mistakes, out)
        except SystemExit as asked:
            left, code = asked, 0
        if (broken := _after_flushing(out)) is not None and code in (0, 1, 130, 143):
            return broken
    if left:
        raise left
    return code


def _outcome(command: Command, argv: Sequence[str] | None, mistakes: Mistakes, out: streams.Stream) -> int:
    try:
        return command(argv)
    except KeyboardInterrupt as end:
        terminated = isinstance(end, signals.Terminated)
        print("terminated" if terminated else "interrupted", file=sys.stderr)
        return end.exit_code if terminated else 130
    except Exception as error:
        if out.reader_gone and isinstance(error, BrokenPipeError):  # as in `… | head`
            return READER_GONE
        failed = failure(error, mistakes)
        print(f"error: {failed.line}", file=sys.stderr)
        return failed.exit_code


def _after_flushing(out: streams.Stream) -> int | None:
    """The exit code where not all that was said could be written."""
    with contextlib.suppress(BrokenPipeError):
        out.flush()
    if out.reader_gone:
        return READER_GONE
    if out.failure is None:
        return None
    cause = out.failure.strerror or out.failure
    print(f"error: stdout cannot be written: {cause}; files that were asked for are whole", file=sys.stderr)
    return OutputError.exit_code


def _told_first(argv: Sequence[str], prog: str) -> Path | None:
    """The file of `--config`; `--version` prints and exits here, whatever else is asked for."""
    finder = argparse.ArgumentParser(prog=prog, add_help=False, allow_abbrev=False)
    finder.add_argument("--config", nargs="?")
    finder.add_argument("--version", action="version", version=version_line() if "--version" in argv else "")
    file = finder.parse_known_args(argv)[0].config
    return None if file is None else environment.home("config", Path(file))


def told(argv: Sequence[str]) -> set[str]:
    """The names of the options on the command line, as a file has them."""
    return {word.partition("=")[0].removeprefix("--").replace("-", "_") for word in argv if word.startswith("--")}


def _require_known(argv: Sequence[str], names: set[str]) -> None:
    """Raises ConfigError for an option that is none, or is given nothing."""
    known = {f"--{name.replace('_', '-')}" for name in names} | {"--help"}
    for i, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if not name.startswith("--") or name.startswith("--tyro-"):  # completion for shells
            continue
        if name.replace("_", "-") not in known:
            raise ConfigError(f"unknown option {name}; {meant(name, known)}")
        if (equals and not value) or (not equals and argv[i + 1 : i + 2] == [""]):
            raise ConfigError(f"{name} is given nothing: name a value, or leave the option out")


@contextlib.contextmanager
def _complaint_as_error(prog: str) -> Iterator[None]:
    """What tyro says of an impossible value, in a box of many lines, as a ConfigError; help with room for its words."""
    columns = os.environ.get("COLUMNS")
    said = io.StringIO()
    try:
        if shutil.get_terminal_size().columns < NARROWEST:
            os.environ["COLUMNS"] = str(NARROWEST)
        with contextlib.redirect_stderr(said):
            yield
        sys.stderr.write(said.getvalue())  # warnings
    except SystemExit as end:
        if not end.code:
            raise
        raise ConfigError(f"{_unboxed(said.getvalue())}; see {prog} --help") from None
    finally:
        os.environ.pop("COLUMNS", None)
        if columns is not None:
            os.environ["COLUMNS"] = columns


def _unboxed(box: str) -> str:
    """The first paragraph within the box, below its title: what is wrong. Where UTF-8 fails, boxes are of dashes."""
    lines = [line.strip(" │|") for line in re.sub(r"\x1b\[[\d;]*m", "", box).splitlines()]
    ruled = [line.strip("─-╰╯") for line in lines[1:]]
    paragraph = itertools.takewhile(bool, itertools.dropwhile(operator.not_, ruled))
    said = " ".join(paragraph).removeprefix("Error parsing ").rstrip(".")
    for python, plain in _PYTHONS_WORDS:
        said = re.sub(python, plain, said)
    choice = re.match(r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*)\)$", said)
    if not choice:
        return said
    value, option, known = choice.groups()
    names = re.findall(r"'([^']*)'", known)
    allowed = f"{option} {value} is impossible: it must be one of {', '.join(names)}"
    return f"{allowed}; {nearest(value, names)}".rstrip("; ")


@contextlib.contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """A user is told what a library warns of, not in which of its lines."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print(f"warning: {' '.join(str(message).split())}", file=sys.stderr)

    before, warnings.showwarning = warnings.showwarning, show
    try:
        yield
    finally:
        warnings.showwarning = before
