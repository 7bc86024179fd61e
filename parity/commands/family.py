"""`python -m parity family`: proves programs drawn over the whole family, or one that is named, step by step."""

import dataclasses
import itertools
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jax

from jaxmlp import machine, presets, program_file
from jaxmlp.checks import nearest
from jaxmlp.data import Dataset
from jaxmlp.data.generated import generated_digits
from jaxmlp.device import pick
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program
from jaxmlp.progress import Progress, write
from jaxmlp.run.files import require_writable, write_whole
from parity.commands import images
from parity.commands.options import FamilyOptions
from parity.family.drawn import programs
from parity.family.features import covered
from parity.family.proof import Outcome, prove_all
from parity.family.shrink import shrunk
from parity.oracle import select
from parity.oracle.ask import Oracle
from parity.report import family as report
from parity.report.family import Row

IMAGES = 256  # of the training set, unless told


@dataclasses.dataclass(frozen=True)
class Proof:
    """Who answers, on what, and how many steps of each program."""

    oracle: Oracle
    dataset: Dataset
    device: jax.Device
    steps: int

    def outcomes(self, chosen: Sequence[Program]) -> Iterator[Outcome]:
        """Of each in turn."""
        return prove_all(self.oracle, chosen, self.dataset, self.device, self.steps)

    def rows(self, chosen: Mapping[str, Program]) -> Iterator[Row]:
        """Of each in turn, with a line as it ends."""
        with Progress(len(chosen), "program", "beside TensorFlow") as progress:
            for name, outcome in zip(chosen, self.outcomes([*chosen.values()]), strict=True):
                row = row_of(name, outcome)
                write(report.line(row), sys.stdout)
                progress.update()
                yield row

    def smallest(self, row: Row, program: Program) -> str:
        """What is left of a program that disagrees when it is shrunk, and where that does."""
        tier = report.failed(row).tier

        def first(candidates: Sequence[Program]) -> int | None:
            held = enumerate(self.outcomes(candidates))
            return next((i for i, one in held if any(check.tier == tier for check in one.failures)), None)

        small = shrunk(program, first)
        return report.smallest(row_of(row.name, next(self.outcomes([small]))), program_file.text(small))


def family(options: FamilyOptions) -> int:
    """Returns 0 where all agree, else 1; raises JaxmlpError or CannotCompare."""
    started, seed = time.perf_counter(), secrets.randbelow(2**31) if options.seed is None else options.seed
    if options.json:
        require_writable(options.json)
    named = named_programs(options)
    dataset = data(options, seed, [*named.values()])
    chosen = settled(named, dataset) if named else drawn(options, seed, dataset)
    oracle = select.live(options.oracle, options.threads, options.time_limit)
    say(f"TensorFlow answers: {oracle.name}; {len(chosen)} programs of {options.steps} steps, on {dataset.source}")
    proof = Proof(oracle, dataset, pick("cpu"), options.steps)
    rows = list(proof.rows(chosen))
    for row, program in zip(rows, chosen.values(), strict=True):
        if not row.passed and not row.error:
            say(f"program {row.name} disagrees and is being shrunk")
            print(f"\n{proof.smallest(row, program)}")
    if options.json:
        made = {**machine.made("parity"), "seed": seed, "oracle": oracle.name, "data": dataset.source}
        write_whole(options.json, report.to_json(rows, made).encode(), folders=True)
    print(f"\n{report.summary(rows, covered([*chosen.values()]))}")
    verdict = report.verdict(rows)
    scope = f"{options.steps} steps each, on {images.called(dataset)}, against {oracle.name}"
    print(f"{verdict}, {scope}; {time.perf_counter() - started:.0f} s")
    if not options.program:
        print(f"the same again: --seed {seed}")
    return 0 if all(row.passed for row in rows) else 1


def row_of(name: str, outcome: Outcome) -> Row:
    """An outcome as the report has it."""
    own = {field: getattr(outcome, field) for field in ("passed", "told", "checks", "own_rule", "undetermined")}
    return Row(name=name, program=outcome.program.as_dict(), diverged=outcome.diverged, error=outcome.error, **own)


def say(what: str) -> None:
    """What is going on, on stderr."""
    write(f"… {what}", sys.stderr)


def data(options: FamilyOptions, seed: int, named: Sequence[Program]) -> Dataset:
    """Generated digits, unless other data are named; for programs that are named MNIST's first, where they are."""
    held_out = max((one.batching.validation for one in named if one.batching), default=0)
    count = options.images.images or IMAGES + held_out
    if options.images.data == "auto" and not named:
        return generated_digits(count, seed)
    whole = images.load(dataclasses.replace(options.images, images=None), seed, say, count)
    return whole.first(options.images.images or min(count, len(whole.train.labels)))


def named_programs(options: FamilyOptions) -> dict[str, Program]:
    """Those of --program, by name. Raises ConfigError."""
    names = itertools.chain(*(presets.NAMES if name == "presets" else [name] for name in options.program))
    return {name: program_of(name, options.steps) for name in names}


def settled(programs: Mapping[str, Program], dataset: Dataset) -> dict[str, Program]:
    """For that data. Raises ConfigError naming the one that asks for more images than there are."""
    count = len(dataset.train.labels)
    return {name: program.settled(count) for name, program in programs.items()}


def drawn(options: FamilyOptions, seed: int, dataset: Dataset) -> dict[str, Program]:
    """Settled programs, by their numbers."""
    say(f"drawing {options.programs} programs, seed {seed}")
    chosen = itertools.islice(programs(seed, dataset, options.steps), options.programs)
    return {str(i): program for i, program in enumerate(chosen)}


def program_of(name: str, steps: int) -> Program:
    """The preset of that name, or the program of a file, of so many steps; each reports."""
    file = Path(name)
    if name not in presets.NAMES and not file.exists():
        known = nearest(name, presets.NAMES) or ", ".join(presets.NAMES)
        raise ConfigError(f"program = {name!r} is neither a file nor a preset: {known}")
    program = presets.load(name) if name in presets.NAMES else program_file.read(file)
    return dataclasses.replace(program, epochs=None, steps=steps, report_every=1)
