"""What of the family a program has, in words, for the table of what was covered."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator

from jaxmlp.program import Dense, Initializer, Loss, Optimizer, Program
from jaxmlp.program.optimizers import Rate

Feature = tuple[str, str]  # "activation", "relu"


def features(program: Program) -> set[Feature]:
    """Each once, however often the program has it."""
    return set(_of_layers(program)) | set(_of_training(program))


def covered(programs: Iterable[Program]) -> dict[str, Counter[str]]:
    """In how many programs each feature is, by kind of feature."""
    found: dict[str, Counter[str]] = {}
    for program in programs:
        for kind, value in sorted(features(program)):
            found.setdefault(kind, Counter())[value] += 1
    return found


def _of_layers(program: Program) -> Iterator[Feature]:
    yield "hidden layers", str(len(program.layers))
    yield "output activation", program.output.activation
    yield "pixels", "as bytes" if program.scale == 1 else f"times 1/{program.scale}"
    for layer in program.layers:
        yield "activation", layer.activation
        yield "units", _size(layer)
    for layer in (*program.layers, program.output):
        yield "kernel", _initializer(layer.kernel)
        yield "biases", "none" if layer.bias is None else layer.bias.kind
    drops = {"pixels": program.input_keep_prob < 1, "units": any(layer.keep_prob < 1 for layer in program.layers)}
    how = "placeholder" if program.evaluation_draws else "number"
    yield from (("dropout", f"of {of}, by a {how}") for of, dropped in drops.items() if dropped)
    if not any(drops.values()):
        yield "dropout", "none"


def _of_training(program: Program) -> Iterator[Feature]:
    yield "loss", _loss(program.loss)
    yield "optimizer", _optimizer(program.optimizer)
    yield "rate", _rate(program.optimizer.learning_rate)
    yield "penalty", "none" if program.l2 is None else "of weights and biases" if program.l2.biases else "of weights"
    yield "clipping", "none" if program.clipping is None else program.clipping.kind
    yield "batches", program.batching.order if program.batching else "the whole set"
    if program.batching:
        yield "validation", "left out" if program.batching.validation else "none"


def _size(layer: Dense) -> str:
    if layer.units == 1:
        return "1"
    return "1000 or more" if layer.units >= 1000 else "a multiple of 8" if layer.units % 8 == 0 else "no multiple of 8"


def _initializer(kernel: Initializer) -> str:
    drawn = {"xavier": ("uniform",), "variance_scaling": ("mode", "distribution")}.get(kernel.kind, ())
    own = [str(getattr(kernel, name)) if name != "uniform" else _uniform(kernel) for name in drawn]
    return " ".join([kernel.kind, *own])


def _uniform(kernel: Initializer) -> str:
    return "uniform" if getattr(kernel, "uniform", True) else "normal"


def _loss(loss: Loss) -> str:
    own = {field.name: getattr(loss, field.name) for field in dataclasses.fields(loss)}
    words = [loss.kind, *([f"of {own['of']}"] if "of" in own else [])]
    if loss.kind == "naive_cross_entropy":
        words += ["clipped"] if own["clip_value_min"] is not None else ["epsilon"] if own["epsilon"] else []
    return " ".join(words)


def _optimizer(optimizer: Optimizer) -> str:
    words = {"use_nesterov": "nesterov", "centered": "centered"}
    told = [word for name, word in words.items() if getattr(optimizer, name, False)]
    if getattr(optimizer, "learning_rate_power", -0.5) != -0.5:
        told.append("of another power")
    return " ".join([optimizer.kind, *told])


def _rate(rate: Rate) -> str:
    if isinstance(rate, int | float):
        return "a number"
    return " ".join([rate.kind, *(name for name in ("staircase", "cycle") if getattr(rate, name, False))])
