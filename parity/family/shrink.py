"""A program that disagrees, made as small as it still disagrees: features taken off one by one, greedily."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jaxmlp.program import Batching, Dense, GlorotUniform, GradientDescent, Output, Program, SoftmaxCrossEntropy, Zeros

First = Callable[[Sequence[Program]], int | None]  # which of the programs, the first of them, disagrees
Change = Callable[[Program], Program]


def shrunk(program: Program, first: First) -> Program:
    """The smallest program found that still disagrees. Asks about many programs at once, for that is cheap."""
    while True:
        smaller = list(_smaller(program))
        found = first([one for _, one in smaller])
        if found is None:
            return program
        program = smaller[found][1]
        # What else can go is likely to go with it: as many of the changes behind it together as still disagree.
        rest = [change for change, _ in smaller[found + 1 :]]
        together = [_all(program, rest[: len(rest) // part]) for part in (1, 2, 4)]
        found = first(together)
        program = program if found is None else together[found]


def _smaller(program: Program) -> Iterator[tuple[Change, Program]]:
    """Every change that makes something of the program simpler, and what it makes."""
    for change in _changes(program):
        if (simpler := change(program)) != program:
            yield change, simpler


def _all(program: Program, changes: Sequence[Change]) -> Program:
    for change in changes:
        program = change(program)
    return program


def _changes(program: Program) -> Iterator[Change]:
    """The largest first."""
    plain: list[dict[str, Any]] = [
        {"clipping": None},
        {"l2": None},
        {"batching": None},
        {"input_keep_prob": 1.0},
        {"loss": SoftmaxCrossEntropy()},
        {"evaluation_draws": False},
    ]
    yield from (_with(**fields) for fields in plain)
    yield from (_without_layer(i) for i in range(len(program.layers)))
    yield from (_plain_rate, _plain_optimizer, _default_optimizer, _plain_batches)
    yield from (_layer(i, **fields) for i in range(len(program.layers)) for fields in _LAYER)
    yield from (_fewer_units(i, units) for i in range(len(program.layers)) for units in (1, 8, 64))
    yield from (_output(**fields) for fields in _OUTPUT)
    yield from (_with(seed=0), _with(report_every=1))


_LAYER: list[dict[str, Any]] = [
    {"keep_prob": 1.0},
    {"activation": "relu"},
    {"bias": Zeros()},
    {"kernel": GlorotUniform()},
]
_OUTPUT: list[dict[str, Any]] = [{"activation": "identity"}, {"bias": Zeros()}, {"kernel": GlorotUniform()}]


def _with(**fields: Any) -> Change:
    return lambda program: dataclasses.replace(program, **fields)


def _without_layer(i: int) -> Change:
    return lambda program: dataclasses.replace(program, layers=(*program.layers[:i], *program.layers[i + 1 :]))


def _layer(i: int, **fields: Any) -> Change:
    def changed(program: Program) -> Program:
        if i >= len(program.layers):
            return program
        layer: Dense = dataclasses.replace(program.layers[i], **fields)
        return dataclasses.replace(program, layers=(*program.layers[:i], layer, *program.layers[i + 1 :]))

    return changed


def _fewer_units(i: int, units: int) -> Change:
    def changed(program: Program) -> Program:
        return (
            _layer(i, units=units)(program) if i < len(program.layers) and program.layers[i].units > units else program
        )

    return changed


def _output(**fields: Any) -> Change:
    def changed(program: Program) -> Program:
        output: Output = dataclasses.replace(program.output, **fields)
        return dataclasses.replace(program, output=output)

    return changed


def _plain_rate(program: Program) -> Program:
    """The schedule's rate at first."""
    rate = program.optimizer.learning_rate
    if isinstance(rate, int | float):
        return program
    return _with(optimizer=dataclasses.replace(program.optimizer, learning_rate=rate.learning_rate))(program)


def _plain_optimizer(program: Program) -> Program:
    return _with(optimizer=GradientDescent(program.optimizer.learning_rate))(program)


def _default_optimizer(program: Program) -> Program:
    """The optimizer with its own rate and TensorFlow's defaults."""
    return _with(optimizer=type(program.optimizer)(program.optimizer.learning_rate))(program)


def _plain_batches(program: Program) -> Program:
    return program if program.batching is None else _with(batching=Batching(8, "in_order"))(program)
