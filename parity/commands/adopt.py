"""`python -m parity adopt SCRIPT`: records somebody's script, and proves the step that its own graph is."""

import sys
from pathlib import Path

from jaxmlp import machine, program_file
from jaxmlp.errors import ConfigError
from jaxmlp.progress import write
from jaxmlp.run.files import require_writable_folder, write_whole
from parity.commands.adopt_options import AdoptOptions
from parity.commands.adopt_train import train_on
from parity.commands.adopted_mutants import own_step
from parity.compare.recorded import Program, Recording, file, prove, runs
from parity.compare.recorded.proof import tensors_bytes
from parity.compare.recorded.raw import of_folder
from parity.errors import CannotCompare
from parity.mutants.foreign.hunt import hunt, summary
from parity.noise import free
from parity.noise import recorded as noise
from parity.oracle.foreign.record import Wishes, record
from parity.oracle.foreign.script import find
from parity.report import recorded as report
from parity.report.recorded import Held
from parity.report.recorded_page import page
from parity.subject.graph.orders import Orders
from parity.subject.graph.step import GraphStep
from parity.subject.port_writer.proven import (
    Configured,
    Rewritten,
    arrays_bytes,
    configured,
    file_name,
    rewritten,
)

WHO = "the graph's own step, in JAX"
RAW = ("raw.npz", "raw.json")  # all of it is in the recording


def adopt(options: AdoptOptions) -> int:
    """Returns 0, 1 or, where not all could be compared, 2; raises JaxmlpError or CannotCompare."""
    if not options.script:
        raise ConfigError("SCRIPT is missing: name a .py or .ipynb file")
    require_writable_folder(options.folder)
    folder = raw(options)
    recording, held = held_against(of_folder(folder))
    given = runs.of_folder(folder) if options.train else []
    recording, written = kept(recording, held, options.folder)
    print(report.text(recording, held, WHO))
    written += handed_over(recording, held, options.folder)
    stepped = [one.number for one in held if one.proof] if options.train else []
    for number, told in train_on(recording, given, stepped, options.train, options.folder, say).items():
        print(f"\ntraining of program {number}: {told}")
    curves = [number for number in stepped if recording.programs[number].fields["losses"]]
    written += [f"{file_name(recording, 'training', number)}.json" for number in curves]
    print(f"\n{options.folder}: {', '.join(written)}")
    return exit_code(held)


def kept(recording: Recording, held: list[Held], folder: Path) -> tuple[Recording, list[str]]:
    """The recording as it was read again from the folder, so that what is kept is what is told of; and the files."""
    made, content = machine.made("parity"), file.to_bytes(recording)
    write_whole(folder / file.NAME, content, folders=True)
    recording = file.read(folder / file.NAME)
    for name in RAW:
        (folder / name).unlink(missing_ok=True)
    write_whole(folder / "report.json", report.to_json(recording, held, made, WHO).encode())
    write_whole(folder / "report.html", page(recording, held, made, WHO).encode())
    for one in held:
        if one.proof and one.proof.different:
            write_whole(folder / f"differs-{one.number}.npz", tensors_bytes(one.proof))
    return recording, [f"recording.npz ({len(content) / 1e6:.1f} MB)", "report.html", "report.json"]


def handed_over(recording: Recording, held: list[Held], folder: Path) -> list[str]:
    """Ports and programs of what was proven, told of, and their files; mutants of their steps, hunted."""
    files = []
    for number in (one.number for one in held if one.proof and one.proof.proven):
        port = rewritten_of(recording, number, folder)
        program = configured_of(recording, number, folder, port)
        print(f"\nport of program {number}: {port.verdict}\nprogram.toml: {program.verdict}")
        step = port.step or own_step(recording, number)
        print(f"mutants: {summary(list(hunt(recording, number, step)))}")
        files += [f"{file_name(recording, 'port', number)}.py"] if port.port else []
        files += [f"{file_name(recording, 'program', number)}.toml"] if program.program else []
    return files


def rewritten_of(recording: Recording, number: int, folder: Path) -> Rewritten:
    """A proven program's port, once it was proven too, in the folder."""
    say(f"program {number}: a port of it")
    name = file_name(recording, "port", number)
    found = rewritten(recording, number, f"adopted/{folder.name}", name)
    if found.port:
        write_whole(folder / f"{name}.py", found.port.text.encode())
        if found.port.arrays:
            write_whole(folder / f"{name}.npz", arrays_bytes(found.port))
    return found


def configured_of(recording: Recording, number: int, folder: Path, port: Rewritten) -> Configured:
    """A proven program as one of jaxmlp's family, once that was proven too, in the folder."""
    found = configured(recording, number, port.read)
    if found.program:
        write_whole(
            folder / f"{file_name(recording, 'program', number)}.toml", program_file.text(found.program).encode()
        )
    return found


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
    names = ("max_steps", "time_limit", "data", "shim", "once", "sandbox", "train")
    return Wishes(steps=tuple(sorted(set(options.steps))), **{name: getattr(options, name) for name in names})


def held_against(recording: Recording) -> tuple[Recording, list[Held]]:
    """With limits, and every program's own step proven; what cannot be evaluated says so."""
    programs, held = list(recording.programs), []
    for number, program in enumerate(programs):
        say(f"program {number}: {program.name}, at steps {', '.join(map(str, program.trace.steps))}")
        try:
            step = GraphStep.of(recording, number)
            program = with_races(step, program._replace(limits=noise.limits(step, program)))
            programs[number] = program = program._replace(free=free.limits(step, program))
            with_limits = recording._replace(programs=programs)
            proof = prove(with_limits, step.with_logits(program.trace.header.get("logits")), program=number)
            held.append(Held(number, proof))
        except (CannotCompare, NotImplementedError) as error:
            held.append(Held(number, None, str(error)))
    return recording._replace(programs=programs), held


def with_races(step: GraphStep, program: Program) -> Program:
    """Which says in its header what depends on an order that the graph leaves open."""
    orders = Orders(step, program.fields["arriving"])
    header = {**program.trace.header, "racing": orders.racing | orders.seen_racing(one.op for one in program.updates)}
    return program._replace(trace=program.trace._replace(header=header))


def exit_code(held: list[Held]) -> int:
    """1 where one differs; else 2 where one could not be proven."""
    if any(one.proof and one.proof.different for one in held):
        return 1
    return 0 if all(one.proof and one.proof.proven for one in held) else 2


def say(what: str) -> None:
    """What is going on, on stderr."""
    write(f"… {what}", sys.stderr)
