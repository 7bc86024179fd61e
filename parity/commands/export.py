"""`python -m parity export FOLDER --out FILE`: the step of an adopted program, for whoever has JAX and nothing else."""

import json

from jaxmlp.errors import ConfigError
from jaxmlp.run.files import require_writable, write_whole
from parity.commands.adopt_options import ExportOptions
from parity.compare.recorded import load
from parity.subject.graph.exported import exported
from parity.subject.graph.step import GraphStep


def export(options: ExportOptions) -> int:
    """Returns 0; raises JaxmlpError or CannotCompare."""
    if not options.folder:
        raise ConfigError("FOLDER is missing: name what python -m parity adopt wrote")
    if options.out.suffix == ".json":
        raise ConfigError(f"out = {options.out} is impossible: the description beside it gets that name; say step.bin")
    about = options.out.with_suffix(".json")
    for file in (options.out, about):
        require_writable(file)
    recording = load(options.folder)
    program = recording.program(options.number)
    step = GraphStep.of(recording, options.number or 0)
    content, told = exported(step, program, min(program.trace.steps))
    script = recording.provenance.get("script", {})
    told = {**told, "program": program.name, "script": script.get("path"), "recording": recording.content}
    write_whole(options.out, content, folders=True)
    write_whole(about, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode(), folders=True)
    print(f"{options.out}: {len(content) / 1e6:.1f} MB of StableHLO for {', '.join(told['platforms'])}")
    print(
        f"{about}: names, shapes and dtypes of its {sum(map(len, told['inputs'].values()))} inputs, and of its outputs"
    )
    return 0
