"""An optimizer's rule with its numbers, as a program has them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from parity.compare.rounded import Rounded, number
from parity.compare.rules import adaptive, descent, proximal
from parity.compare.rules.clipping import Clip, clip_of
from parity.compare.rules.update import Numbers, Slots, Update
from parity.errors import CannotCompare

Move = Callable[[Rounded, Rounded, Slots, Numbers], Update]  # weights, gradient, slots, numbers

ACCUMULATOR = {"initial_accumulator_value": 0.1}
L1_L2 = {proximal.L1: 0.0, proximal.L2: 0.0}
# By kind: its move, and TensorFlow's defaults; None where it has none.
KINDS: dict[str, tuple[Move, dict[str, Any]]] = {
    "gradient_descent": (descent.gradient_descent, {"learning_rate": None}),
    "momentum": (descent.momentum, {"learning_rate": None, "momentum": None, "use_nesterov": False}),
    "adam": (adaptive.adam, {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
    "rmsprop": (
        adaptive.rmsprop,
        {"learning_rate": None, "decay": 0.9, "momentum": 0.0, "epsilon": 1e-10, "centered": False},
    ),
    "adagrad": (adaptive.adagrad, {"learning_rate": None, **ACCUMULATOR}),
    "adadelta": (adaptive.adadelta, {"learning_rate": 1e-3, "rho": 0.95, "epsilon": 1e-8}),
    "ftrl": (
        proximal.ftrl,
        {"learning_rate": None, "learning_rate_power": -0.5, **ACCUMULATOR, **L1_L2, proximal.SHRINKAGE: 0.0},
    ),
    "proximal_gradient_descent": (proximal.proximal_gradient_descent, {"learning_rate": None, **L1_L2}),
    "proximal_adagrad": (proximal.proximal_adagrad, {"learning_rate": None, **ACCUMULATOR, **L1_L2}),
    "adagrad_da": (
        proximal.adagrad_da,
        {"learning_rate": None, "initial_gradient_squared_accumulator_value": 0.1, **L1_L2},
    ),
}


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a step makes of a tensor and its gradient, `clip` of all gradients before."""

    kind: str
    hyperparams: Mapping[str, Any]  # by TensorFlow's argument names, none left out; the rate may be a schedule's fields
    clip: Clip | None = None

    def __call__(
        self,
        weights: np.ndarray,
        grads: np.ndarray,
        slots: Mapping[str, np.ndarray] | None = None,
        scalars: Mapping[str, Any] | None = None,
    ) -> Update:
        """The update of float32 arrays of one shape, the gradient as it arrives at the optimizer.

        `scalars`: what of beta1_power, beta2_power, global_step (updates done, this one among them) the rule needs;
        and learning_rate, if it is not the program's. Raises `CannotCompare` naming what is missing.
        """
        move, _ = KINDS[self.kind]
        numbers = {**self.hyperparams, **(scalars or {})}
        if isinstance(numbers["learning_rate"], Mapping):
            raise CannotCompare("the rate of this step is not told, and it follows a schedule: rate/rate is needed")
        h = {name: value if isinstance(value, bool) else number(value) for name, value in numbers.items()}
        own = {name: Rounded.of(slot) for name, slot in (slots or {}).items()}
        try:
            return move(Rounded.of(weights), Rounded.of(grads), own, h)
        except KeyError as error:
            raise CannotCompare(f"{self.kind} cannot be followed without {error.args[0]} before the step") from None

    def scalars_after(self, scalars: Mapping[str, Any]) -> dict[str, Rounded]:
        """Adam's beta1_power and beta2_power after the step, from those before it: float32 products."""
        powers = {"beta1_power": "beta1", "beta2_power": "beta2"} if self.kind == "adam" else {}
        return {power: number(scalars[power]) * self.hyperparams[beta] for power, beta in powers.items()}


def rule_of(program: Mapping[str, Any]) -> Rule:
    """The rule of a program's optimizer and clipping; `program` as `Program.as_dict` has it.

    Raises `CannotCompare` for an unknown optimizer, a hyperparameter it does not have, or one without a default that is
    left out.
    """
    given = dict(program["optimizer"])
    kind = given.pop("kind", "gradient_descent")
    if kind not in KINDS:
        raise CannotCompare(f"optimizer.kind is {kind!r}; rules are known for {', '.join(KINDS)}")
    defaults = KINDS[kind][1]
    for name in given.keys() - defaults.keys():
        raise CannotCompare(f"optimizer.{name} is {given[name]}; {kind} has only {', '.join(defaults)}")
    hyperparams = {**defaults, **given}
    for name in [name for name, value in hyperparams.items() if value is None]:
        raise CannotCompare(f"optimizer.{name} is left out; {kind} has no default of it")
    return Rule(kind, hyperparams, clip_of(program))
