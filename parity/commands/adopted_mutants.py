"""`python -m parity mutants FOLDER`: the usual mistakes of porting, planted into an adopted program's step."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from jaxmlp.errors import ConfigError
from jaxmlp.progress import write
from jaxmlp.run.files import write_whole
from parity.commands.options import MutantsOptions
from parity.commands.prove_step import step_of
from parity.compare.recorded import Recording, load, prove
from parity.compare.recorded.step import Step
from parity.errors import CannotCompare
from parity.mutants.finding import Finding, to_json
from parity.mutants.foreign.hunt import Fate, hunt, summary
from parity.subject.graph.step import GraphStep
from parity.subject.port_writer.proven import file_name


def adopted(options: MutantsOptions) -> int:
    """Returns 0 where all that computes something else is found out, else 1; raises JaxmlpError or CannotCompare."""
    started, recording = time.perf_counter(), load(options.folder)
    fates: list[Fate] = []
    for number, program in enumerate(recording.programs):
        called, step = proven(recording, number, Path(options.folder))
        write(f"program {number}: {program.name}; into {called}", sys.stdout)
        for fate in chosen(hunt(recording, number, step), options.only):
            fates.append(fate)
            write(f"  {fate.name}: {fate.told}", sys.stdout)
    if not fates:
        raise ConfigError(f"only = {' '.join(options.only)!r} fits none of the mistakes")
    if options.json:
        write_whole(options.json, to_json(list(map(finding, fates))).encode(), folders=True)
    print(f"{summary(fates)}; {time.perf_counter() - started:.0f} s")
    return 0 if all(fate.killed or fate.alike for fate in fates) else 1


def proven(recording: Recording, number: int, folder: Path) -> tuple[str, Step]:
    """The step that mistakes are planted into, and what it is: the port in the folder, else the graph itself."""
    name = file_name(recording, "port", number)
    if (folder / f"{name}.py").is_file():
        called, step = f"{name}.py", step_of(f"{name}:step", folder)
    else:
        called, step = "the graph's own step", own_step(recording, number)
    proof = prove(recording, step, program=number)
    if not proof.proven:
        raise CannotCompare(f"{called} is {proof.verdict}; mistakes are planted into a right step")
    return called, step


def own_step(recording: Recording, number: int) -> Step:
    """That of the graph."""
    logits = recording.programs[number].trace.header.get("logits")
    return GraphStep.of(recording, number).with_logits(logits)


def chosen(fates: Iterator[Fate], only: tuple[str, ...]) -> Iterator[Fate]:
    """Those with one of the words in their names."""
    return (fate for fate in fates if not only or any(word in fate.name for word in only))


def finding(fate: Fate) -> Finding:
    """As `--json` has it."""
    killed = fate.killed
    return Finding(fate.name, "anywhere", killed.ratio if killed else 0.0, killed.place if killed else "", bool(killed))
