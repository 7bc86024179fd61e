"""An update op of somebody's graph as the rule it follows, by TensorFlow's names of its arguments.

The rules are those that T3 holds the family to, of `compare/rules`; two more are Keras's own. An op that is not here
is followed by nobody: its results are compared within what the gradient's rounding explains, or not at all.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from parity.compare.rounded import HALF_ULP, Rounded, number, sqrt
from parity.compare.rules import Update, adaptive, descent, proximal
from parity.compare.rules.rule import Move
from parity.compare.rules.update import Numbers, Slots
from parity.compare.trace import StepTrace

ROWS = re.compile("^(Resource)?(SparseApply|Scatter(Add|Sub)$)")
LITERAL = {"learning_rate": 8}  # half ulps between two ways of decaying a rate
LR, L1, L2 = {"lr": "learning_rate"}, proximal.L1, proximal.L2
SHRUNK = {"l1": L1, "l2": L2}


class Kind(NamedTuple):
    """An op type: its rule, and the rule's names for the op's slots and numbers."""

    move: Move
    slots: Mapping[str, str]
    numbers: Mapping[str, str]
    fixed: Mapping[str, Any] = {}


def keras_momentum(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """a = a * momentum - g * learning_rate; v += a. Nesterov: v += a * momentum - g * learning_rate."""
    moved = g * h["learning_rate"]
    a = slots["momentum"] * h["momentum"] - moved
    return Update(v + (a * h["momentum"] - moved if h["use_nesterov"] else a), {"momentum": a})


def adagrad_v2(v: Rounded, g: Rounded, slots: Slots, h: Numbers) -> Update:
    """accumulator += g * g; v -= g * learning_rate / (sqrt(accumulator) + epsilon)."""
    accumulator = slots["accumulator"] + g * g
    return Update(v - g * h["learning_rate"] / (sqrt(accumulator) + h["epsilon"]), {"accumulator": accumulator})


KINDS = {
    "ApplyGradientDescent": Kind(descent.gradient_descent, {}, {"alpha": "learning_rate"}),
    "ApplyMomentum": Kind(descent.momentum, {"accum": "momentum"}, {**LR, "momentum": "momentum"}),
    "ApplyKerasMomentum": Kind(keras_momentum, {"accum": "momentum"}, {**LR, "momentum": "momentum"}),
    "ApplyAdam": Kind(
        adaptive.adam,
        {"m": "m", "v": "v"},
        {**LR, **{name: name for name in ("beta1", "beta2", "epsilon", "beta1_power", "beta2_power")}},
    ),
    "ApplyRMSProp": Kind(
        adaptive.rmsprop,
        {"ms": "rms", "mom": "momentum"},
        {**LR, "rho": "decay", "momentum": "momentum", "epsilon": "epsilon"},
        {"centered": False},
    ),
    "ApplyCenteredRMSProp": Kind(
        adaptive.rmsprop,
        {"ms": "rms", "mom": "momentum", "mg": "mg"},
        {**LR, "rho": "decay", "momentum": "momentum", "epsilon": "epsilon"},
        {"centered": True},
    ),
    "ApplyAdagrad": Kind(adaptive.adagrad, {"accum": "accumulator"}, LR),
    "ApplyAdagradV2": Kind(adagrad_v2, {"accum": "accumulator"}, {**LR, "epsilon": "epsilon"}),
    "ApplyAdadelta": Kind(
        adaptive.adadelta,
        {"accum": "accum", "accum_update": "accum_update"},
        {**LR, "rho": "rho", "epsilon": "epsilon"},
    ),
    "ApplyFtrl": Kind(
        proximal.ftrl,
        {"accum": "accum", "linear": "linear"},
        {**LR, **SHRUNK, "lr_power": "learning_rate_power"},
        {proximal.SHRINKAGE: 0.0},
    ),
    "ApplyFtrlV2": Kind(
        proximal.ftrl,
        {"accum": "accum", "linear": "linear"},
        {**LR, **SHRUNK, "lr_power": "learning_rate_power", "l2_shrinkage": proximal.SHRINKAGE},
    ),
    "ApplyProximalGradientDescent": Kind(proximal.proximal_gradient_descent, {}, {"alpha": "learning_rate", **SHRUNK}),
    "ApplyProximalAdagrad": Kind(proximal.proximal_adagrad, {"accum": "accumulator"}, {**LR, **SHRUNK}),
    "ApplyAdagradDA": Kind(
        proximal.adagrad_da,
        {
            "gradient_accumulator": "gradient_accumulator",
            "gradient_squared_accumulator": "gradient_squared_accumulator",
        },
        {**LR, **SHRUNK, "global_step": "global_step"},
    ),
}


def _chosen(where: np.ndarray, one: Rounded, other: Rounded) -> Rounded:
    return Rounded(np.where(where, one.value, other.value), np.where(where, one.error, other.error))


class Applied(NamedTuple):
    """One update op, as raw.json has it."""

    op: str
    type: str
    variable: str
    inputs: Mapping[str, Mapping[str, str]]  # argument: {"variable": name} or {"tensor": name}
    attributes: Mapping[str, Any]

    @property
    def rows(self) -> str | None:
        """Which rows it moves, as "OP/indices" of its numbers; None of an op that moves all."""
        return f"{self.op}/indices" if ROWS.match(self.type) and "indices" in self.inputs else None

    @property
    def kind(self) -> Kind | None:
        """None where no rule is known of it."""
        kind = KINDS.get(self.type.removeprefix("Resource").replace("SparseApply", "Apply"))
        if kind and kind.move is adaptive.adam and self.attributes.get("use_nesterov"):
            return None
        return kind

    @property
    def slots(self) -> dict[str, str]:
        """The rule's slots by the names of their variables; raises KeyError for one that is none."""
        assert self.kind
        return {self.inputs[argument]["variable"]: slot for argument, slot in self.kind.slots.items()}

    def numbers(self, one: StepTrace) -> dict[str, Any]:
        """What the rule is told beside tensors, at this step. Raises KeyError for what was not recorded."""
        assert self.kind
        given = {name: self._number(one, argument) for argument, name in self.kind.numbers.items()}
        flags = {"use_nesterov": bool(self.attributes.get("use_nesterov", False)), **self.kind.fixed}
        return {name: value if isinstance(value, bool) else number(value) for name, value in (given | flags).items()}

    def written(self, one: StepTrace) -> dict[str, Any]:
        """The same as somebody else may have them: Python's 0.999 is not float32's, nor is 1 less it."""
        told = self.numbers(one)
        half_ulps = {name: LITERAL.get(name, 1) for name in told if not name.endswith("_power")}
        return told | {
            name: Rounded(told[name].value, count * HALF_ULP * np.abs(told[name].value))
            for name, count in half_ulps.items()
            if not isinstance(told[name], bool)
        }

    def follow(self, one: StepTrace, grad: Rounded | np.ndarray, written: bool = False) -> Update | None:
        """What the rule makes of the recorded start and this gradient; slots by the names of their variables.

        `written`: of numbers as somebody else has them. None where no rule is known, or not all was recorded.
        """
        if self.kind is None:
            return None
        try:
            numbers, slots = self.written(one) if written else self.numbers(one), self.slots
            own = {slot: Rounded.of(one.start[f"slots/{name}"].array) for name, slot in slots.items()}
            weights = Rounded.of(one.start[f"weights/{self.variable}"].array)
        except KeyError:
            return None
        made = self.kind.move(weights, grad if isinstance(grad, Rounded) else Rounded.of(grad), own, numbers)
        made = self._within(one, made, weights, own)
        return Update(made.weights, {name: made.slots[slot] for name, slot in slots.items() if slot in made.slots})

    def _within(self, one: StepTrace, made: Update, weights: Rounded, own: Slots) -> Update:
        """Other rows than those that it moves stay as they are."""
        if self.rows is None:
            return made
        moved = np.zeros(weights.value.shape, bool)
        moved[one.start[f"numbers/{self.rows}"].array.reshape(-1)] = True
        slots = {slot: _chosen(moved, made.slots[slot], own[slot]) for slot in own if slot in made.slots}
        return Update(_chosen(moved, made.weights, weights), slots)

    def _number(self, one: StepTrace, argument: str) -> Any:
        told = self.inputs[argument]
        key = f"slots/{told['variable']}" if "variable" in told else f"numbers/{self.op}/{argument}"
        return one.start[key].array[()]
