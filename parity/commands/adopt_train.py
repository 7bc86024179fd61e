"""`--train` of `python -m parity adopt`: each program trains on in JAX, its loss curve beside the script's."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jaxmlp.run.files import write_whole
from parity.compare.recorded import Recording
from parity.compare.recorded.runs import Given
from parity.noise.training import trained
from parity.report import curves
from parity.subject.graph.step import GraphStep


def train_on(
    recording: Recording,
    given: Sequence[Mapping[int, Given]],
    numbers: Sequence[int],
    most: int,
    folder: Path,
    say: Callable[[str], None],
) -> dict[int, str]:
    """By program what became of it; curves as training.json and training.png. `numbers`: those that can be stepped."""
    found = {}
    for number in numbers:
        program = recording.programs[number]
        step = GraphStep.of(recording, number)
        say(f"program {number}: trains on in JAX, up to step {most}")
        made = trained(step, program, given[number], most, say)
        found[number] = made.verdict if made else "not trained: the script has no loss"
        name = "training" if len(recording.programs) == 1 else f"training_{number}"
        if made:
            write_whole(folder / f"{name}.json", curves.to_json(made).encode())
            if picture := curves.png(made, f"{recording.provenance['script']['path']}: {program.name}"):
                write_whole(folder / f"{name}.png", picture)
    return found
