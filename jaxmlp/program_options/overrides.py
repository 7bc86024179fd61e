"""A `Program` with options in the place of what they name: the meaning of each of the `groups`."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from jaxmlp import presets
from jaxmlp.checks import is_whole, require, require_count, require_float32
from jaxmlp.errors import ConfigError
from jaxmlp.program import (
    L2,
    STEPS,
    Batching,
    ClipByGlobalNorm,
    ClipByNorm,
    ClipByValue,
    Clipping,
    Dense,
    Optimizer,
    Output,
    PiecewiseConstant,
    Program,
    Schedule,
)
from jaxmlp.program.optimizers import Rate
from jaxmlp.program_options.choice import NONE, typed
from jaxmlp.program_options.groups import ALTERNATIVES, BIAS, KERNEL, LOSS, OPTIMIZER, SCHEDULE

ORIGINAL = Program(report_every=None)
AS_THEY_ARE = ("scale", "input_keep_prob", "evaluation_draws", "report_every", "seed")  # options that are fields

Given = Mapping[str, Any]  # options by name, none of them None


def program(given: Given) -> Program:
    """The program that options ask for. Raises ConfigError naming the option that cannot be, and what would be right.

    Where they name no preset and no program, it is the original with these options in the place of its own.
    """
    for names in ALTERNATIVES:
        told = [name for name in names if name in given]
        if len(told) > 1:
            raise ConfigError(f"{' and '.join(map(typed, told))} contradict each other: give one")
    base = presets.load(given["preset"]) if "preset" in given else given.get("program")
    start = base or ORIGINAL
    return dataclasses.replace(
        start,
        layers=_layers(start.layers, given),
        output=_output(start.output, given),
        loss=LOSS.chosen(start.loss, given),
        optimizer=_optimizer(start.optimizer, given, is_told=base is not None),
        l2=_l2(start.l2, given),
        clipping=_clipping(start.clipping, given),
        batching=_batching(start.batching, given),
        **_length(given),
        **{name: given[name] for name in AS_THEY_ARE if name in given},
    )


def _layers(now: tuple[Dense, ...], given: Given) -> tuple[Dense, ...]:
    """A layer more than there were is as the last of them."""
    if "hidden" in given:
        require_count("hidden", given["hidden"])
    units = (given["hidden"],) if "hidden" in given else given.get("layers")
    if units is not None:
        possible = all(is_whole(one) and one >= 1 for one in units)
        require("layers", list(units), possible, "whole numbers from 1 up, or none")
        models = now or (Dense(1),)
        now = tuple(dataclasses.replace(models[min(i, len(models) - 1)], units=n) for i, n in enumerate(units))
    for name in ("activation", "keep_prob"):
        now = _each(now, name, given[name]) if name in given else now
    return tuple(_initialized(layer, given) for layer in now)


def _each(layers: tuple[Dense, ...], name: str, values: tuple[Any, ...]) -> tuple[Dense, ...]:
    """One value for all layers, or one for each."""
    fits = len(layers) > 0 and len(values) in (1, len(layers))
    no, one = "left out, for there is no hidden layer", "one value, for the one hidden layer"
    right = (no, one)[len(layers)] if len(layers) < 2 else f"one value, or {len(layers)}: one for each hidden layer"
    require(name, list(values), fits, right)
    values = values * len(layers) if len(values) == 1 else values
    return tuple(dataclasses.replace(layer, **{name: value}) for layer, value in zip(layers, values, strict=True))


def _output(now: Output, given: Given) -> Output:
    activation = given.get("output_activation", now.activation)
    return _initialized(dataclasses.replace(now, activation=activation), given)


def _initialized(layer: Any, given: Given) -> Any:
    return dataclasses.replace(layer, kernel=KERNEL.chosen(layer.kernel, given), bias=BIAS.chosen(layer.bias, given))


def _optimizer(now: Optimizer, given: Given, is_told: bool) -> Optimizer:
    """Another one takes the learning rate over, but not from the original, which nobody named."""
    keeps = is_told or given.get("optimizer", now.kind) == now.kind
    rate = _rate(now.learning_rate if keeps else None, given, is_told)
    return OPTIMIZER.chosen(now, given, **({} if rate is None else {"learning_rate": rate}))


def _rate(now: Rate | None, given: Given, is_told: bool) -> Rate | None:
    """A number or a schedule; None leaves it to the optimizer."""
    is_schedule = dataclasses.is_dataclass(now)
    if given.get("schedule", NONE) != NONE or (is_schedule and "schedule" not in given):
        first: Any = now.learning_rate if is_schedule else now  # pyright: ignore[reportOptionalMemberAccess]
        return _schedule(now if is_schedule else None, first if is_told else None, given)
    SCHEDULE.chosen(None, given)  # refuses what would be of a schedule
    return given.get("learning_rate", now.learning_rate if is_schedule else now)  # pyright: ignore


def _schedule(now: Schedule | None, first: float | None, given: Given) -> Schedule:
    """From the rate `first` on, unless the options say from where."""
    first = given.get("learning_rate", first)
    if given.get("schedule", now.kind if now else NONE) != PiecewiseConstant.kind:
        return SCHEDULE.chosen(now, given, **({} if first is None else {"learning_rate": first}))
    if "learning_rate" in given:
        raise ConfigError("--learning-rate contradicts the schedule piecewise_constant, whose rates are --values")
    return SCHEDULE.chosen(now, given)


def _l2(now: L2 | None, given: Given) -> L2 | None:
    scale = given.get("l2", now.scale if now else 0)
    biases = given.get("l2_biases", now.biases if now else False)
    if scale != 0:
        require_float32("l2", scale)
        return L2(scale, biases)
    if "l2_biases" in given:
        raise ConfigError("--l2-biases is of the L2 penalty, and there is none: add --l2")
    return None


def _clipping(now: Clipping | None, given: Given) -> Clipping | None:
    if "clip_norm" in given:
        return ClipByNorm(given["clip_norm"])
    if "clip_global_norm" in given:
        require_float32("clip_global_norm", given["clip_global_norm"])
        return ClipByGlobalNorm(given["clip_global_norm"])
    return ClipByValue(*given["clip_value"]) if "clip_value" in given else now


def _batching(now: Batching | None, given: Given) -> Batching | None:
    asked = {field: given[name] for name, field in _BATCHING.items() if name in given}
    if not asked:
        return now
    if now is None and "size" not in asked:
        names = ", ".join(typed(name) for name in _BATCHING if name in given)
        raise ConfigError(f"{names}: of minibatches, and there are none: add --batch-size")
    return dataclasses.replace(now, **asked) if now else Batching(**asked)


_BATCHING = {"batch_size": "size", "order": "order", "validation": "validation"}


def _length(given: Given) -> dict[str, int | None]:
    if "epochs" in given:
        return {"epochs": given["epochs"], "steps": STEPS}
    return {"steps": given["steps"], "epochs": None} if "steps" in given else {}
