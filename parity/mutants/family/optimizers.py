"""Mutants of the optimizers: their rules, what they remember, and what that starts from."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp.method import Method, Slots
from jaxmlp.program import (
    Adadelta,
    Adagrad,
    AdagradDA,
    Adam,
    Ftrl,
    Momentum,
    Optimizer,
    Program,
    ProximalAdagrad,
    ProximalGradientDescent,
    RMSProp,
)
from jaxmlp.tf1.optimizers.descent import MOMENTUM
from jaxmlp.tf1.optimizers.optimizer import Rule, Step
from jaxmlp.tf1.optimizers.proximal import PROXIMAL_GRADIENT_DESCENT
from jaxmlp.tf1.optimizers.rmsprop import RMSPROP
from parity.mutants.family.mutant import MINIBATCHES, Change, FamilyMutant, of_port, small

Numbers = dict[str, Array]
Move = Callable[[Any, Array, Numbers, Numbers], tuple[Array, Numbers]]  # weights, gradient, slots, numbers

L1, L2, SHRINKAGE = (f"{name}_regularization_strength" for name in ("l1", "l2", "l2_shrinkage"))
WEIGHTS = "weights_1"


def mutants() -> list[FamilyMutant]:
    """Of each optimizer of slots, or of a rule of its own."""
    return [*_momentum(), *_adam(), *_rmsprop(), *_adagrad(), *_ftrl(), *_proximal()]


def _momentum() -> list[FamilyMutant]:
    plain, nesterov = _on(Momentum(0.1, 0.9)), _on(Momentum(0.1, 0.9, use_nesterov=True))
    return [
        FamilyMutant("momentum dampened", plain, "T3", f"momentum of {WEIGHTS}", _move(_dampened)),
        FamilyMutant("momentum behind the update", plain, "T3", WEIGHTS, _move(_late_momentum)),
        FamilyMutant("Nesterov's step left out", nesterov, "T3", WEIGHTS, _move(lambda right: MOMENTUM.move)),
        FamilyMutant("Nesterov with the old momentum", nesterov, "T3", WEIGHTS, _move(_nesterov_of_old)),
    ]


def _adam() -> list[FamilyMutant]:
    adam = _on(Adam(0.002, 0.9, 0.99, 1e-4))
    uncorrected = _numbers(lambda h: {"beta1_power": 0 * h["beta1"], "beta2_power": 0 * h["beta2"]})
    hat = _numbers(lambda h: {"epsilon": h["epsilon"] * jnp.sqrt(1 - h["beta2_power"])})
    fixed = _rule(lambda rule: Rule(rule.move, next_scalars=lambda h: {name: h[name] for name in _POWERS}))
    ones = _initial(
        lambda state: state._replace(scalars={name: jnp.ones_like(state.scalars[name]) for name in _POWERS})
    )
    return [
        FamilyMutant("Adam without bias correction", adam, "T3", WEIGHTS, uncorrected),
        FamilyMutant("Adam's epsilon inside the root", adam, "T3", WEIGHTS, _move(_adam_inside)),
        FamilyMutant("Adam's epsilon as optax has it", adam, "T3", WEIGHTS, hat),
        FamilyMutant("Adam's powers not moved", adam, "T3", "beta2_power", fixed),
        FamilyMutant("Adam's powers from 1", adam, "T0", "initial beta1_power", ones),
        FamilyMutant("Adam's betas swapped", adam, "T3", f"m of {WEIGHTS}", _numbers(_betas_swapped)),
    ]


_POWERS = ("beta1_power", "beta2_power")


def _rmsprop() -> list[FamilyMutant]:
    plain, centered = _on(RMSProp(0.002, 0.9, 0.5, 0.01)), _on(RMSProp(0.002, 0.9, 0.5, 1e-3, centered=True))
    return [
        FamilyMutant("RMSProp's rms from 0", plain, "T0", f"initial rms of {WEIGHTS}", _from("rms", 0.0)),
        FamilyMutant("RMSProp's epsilon outside the root", plain, "T3", WEIGHTS, _move(_rmsprop_outside)),
        FamilyMutant("RMSProp multiplies by the rate twice", plain, "T3", WEIGHTS, _move(_rate_twice)),
        FamilyMutant("RMSProp's decay for its rest", plain, "T3", f"rms of {WEIGHTS}", _numbers(_decay_turned)),
        FamilyMutant("RMSProp not centered", centered, "T3", WEIGHTS, _move(_not_centered)),
    ]


def _adagrad() -> list[FamilyMutant]:
    adagrad, adadelta = _on(Adagrad(0.05, 0.2)), _on(Adadelta(1.0, 0.9, 1e-6))
    accumulator = f"initial accumulator of {WEIGHTS}"
    return [
        FamilyMutant("Adagrad's accumulator from 0", adagrad, "T0", accumulator, _from("accumulator", 0.0)),
        FamilyMutant("Adagrad by the old accumulator", adagrad, "T3", WEIGHTS, _move(_late_adagrad)),
        FamilyMutant("Adagrad without the root", adagrad, "T3", WEIGHTS, _move(_rootless)),
        FamilyMutant(
            "Adadelta's epsilon 1e-8", adadelta, "T3", WEIGHTS, _numbers(lambda h: {"epsilon": h["epsilon"] / 100})
        ),
        FamilyMutant("Adadelta remembers the rate", _on(Adadelta(0.5, 0.9, 1e-6)), *_ACCUM_UPDATE, _move(_rate_within)),
    ]


_ACCUM_UPDATE = ("T3", f"accum_update of {WEIGHTS}")


def _ftrl() -> list[FamilyMutant]:
    plain = _on(Ftrl(0.5, l1_regularization_strength=1e-3, l2_regularization_strength=0.05))
    shrunk = _on(Ftrl(0.5, learning_rate_power=-0.3, l2_shrinkage_regularization_strength=0.5))
    root = _numbers(lambda h: {"learning_rate_power": h["learning_rate_power"] - 0.2})
    return [
        FamilyMutant("Ftrl's accum from 0", plain, "T0", f"initial accum of {WEIGHTS}", _from("accum", 0.0)),
        FamilyMutant("Ftrl's l1 left out", plain, "T3", WEIGHTS, _numbers(lambda h: {L1: 0 * h[L1]})),
        FamilyMutant("Ftrl's l2 not doubled", plain, "T3", WEIGHTS, _numbers(lambda h: {L2: h[L2] / 2})),
        FamilyMutant("Ftrl's root for its power", shrunk, "T3", f"linear of {WEIGHTS}", root),
        FamilyMutant("Ftrl's shrinkage in accum", shrunk, "T3", f"accum of {WEIGHTS}", _move(_shrunk_first)),
    ]


def _proximal() -> list[FamilyMutant]:
    descent, adagrad = _on(ProximalGradientDescent(0.1, 1e-3, 0.1)), _on(ProximalAdagrad(0.05, 0.2, 1e-3, 0.1))
    averaged = _on(AdagradDA(0.5, 0.2, 1e-4, 0.1))
    without_rate = _numbers(lambda h: {L1: h[L1] / h["learning_rate"]})
    squares = f"initial gradient_squared_accumulator of {WEIGHTS}"
    early = _numbers(lambda h: {"global_step": h["global_step"] - 1})
    return [
        FamilyMutant("proximal threshold without the rate", descent, "T3", WEIGHTS, without_rate),
        FamilyMutant("proximal l2 left out", descent, "T3", WEIGHTS, _numbers(lambda h: {L2: 0 * h[L2]})),
        FamilyMutant("proximal Adagrad by the plain rate", adagrad, "T3", WEIGHTS, _move(_plain_proximal)),
        FamilyMutant("dual averaging one step early", averaged, "T3", WEIGHTS, early),
        FamilyMutant("dual averaging keeps the weights", averaged, "T3", WEIGHTS, _move(_kept)),
        FamilyMutant(
            "dual averaging's squares from 0", averaged, "T0", squares, _from("gradient_squared_accumulator", 0.0)
        ),
    ]


def _on(optimizer: Optimizer) -> Program:
    return small(optimizer=optimizer, batching=MINIBATCHES)


def _rule(change: Callable[[Rule], Rule]) -> Change:
    """`change` of the optimizer's rule."""

    def changed(method: Method) -> Method:
        own: Any = method.optimizer
        return Method(Step(change(own.__self__.rule)).next_weights, method.clip, method.l2)

    return of_port(method=changed)


