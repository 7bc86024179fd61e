"""Every usual mistake, planted into a proven step of somebody's program, and what becomes of it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from parity.compare.recorded import Program, Recording
from parity.compare.recorded.judge import step_checks
from parity.compare.recorded.recording import Graph
from parity.compare.recorded.step import Names, Step, taken
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace
from parity.mutants.foreign import gradients, updates, written
from parity.mutants.foreign.planting import Mistake, Planting


class Fate(NamedTuple):
    """killed: the check that fails; else what survived, and why."""

    name: str
    killed: Check | None
    alike: bool = False  # it computes the same bits as the right step, wherever that was recorded

    @property
    def told(self) -> str:
        """In a few words."""
        if self.killed:
            return f"killed at {self.killed.place}, {self.killed.ratio:.3g} times its limit"
        if self.alike:
            return "survived: it computes the same at the recorded steps"
        return "survived: this limit proves nothing here"


def catalogue() -> list[Mistake]:
    """All mistakes."""
    return [*gradients.catalogue(), *updates.catalogue(), *written.catalogue()]


def hunt(recording: Recording, number: int, step: Step) -> Iterator[Fate]:
    """Of those that the program can be mistaken about. `step` is the right one, proven."""
    program = recording.programs[number]
    penalties = penalties_of(recording.graphs[program.graph])
    plantings: dict[int, Planting] = {}
    for mistake in catalogue():
        fate = _fate(mistake, _plantings(program, step, penalties, plantings))
        if fate:
            yield fate


def _plantings(
    program: Program, step: Step, penalties: tuple[float, ...], made: dict[int, Planting]
) -> Iterator[Planting]:
    """Of every recorded step, the last first: there slots and rates have moved; each is taken once."""
    for number in reversed(list(program.trace.steps)):
        if number not in made:
            right = taken(number, program.trace.steps[number], step, Names())
            made[number] = Planting(number, program, right, step, penalties)
        yield made[number]


def _fate(mistake: Mistake, plantings: Iterator[Planting]) -> Fate | None:
    """None where nothing can be planted."""
    planted, alike = False, True
    for planting in plantings:
        for got in mistake.plant(planting):
            planted = True
            alike &= _alike(got, planting.right)
            if killed := _failed(planting, got):
                return Fate(mistake.name, killed)
    return Fate(mistake.name, None, alike) if planted else None


def _failed(planting: Planting, got: StepTrace) -> Check | None:
    checks = step_checks(planting.number, planting.program, got)
    return next((one for one in checks if isinstance(one, Check) and not one.passed), None)


def _alike(got: StepTrace, right: StepTrace) -> bool:
    return all(key in right.got and np.array_equal(one.array, right.got[key].array) for key, one in got.got.items())


def penalties_of(graph: Graph) -> tuple[float, ...]:
    """Constants that an L2Loss is multiplied by."""
    ops = {node["name"]: node for node in graph.nodes}
    found = []
    for node in ops.values():
        names = [name.partition(":")[0] for name in node["inputs"] if not name.startswith("^")]
        if node["op"] == "Mul" and any(ops[name]["op"] == "L2Loss" for name in names):
            known = (graph.constants[name] for name in names if name in graph.constants)
            found += [float(one.reshape(-1)[0]) for one in known if one.size == 1]
    return tuple(dict.fromkeys(found))


def summary(fates: Sequence[Fate]) -> str:
    """How many were killed, and which were not."""
    survived = [f"{one.name} ({one.told.removeprefix('survived: ')})" for one in fates if not one.killed]
    told = f"{len(fates) - len(survived)} of {len(fates)} usual mistakes, planted into it, are found out"
    return told + (f"; not found out: {'; '.join(survived)}" if survived else "")
