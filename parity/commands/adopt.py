"""`python -m parity adopt SCRIPT`: records somebody's script, and proves the step that its own graph is."""

import sys
from pathlib import Path
from typing import Any

from jaxmlp import machine
from jaxmlp.errors import ConfigError
from jaxmlp.progress import write
from jaxmlp.run.files import require_writable_folder, write_whole
from parity.commands.adopt_options import AdoptOptions
from parity.compare.recorded import Program, Recording, file, prove
from parity.compare.recorded.proof import tensors_bytes
from parity.compare.recorded.raw import of_folder
from parity.compare.recorded.step import Step
from parity.compare.tensor import Named
from parity.errors import CannotCompare
from parity.noise import recorded as noise
from parity.oracle.foreign.record import Wishes, record
from parity.oracle.foreign.script import find
from parity.report import recorded as report
from parity.report.recorded import Held
from parity.report.recorded_page import page
from parity.subject.graph.graph import Graph
from parity.subject.graph.step import GraphStep

WHO = "the graph's own step, in JAX"
RAW = ("raw.npz", "raw.json")  # all of it is in the recording


def adopt(options: AdoptOptions) -> int:
    """Returns 0, 1 or, where not all could be compared, 2; raises JaxmlpError or CannotCompare."""
    if not options.script:
        raise ConfigError("SCRIPT is missing: name a .py or .ipynb file")
    require_writable_folder(options.folder)
    recording, held = held_against(of_folder(raw(options)))
    made = machine.made("parity")
    content = file.to_bytes(recording)
    write_whole(options.folder / file.NAME, content, folders=True)
    recording = file.read(options.folder / file.NAME)  # what is kept is what is told of
    for name in RAW:
        (options.folder / name).unlink(missing_ok=True)
    write_whole(options.folder / "report.json", report.to_json(recording, held, made, WHO).encode())
    write_whole(options.folder / "report.html", page(recording, held, made, WHO).encode())
    for one in (one for one in held if one.proof and one.proof.different):
        assert one.proof
        write_whole(options.folder / f"differs-{one.number}.npz", tensors_bytes(one.proof))
    print(report.text(recording, held, WHO))
    print(f"\n{options.folder}: recording.npz ({len(content) / 1e6:.1f} MB), report.html, report.json")
    return exit_code(held)


def raw(options: AdoptOptions) -> Path:
    """The raw folder: of an earlier recording, where SCRIPT is one, else of a run of the script."""
    if (Path(options.script) / "raw.json").is_file():
        return Path(options.script)
    say("this runs the script with your rights" + (", but without network and disk" if options.sandbox else ""))
    asked = find(options.script, options.arguments, options.module, Path.cwd())
    record(asked, wishes(options), options.folder, say)
    return options.folder


def wishes(options: AdoptOptions) -> Wishes:
    """How the script is to be recorded."""
    names = ("max_steps", "time_limit", "data", "shim", "once", "sandbox")
    return Wishes(steps=tuple(sorted(set(options.steps))), **{name: getattr(options, name) for name in names})


def held_against(recording: Recording) -> tuple[Recording, list[Held]]:
    """With limits, and every program's own step proven; what cannot be evaluated says so."""
    programs, held = list(recording.programs), []
    for number, program in enumerate(programs):
        say(f"program {number}: {program.name}, at steps {', '.join(map(str, program.trace.steps))}")
        try:
            graph = recording.graphs[program.graph]
            step = GraphStep(Graph(graph.nodes, graph.constants, graph.functions), program.fields)
            programs[number] = program = with_races(step, program._replace(limits=noise.limits(step, program)))
            with_limits = recording._replace(programs=programs)
            proof = prove(with_limits, with_logits(step, program), program=number)
            held.append(Held(number, proof))
        except (CannotCompare, NotImplementedError) as error:
            held.append(Held(number, None, str(error)))
    return recording._replace(programs=programs), held


def with_races(step: GraphStep, program: Program) -> Program:
    """Which says in its header what depends on an order that the graph leaves open."""
    header = {**program.trace.header, "racing": sorted(step.racing)}
    return program._replace(trace=program.trace._replace(header=header))


def with_logits(step: GraphStep, program: Program) -> Step:
    """The step, returning also the logits that were recorded."""
    name = program.trace.header.get("logits")
    if not name:
        return step

    def both(weights: Named, slots: Named, batch: Named, draws: Named) -> dict[str, Any]:
        seen = step.forward(weights, slots, batch, draws, (name,)).seen
        return {**step(weights, slots, batch, draws), "logits": seen[name]}

    return both


def exit_code(held: list[Held]) -> int:
    """1 where one differs; else 2 where one could not be proven."""
    if any(one.proof and one.proof.different for one in held):
        return 1
    return 0 if all(one.proof and one.proof.proven for one in held) else 2


def say(what: str) -> None:
    """What is going on, on stderr."""
    write(f"… {what}", sys.stderr)
