"""What every command does around its work: options from a dataclass and a TOML file, errors as one line, exit codes.

0 done · 1 a target was missed · 2 a mistake that can be mended · 3 the loss is not finite · 4 results could not be
written · 130 interrupted
"""

import argparse
import contextlib
import dataclasses
import difflib
import os
import sys
import tomllib
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes

from jaxmlp import __version__
from jaxmlp.checks import require
from jaxmlp.errors import ConfigError, JaxmlpError, JaxmlpWarning

Options = TypeVar("Options")
Mistakes = tuple[type[Exception], ...]  # bases of exceptions, each of which has an `exit_code`


@dataclasses.dataclass(frozen=True)
class _Common:
    """Of every command."""  # looked for by `_told_first`, before the rest is parsed: these fields are for --help

    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""
    version: bool = False
    """print the version and exit"""


def parse(options: type[Options], argv: Sequence[str] | None, prog: str, description: str) -> Options:
    """The dataclass `options` from the command line; `--config FILE.toml` supplies other defaults.

    A field that is a dataclass itself counts by its fields. `--version` and `--help` print and exit with 0. Raises
    ConfigError for an impossible value, an unreadable file, or a key in it that is no option.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    file = _told_first(argv, prog)
    defaults = options() if file is None else from_toml(options, file)
    own = Annotated[options, tyro.conf.arg(name="")]  # without a name, which would stand in the headings of --help
    parts = [("own", own, dataclasses.field(default=defaults)), ("common", _Common, _Common(file))]
    command = dataclasses.make_dataclass("Command", parts)
    flat = (FlagCreatePairsOff, OmitArgPrefixes)
    return tyro.cli(command, args=argv, prog=prog, description=description, config=flat).own


def version_line() -> str:
    """For example `jaxmlp 0.1.0 (jax 0.10.2, numpy 2.4.1)`, without importing them."""
    return f"jaxmlp {__version__} ({', '.join(f'{name} {version(name)}' for name in ('jax', 'numpy'))})"


def _told_first(argv: Sequence[str], prog: str) -> Path | None:
    """The file of `--config`; `--version` prints and exits here, whatever else is asked for."""
    finder = argparse.ArgumentParser(prog=prog, add_help=False, allow_abbrev=False)
    finder.add_argument("--config", type=Path, nargs="?")
    finder.add_argument("--version", action="version", version=version_line())
    return finder.parse_known_args(argv)[0].config


def from_toml(options: type[Options], file: Path) -> Options:
    """Options from a flat TOML file: any option by its name, `learning_rate` or `learning-rate`.

    Raises ConfigError naming the file, and the key where one is unknown, of the wrong type or impossible.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None
    values = {key.replace("-", "_"): value for key, value in content.items()}
    known = _names(options)
    for name in sorted(values.keys() - known):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"
        raise ConfigError(f"{file}: unknown key {name!r}; {hint}")
    try:
        return _build(options, options(), values)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def run(
    command: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None, mistakes: Mistakes = (JaxmlpError,)
) -> int:
    """The exit code of `command(argv)`; what the user can mend (`mistakes`) becomes one line on stderr."""
    try:
        with _warnings_in_a_line():
            return command(argv)
    except BrokenPipeError:  # whoever read our output has gone, as in `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except mistakes as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code  # pyright: ignore[reportAttributeAccessIssue]
    except Exception as error:  # the host's word for it, or XLA's
        if not (isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error)):
            raise
        print("error: not enough memory for this run: lower the hidden units or the images", file=sys.stderr)
        return JaxmlpError.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


@contextlib.contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Ours as `warning: …` on stderr, without the place in the code that Python adds; others as ever."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if issubclass(category, JaxmlpWarning):
                print(f"warning: {message}", file=sys.stderr)
            else:
                others(message, category, *place)

        warnings.showwarning = show
        yield


def _names(options: type) -> set[str]:
    """Every option's name; a nested dataclass counts by its fields, as on the command line."""
    hints = get_type_hints(options).items()
    return set().union(*(_names(hint) if dataclasses.is_dataclass(hint) else {name} for name, hint in hints))  # pyright: ignore[reportArgumentType]


def _build(options: type[Options], defaults: Options, values: dict[str, Any]) -> Options:
    """The defaults, those of a nested dataclass too, with the file's values in their place."""
    arguments: dict[str, Any] = {}
    for name, hint in get_type_hints(options).items():
        if dataclasses.is_dataclass(hint):
            arguments[name] = _build(hint, getattr(defaults, name), values)  # pyright: ignore[reportArgumentType]
        elif name in values:
            arguments[name] = _convert(name, values[name], hint)
    return dataclasses.replace(defaults, **arguments)  # pyright: ignore[reportArgumentType]


def _convert(name: str, value: Any, hint: Any) -> Any:
    """A TOML value as the option's type; its range is the options' own to check."""
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if get_origin(hint) is tuple:
        allowed, fits = "a list", isinstance(value, list)
        value = tuple(_convert(name, one, get_args(hint)[0]) for one in value) if fits else value
    elif get_origin(hint) is Literal:
        allowed, fits = f"one of {', '.join(get_args(hint))}", value in get_args(hint)
    elif Path in kinds:
        allowed, fits = "a string", isinstance(value, str)
        value = Path(value) if fits else value
    else:
        expected = tuple(kind for kind in kinds if kind is not type(None))
        allowed = " or ".join(kind.__name__ for kind in expected)
        fits = type(value) in expected or (float in expected and type(value) is int)
    require(name, value, fits, allowed)
    return value
