"""`python -m parity family`: proves programs drawn over the whole family, or one that is named, step by step."""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax

from jaxmlp import machine
from jaxmlp.config_file import toml_table
from jaxmlp.data import Dataset
from jaxmlp.data.generated import generated_digits
from jaxmlp.device import pick
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


def family(options: FamilyOptions) -> int:
    """Returns 0 where all agree, else 1; raises JaxmlpError or CannotCompare."""
    started = time.perf_counter()
    if options.json:
        require_writable(options.json)
    dataset = _dataset(options)
    chosen = _programs(options, dataset)
    oracle = select.live(options.oracle, options.threads, options.time_limit)
    say(f"TensorFlow answers: {oracle.name}; {len(chosen)} programs of {options.steps} steps, on {dataset.source}")
    proof = Proof(oracle, dataset, pick("cpu"), options.steps)
    rows = list(proof.told(chosen))
    for row in rows:
        if not row.passed and not row.error and not options.program:
            write(proof.smallest(row, chosen[rows.index(row)]), sys.stdout)
    if options.json:
        made = {**machine.made("parity"), "seed": options.seed, "oracle": oracle.name, "data": dataset.source}
        write_whole(options.json, report.to_json(rows, made).encode(), folders=True)
    scope = f"{options.steps} steps each, on {dataset.source}, against {oracle.name}; {time.perf_counter() - started:.0f} s"
    print(report.summary(rows, covered(chosen), scope))
    if not options.program:
        print(f"again: {options.again()}")
    return 0 if all(row.passed for row in rows) else 1


class Proof:
    """Who answers, and on what."""

    def __init__(self, oracle: Oracle, dataset: Dataset, device: jax.Device, steps: int):
        self.oracle, self.dataset, self.device, self.steps = oracle, dataset, device, steps

    def outcomes(self, chosen: Sequence[Program]) -> Iterator[Outcome]:
        """Of each in turn."""
        return prove_all(self.oracle, chosen, self.dataset, self.device, self.steps)

    def told(self, chosen: Sequence[Program]) -> Iterator[Row]:
        """Of each in turn, with a line as it ends."""
        with Progress(len(chosen), "program", "beside TensorFlow") as progress:
            for i, outcome in enumerate(self.outcomes(chosen)):
                row = row_of(str(i), outcome)
                write(report.line(row), sys.stdout)
                progress.update()
                yield row

    def smallest(self, row: Row, program: Program) -> str:
        """A disagreement shrunk to its smallest program."""
        say(f"program {row.name} is being shrunk")
        tier = next(check.tier for check in (*row.checks, *row.own_rule) if not check.passed)

        def first(candidates: Sequence[Program]) -> int | None:
            held = enumerate(self.outcomes(candidates))
            return next((i for i, one in held if any(check.tier == tier for check in one.failures)), None)

        small = shrunk(program, first)
        return report.smallest(row_of(row.name, next(self.outcomes([small]))), row.name)


def row_of(name: str, outcome: Outcome) -> Row:
    """An outcome as the report has it."""
    own = {field: getattr(outcome, field) for field in ("passed", "told", "checks", "own_rule", "undetermined")}
    return Row(name=name, program=outcome.program.as_dict(), diverged=outcome.diverged, error=outcome.error, **own)


def say(what: str) -> None:
    """What is going on, on stderr."""
    write(f"… {what}", sys.stderr)


def _dataset(options: FamilyOptions) -> Dataset:
    """Generated digits; for a program that is named MNIST's first images, where they are."""
    if options.program and options.images.data == "auto":
        return images.load(options.images, options.seed, say).first(options.count)
    if options.images.data == "auto":
        return generated_digits(options.count, options.seed)
    return options.images.load(options.seed).first(options.count)


def _programs(options: FamilyOptions, dataset: Dataset) -> list[Program]:
    """Settled, of so many steps. Raises ConfigError."""
    if options.program:
        return [named(options.program, options.steps).settled(len(dataset.train.labels))]
    say(f"drawing {options.n} programs from seed {options.seed}")
    return list(itertools.islice(programs(options.seed, dataset, options.steps), options.n))
