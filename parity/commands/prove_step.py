"""`python -m parity prove FOLDER --step module:function`: somebody's own step, or a `Program`'s, beside a recording."""

import importlib
import sys
from pathlib import Path
from typing import Any, cast

from jaxmlp import machine, program_file
from jaxmlp.errors import ConfigError
from jaxmlp.run.files import require_writable, write_whole
from parity.commands.adopt_options import ProveStepOptions
from parity.compare.recorded import Recording, load, prove
from parity.compare.recorded.proof import tensors_bytes
from parity.compare.recorded.step import Step
from parity.errors import CannotCompare
from parity.report import recorded as report
from parity.report.recorded import Held
from parity.report.recorded_page import page
from parity.subject.port_writer.proven import family_in
from parity.subject.program_step import ProgramStep


def prove_step(options: ProveStepOptions) -> int:
    """Returns 0, 1 or, where too little was returned, 2; raises JaxmlpError or CannotCompare."""
    if not options.folder:
        raise ConfigError("FOLDER is missing: name what python -m parity adopt wrote")
    for file in (one for one in (options.json, options.html) if one):
        require_writable(file)
    if bool(options.step) == bool(options.program):
        raise ConfigError("what is to be proven? --step MODULE:FUNCTION or --program FILE is needed, one of them")
    step = step_of(options.step, Path(options.folder)) if options.step else None
    recording = load(options.folder)
    number = options.number if options.number is not None or len(recording.programs) > 1 else 0
    step, who = (step, options.step) if step else program_step(options.program, recording, number)
    proof = prove(recording, step, options.mapping, options.transposed, number, options.steps or None)
    held, made = [Held(number or 0, proof)], machine.made("parity")
    if options.json:
        write_whole(options.json, report.to_json(recording, held, made, who).encode(), folders=True)
    if options.html:
        write_whole(options.html, page(recording, held, made, who).encode(), folders=True)
    print(report.text(recording, held, who))
    if proof.different:
        file = options.out / f"{who.replace(':', '-')}.npz"
        write_whole(file, tensors_bytes(proof), folders=True)
        print(f"both sides' tensors of that step: {file}")
    return 1 if proof.different else 0 if proof.proven else 2


def program_step(file: Path | None, recording: Recording, number: int | None) -> tuple[Step, str]:
    """jaxmlp's own step of the program in a file, and what it is called."""
    assert file
    return ProgramStep(program_file.read(file), family_in(recording, number)), file.name


def step_of(name: str, folder: Path) -> Step:
    """The function of "module:function"; the current folder's modules count, and then those of `folder`.

    Raises ConfigError or CannotCompare.
    """
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise ConfigError(f"step = {name!r} is impossible: MODULE:FUNCTION is needed, as mymodule:step")
    own = [str(Path.cwd()), str(folder.resolve() if folder.is_dir() else folder.resolve().parent)]
    sys.path[:0] = own
    try:
        found: Any = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise ConfigError(f"step = {name!r}: {error}; it is looked for in {Path.cwd()} and {folder} too") from None
    except AttributeError:
        raise ConfigError(f"step = {name!r}: {module} has no {function}") from None
    except Exception as error:
        raise CannotCompare(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        del sys.path[: len(own)]
    if not callable(found):
        raise ConfigError(f"step = {name!r} is a {type(found).__name__}: a function is needed")
    return cast(Step, found)
