"""Mutants of the minibatches: which images each step takes."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np

from jaxmlp.program import Batching, Program
from parity.mutants.family.mutant import Change, FamilyMutant, small
from parity.subject.stepwise import Stepwise

ROWS = ("T0", "rows")


def mutants() -> list[FamilyMutant]:
    """Of each order."""
    batches = {order: small(batching=Batching(100, order, 20)) for order in ("next_batch", "shuffled", "in_order")}
    sequential = small(batching=Batching(100, "sequential"))
    return [
        FamilyMutant("rows one step late", batches["next_batch"], *ROWS, _batches(_late_rows)),
        FamilyMutant("next_batch never shuffled", batches["next_batch"], *ROWS, _batches(_unshuffled)),
        FamilyMutant("validation images trained on", batches["in_order"], *ROWS, _batches(_from_the_first)),
        FamilyMutant("one permutation for all epochs", batches["shuffled"], *ROWS, _batches(_one_permutation)),
        FamilyMutant("slices up to the last image", sequential, *ROWS, _batches(_to_the_last)),
    ]


def _batches(change: Callable[[Program, Iterator[np.ndarray], int], Iterator[np.ndarray]]) -> Change:
    """`change(program, right, images)` for the rows of each step."""

    def changed(subject: Stepwise) -> Stepwise:
        right, images = subject.batches, len(subject.port.dataset.train.labels)
        return dataclasses.replace(subject, batches=lambda: change(subject.port.program, right(), images))

    return changed


def _late_rows(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    first = next(right)
    return itertools.chain([first, first], right)


def _unshuffled(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    assert program.batching
    left = np.arange(program.batching.validation, images, dtype=np.int32)
    endless = itertools.cycle(left)
    while True:
        yield np.fromiter(itertools.islice(endless, program.batching.size), np.int32)


def _from_the_first(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    assert program.batching
    return (rows - np.int32(program.batching.validation) for rows in right)


def _one_permutation(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    assert program.batching
    return itertools.cycle(list(itertools.islice(right, program.batching.steps_per_epoch(images))))


def _to_the_last(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    assert program.batching
    size = program.batching.size
    for step in itertools.count():
        yield ((step * size + np.arange(size)) % images).astype(np.int32)
