"""What every command does around its work: options from a dataclass and a TOML file, errors as one line, exit codes.

0 done · 1 a target was missed · 2 a mistake that can be mended · 3 the loss is not finite · 4 results could not be
written · 130 interrupted
"""

import argparse
import dataclasses
import difflib
import os
import sys
import tomllib
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import tyro

from jaxmlp.errors import ConfigError, JaxmlpError

Options = TypeVar("Options")


def parse(options: type[Options], argv: Sequence[str] | None, prog: str, description: str) -> Options:
    """The dataclass `options` from the command line; its field `config`, a TOML file, supplies other defaults.

    Raises:
      ConfigError: an impossible value, an unreadable file, or a key in it that is no option.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config", type=Path, nargs="?")
    file = finder.parse_known_args(argv)[0].config
    defaults = options() if file is None else from_toml(options, file)
    return tyro.cli(
        options,
        args=argv,
        default=defaults,
        prog=prog,
        description=description,
        config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
    )


def from_toml(options: type[Options], file: Path) -> Options:
    """Options from a flat TOML file: any option by its name, `learning_rate` or `learning-rate`.

    Raises:
      ConfigError: names the file, and the key where one is unknown, of the wrong type or impossible.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None
    values = {key.replace("-", "_"): value for key, value in content.items()}
    for name in sorted(values.keys() - (_names(options).keys() - {"config"})):
        _refuse(file, name, options)
    try:
        return _build(options, values)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def run(command: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None) -> int:
    """The exit code of `command(argv)`; what the user can mend becomes one line on stderr."""
    try:
        return command(argv)
    except BrokenPipeError:  # whoever read our output has gone, as in `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except JaxmlpError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if not _out_of_memory(error):
            raise
        print("error: not enough memory for this run: lower the hidden units or the images", file=sys.stderr)
        return JaxmlpError.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _out_of_memory(error: Exception) -> bool:
    """The host's word for it, or XLA's."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error)


def _names(options: type) -> dict[str, Any]:
    """Every option's name and type; a nested dataclass counts by its fields, as on the command line."""
    names: dict[str, Any] = {}
    for name, hint in get_type_hints(options).items():
        names |= _names(hint) if isinstance(hint, type) and dataclasses.is_dataclass(hint) else {name: hint}
    return names


def _build(options: type[Options], values: dict[str, Any]) -> Options:
    arguments: dict[str, Any] = {}
    for name, hint in get_type_hints(options).items():
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            arguments[name] = _build(hint, values)
        elif name in values:
            arguments[name] = _convert(name, values[name], hint)
    return options(**arguments)


def _convert(name: str, value: Any, hint: Any) -> Any:
    """A TOML value as the option's type. Config checks its own fields; these are the ones of the run."""
    types_ = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if get_origin(hint) is Literal:
        allowed, fits = f"one of {', '.join(get_args(hint))}", value in get_args(hint)
    elif Path in types_:
        allowed, fits = "a string", isinstance(value, str)
        value = Path(value) if fits else value
    else:
        expected = tuple(t for t in types_ if t is not type(None))
        allowed = " or ".join(t.__name__ for t in expected)
        fits = type(value) in expected or (float in expected and type(value) is int)
    if not fits:
        raise ConfigError(f"{name} = {value!r} is impossible: it must be {allowed}")
    return value


def _refuse(file: Path, key: str, options: type) -> None:
    known = sorted(_names(options).keys() - {"config"})
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
    raise ConfigError(f"{file}: unknown key {key!r}; {hint}")
