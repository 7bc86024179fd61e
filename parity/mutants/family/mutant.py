"""What a mutant of the family is: a part of `Stepwise` replaced by a wrong one, in a program where that matters."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxmlp.program import Batching, Dense, GlorotUniform, Output, Program
from parity.subject.stepwise import Stepwise

Change = Callable[[Stepwise], Stepwise]
GLOROT = GlorotUniform()
STEPS = 4  # a second cycle, a second epoch


class FamilyMutant(NamedTuple):
    """One bug."""

    name: str
    program: Program  # settled
    tier: str  # that must kill it
    tensor: str  # at which
    change: Change


def small(*layers: Dense, steps: int = STEPS, **fields: Any) -> Program:
    """A small program, its fields beyond that as given; every step reports."""
    fields = {"output": Output(GLOROT), "scale": 255, "seed": 5, **fields}
    return Program(layers=layers or (dense(12),), steps=steps, report_every=1, **fields)


def dense(units: int, **fields: Any) -> Dense:
    """A hidden layer."""
    return Dense(units, **{"kernel": GLOROT, **fields})


def linear(**fields: Any) -> Program:
    """Without a hidden layer."""
    return dataclasses.replace(small(), layers=(), **fields)


MINIBATCHES = Batching(64, "shuffled")


def with_port(**parts: Any) -> Change:
    """Some fields of the port are these."""
    return lambda subject: dataclasses.replace(subject, port=dataclasses.replace(subject.port, **parts))


def of_port(**changes: Callable[[Any], Any]) -> Change:
    """Some fields of the port are what these make of them."""

    def changed(subject: Stepwise) -> Stepwise:
        parts = {name: change(getattr(subject.port, name)) for name, change in changes.items()}
        return with_port(**parts)(subject)

    return changed
