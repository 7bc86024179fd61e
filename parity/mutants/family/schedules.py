"""Mutants of the schedules: the wrong rate is no number near the right one, it is other bits."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxmlp.method import Slots
from jaxmlp.program import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    ExpRange,
    GradientDescent,
    InverseTimeDecay,
    LinearCosineDecay,
    NaturalExpDecay,
    PiecewiseConstant,
    PolynomialDecay,
    Schedule,
    StepDecay,
    Triangular,
    Triangular2,
)
from jaxmlp.tf1 import schedules
from parity.mutants.family.mutant import Change, FamilyMutant, linear, of_port

Rule = Callable[[Array, Any], Array]

EACH: tuple[Schedule, ...] = (
    ExponentialDecay(0.1, 2, 0.7),
    NaturalExpDecay(0.1, 3, 0.7),
    InverseTimeDecay(0.1, 3, 0.7),
    PolynomialDecay(0.1, 2, 0.01, 2.0),
    PiecewiseConstant((1,), (0.1, 0.03)),
    CosineDecay(0.1, 5),
    LinearCosineDecay(0.1, 5),
    CosineDecayRestarts(0.1, 2),
    StepDecay(0.1, 2, 0.5),
    Triangular(0.02, 0.1, 2),
    Triangular2(0.02, 0.1, 1),
    ExpRange(0.02, 0.1, 2, 0.9),
)


def mutants() -> list[FamilyMutant]:
    """Each schedule one step early, and what sets some apart left out."""
    early = [_mutant(f"{one.kind} one step early", one, _early) for one in EACH]
    stairs, cycle = ExponentialDecay(0.1, 2, 0.7, staircase=True), PolynomialDecay(0.1, 2, 0.01, 2.0, cycle=True)
    return [
        *early,
        _mutant("staircase left out", stairs, _without("staircase")),
        _mutant("cycle left out", cycle, _without("cycle")),
        _mutant("each triangle as high as the first", Triangular2(0.02, 0.1, 1), lambda right: _TRIANGULAR),
        _mutant("decay in two roundings for TensorFlow's one", InverseTimeDecay(0.1, 3, 1.7), _divided),
    ]


def _mutant(name: str, schedule: Schedule, change: Callable[[Rule], Rule]) -> FamilyMutant:
    program = linear(optimizer=GradientDescent(schedule))
    return FamilyMutant(name, program, "T0", "rate", _changed(change))


def _changed(change: Callable[[Rule], Rule]) -> Change:
    def changed(slots_of: Callable[[Any], Slots]) -> Callable[[Any], Slots]:
        def wrong(params: Any) -> Slots:
            right = slots_of(params)
            schedule = right.optimizer.hyperparams["learning_rate"]
            rule = change(schedule.trained_rule or schedule.rule)
            rate = dataclasses.replace(schedule, trained_rule=rule)
            return right._replace(optimizer=right.optimizer._replace(hyperparams={"learning_rate": rate}))

        return wrong

    return of_port(slots=changed)


def _early(right: Rule) -> Rule:
    return lambda step, numbers: right(step + jnp.ones_like(step), numbers)


def _without(flag: str) -> Callable[[Rule], Rule]:
    return lambda right: lambda step, numbers: right(step, {**numbers, flag: jnp.zeros_like(numbers[flag])})


_TRIANGULAR = schedules.triangular(0.02, 0.1, 1).rule


def _divided(right: Rule) -> Rule:
    """step / decay_steps, where a default session multiplies by a reciprocal merged with the rate."""

    def rule(step: Array, n: Any) -> Array:
        return n["learning_rate"] / (1 + n["decay_rate"] * (step.astype(jnp.float32) / n["decay_steps"]))

    return rule