def _move(change: Callable[[Move], Move]) -> Change:
    return _rule(lambda rule: Rule(change(rule.move), rule.assigns, rule.next_scalars))


def _numbers(change: Callable[[Numbers], Numbers]) -> Change:
    """The right rule, some of its numbers changed."""
    return _move(lambda right: lambda v, g, slots, h: right(v, g, slots, {**h, **change(h)}))


def _initial(change: Callable[[Any], Any]) -> Change:
    """The optimizer's state before step 0."""

    def changed(slots_of: Callable[[Any], Slots]) -> Callable[[Any], Slots]:
        def wrong(params: Any) -> Slots:
            right = slots_of(params)
            return right._replace(optimizer=change(right.optimizer))

        return wrong

    return of_port(slots=changed)


def _from(slot: str, value: float) -> Change:
    """A slot starts full of another number."""

    def changed(state: Any) -> Any:
        full = jax.tree.map(functools.partial(jnp.full_like, fill_value=value), state.slots[slot])
        return state._replace(slots={**state.slots, slot: full})

    return _initial(changed)


def _dampened(right: Move) -> Move:
    return lambda v, g, slots, h: right(v, g * (1 - h["momentum"]), slots, h)


def _late_momentum(right: Move) -> Move:
    return lambda v, g, slots, h: (slots["momentum"] * h["learning_rate"], right(v, g, slots, h)[1])


def _nesterov_of_old(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        return (g + slots["momentum"] * h["momentum"]) * h["learning_rate"], right(v, g, slots, h)[1]

    return move


def _adam_inside(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        new = right(v, g, slots, h)[1]
        alpha = h["learning_rate"] * jnp.sqrt(1 - h["beta2_power"]) / (1 - h["beta1_power"])
        return new["m"] * alpha / jnp.sqrt(new["v"] + h["epsilon"]), new

    return move


def _betas_swapped(h: Numbers) -> Numbers:
    return {"beta1": h["beta2"], "beta2": h["beta1"]}


def _rmsprop_outside(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        new = right(v, g, slots, h)[1]
        moved = slots["momentum"] * h["momentum"] + g * h["learning_rate"] / (jnp.sqrt(new["rms"]) + h["epsilon"])
        return moved, {**new, "momentum": moved}

    return move


def _rate_twice(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        moved, new = right(v, g, slots, h)
        return moved * h["learning_rate"], new

    return move


def _decay_turned(h: Numbers) -> Numbers:
    return {"decay": 1 - h["decay"]}


def _not_centered(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        moved, new = RMSPROP.move(v, g, slots, h)
        return moved, {**right(v, g, slots, h)[1], **new}

    return move


def _late_adagrad(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        return g * h["learning_rate"] / jnp.sqrt(slots["accumulator"]), right(v, g, slots, h)[1]

    return move


def _rootless(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        new = right(v, g, slots, h)[1]
        return g * h["learning_rate"] / new["accumulator"], new

    return move


def _rate_within(right: Move) -> Move:
    """What is remembered of the updates is what the weights moved by."""

    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        moved, new = right(v, g, slots, h)
        accum = slots["accum_update"] * h["rho"] + moved * moved * (1 - h["rho"])
        return moved, {**new, "accum_update": accum}

    return move


def _shrunk_first(right: Move) -> Move:
    """The shrunk gradient is squared, too."""
    return lambda v, g, slots, h: right(v, g + 2 * h[SHRINKAGE] * v, slots, {**h, SHRINKAGE: 0 * h[SHRINKAGE]})


def _plain_proximal(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        return PROXIMAL_GRADIENT_DESCENT.move(v, g, slots, h)[0], right(v, g, slots, h)[1]

    return move


def _kept(right: Move) -> Move:
    def move(v: Any, g: Array, slots: Numbers, h: Numbers) -> tuple[Array, Numbers]:
        weights, new = right(v, g, slots, h)
        return v + weights, new

    return move
