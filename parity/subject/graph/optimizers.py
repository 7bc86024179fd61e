"""TensorFlow's update ops, `Apply…`: by the rules of `jaxmlp.tf1.optimizers`; a few that those have not, here.

Kernels: core/kernels/training_ops.cc; the order of inputs: core/ops/training_ops.cc. A move gets a node's attributes
and inputs, the old values of the variables first, and gives their new values.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from jaxmlp.tf1.optimizers.adagrad import ADADELTA, ADAGRAD, reciprocal_root
from jaxmlp.tf1.optimizers.adam import ADAM
from jaxmlp.tf1.optimizers.descent import GRADIENT_DESCENT, MOMENTUM, NESTEROV
from jaxmlp.tf1.optimizers.ftrl import FTRL, FTRL_POWER
from jaxmlp.tf1.optimizers.optimizer import Rule
from jaxmlp.tf1.optimizers.proximal import ADAGRAD_DA, L1, L2, PROXIMAL_ADAGRAD, PROXIMAL_GRADIENT_DESCENT
from jaxmlp.tf1.optimizers.rmsprop import CENTERED, RMSPROP
from jaxmlp.tf1.rounding import over, root, times
from parity.subject.graph.kinds import held
from parity.subject.graph.values import Value, known

Move = Callable[..., list[Value]]
SHRINKAGE = "l2_shrinkage_regularization_strength"
RATE, GRADIENT = "learning_rate", "gradient"


def by_rule(rule: Rule, slots: str, arguments: Sequence[str]) -> Move:
    """`slots`: the rule's names of the variables beside the weights; `arguments`: of the other inputs, in order."""
    names = slots.split()

    def move(_: Any, weights: Value, *inputs: Value) -> list[Value]:
        held, rest = inputs[: len(names)], dict(zip(arguments, inputs[len(names) :], strict=True))
        gradient = jnp.asarray(rest.pop(GRADIENT))
        numbers = {name: jnp.asarray(value).astype(gradient.dtype) for name, value in rest.items()}
        changed, after = rule.move(jnp.asarray(weights), gradient, dict(zip(names, held, strict=True)), numbers)
        return [changed if rule.assigns else weights - changed, *(after[name] for name in names)]

    return move


def by_attribute(name: str, otherwise: Move, where_set: Move) -> Move:
    """Of two moves, by a flag of the node."""
    return lambda attributes, *inputs: (where_set if attributes.get(name) else otherwise)(attributes, *inputs)


def _ftrl(*arguments: str) -> Move:
    """By the root where the power is -0.5: a constant of the graph, but for tf.keras, which keeps it in a variable."""
    moves = [by_rule(rule, "accum linear", arguments) for rule in (FTRL, FTRL_POWER)]
    place = 3 + arguments.index("learning_rate_power")

    def move(attributes: Any, *inputs: Value) -> list[Value]:
        if known(power := inputs[place]):
            return moves[float(power) != -0.5](attributes, *inputs)
        root, any_power = (one(attributes, *inputs) for one in moves)
        return [jnp.where(power == -0.5, *both) for both in zip(root, any_power, strict=True)]

    return move


def _without_shrinkage(attributes: Any, *inputs: Value) -> list[Value]:
    """ApplyFtrl is ApplyFtrlV2 without it."""
    *rest, power = inputs
    return FTRL_V2(attributes, *rest, jnp.zeros_like(power), power)


def _adagrad(attributes: Any, weights: Value, accumulator: Value, rate: Value, g: Value) -> list[Value]:
    """`update_slots` False, tf.keras' way of not accumulating, leaves the accumulator as it is."""
    if attributes.get("update_slots", True):
        return ACCUMULATING(attributes, weights, accumulator, rate, g)
    return [weights - times(g, rate, reciprocal_root(accumulator)), accumulator]


def _adagrad_v2(
    attributes: Any, weights: Value, accumulator: Value, rate: Value, epsilon: Value, g: Value
) -> list[Value]:
    """accumulator += g * g; v -= g * rate / (sqrt(accumulator) + epsilon)."""
    total = accumulator + times(g, g) if attributes.get("update_slots", True) else accumulator
    return [weights - over(times(g, rate), root(total) + epsilon), total]


def _nesterov_adam(_: Any, weights: Value, m: Value, v: Value, *rest: Value) -> list[Value]:
    """v -= (m * beta1 + (1 - beta1) * g) * alpha / (sqrt(v_slot) + epsilon)."""
    power1, power2, rate, beta1, beta2, epsilon, g = rest
    alpha = over(times(rate, root(1 - power2)), 1 - power1)
    m, v = m + times(g - m, 1 - beta1), v + times(times(g, g) - v, 1 - beta2)
    moved = times(times(g, 1 - beta1) + times(beta1, m), alpha)
    return [weights - over(moved, root(v) + epsilon), m, v]


def _amsgrad(_: Any, weights: Value, m: Value, v: Value, largest: Value, *rest: Value) -> list[Value]:
    """Adam whose root is that of the largest v so far."""
    power1, power2, rate, beta1, beta2, epsilon, g = rest
    alpha = over(times(rate, root(1 - power2)), 1 - power1)
    m, v = m + times(g - m, 1 - beta1), v + times(times(g, g) - v, 1 - beta2)
    largest = jnp.maximum(largest, v)
    return [weights - over(times(m, alpha), root(largest) + epsilon), m, v, largest]


def _adamax(_: Any, weights: Value, m: Value, v: Value, *rest: Value) -> list[Value]:
    """v = max(beta2 * v, |g|); weights -= rate / (1 - beta1_power) * (m / (v + epsilon))."""
    power, rate, beta1, beta2, epsilon, g = rest
    m, v = m + times(g - m, 1 - beta1), jnp.maximum(times(beta2, v), jnp.abs(g))
    return [weights - times(over(rate, 1 - power), over(m, v + epsilon)), m, v]


def _keras_momentum(attributes: Any, weights: Value, accumulator: Value, *rest: Value) -> list[Value]:
    """a = a * momentum - g * rate; v += a. Nesterov: v += a * momentum - g * rate."""
    rate, g, momentum = rest
    a = times(accumulator, momentum) - times(g, rate)
    moved = times(a, momentum) - times(g, rate) if attributes.get("use_nesterov") else a
    return [weights + moved, a]


def of_rows(move: Move, variables: int, place: int) -> Move:
    """`SparseApply…`: the same move of a few rows of its first inputs; their indices, all different, are at `place`."""

    def moved(attributes: Any, *inputs: Value) -> list[Value]:
        rows, rest = jnp.asarray(inputs[place]), [*inputs[:place], *inputs[place:][1:]]
        whole = [jnp.asarray(one) for one in rest[:variables]]
        new = move(attributes, *(one[rows] for one in whole), *rest[variables:])
        return [one.at[rows].set(part) for one, part in zip(whole, new, strict=True)]

    return moved


ADAM_ARGUMENTS = ("beta1_power", "beta2_power", RATE, "beta1", "beta2", "epsilon", GRADIENT)
RMSPROP_ARGUMENTS = (RATE, "decay", "momentum", "epsilon", GRADIENT)
ACCUMULATING = by_rule(ADAGRAD, "accumulator", (RATE, GRADIENT))
FTRL_V2 = _ftrl(
    GRADIENT, RATE, "l1_regularization_strength", "l2_regularization_strength", SHRINKAGE, "learning_rate_power"
)
MOVES: dict[str, Move] = {
    "ApplyGradientDescent": by_rule(GRADIENT_DESCENT, "", (RATE, GRADIENT)),
    "ApplyMomentum": by_attribute(
        "use_nesterov",
        by_rule(MOMENTUM, "momentum", (RATE, GRADIENT, "momentum")),
        by_rule(NESTEROV, "momentum", (RATE, GRADIENT, "momentum")),
    ),
    "ApplyKerasMomentum": _keras_momentum,
    "ApplyAdam": by_attribute("use_nesterov", by_rule(ADAM, "m v", ADAM_ARGUMENTS), _nesterov_adam),
    "ApplyAdamWithAmsgrad": _amsgrad,
    "ApplyAdaMax": _adamax,
    "ApplyRMSProp": by_rule(RMSPROP, "rms momentum", RMSPROP_ARGUMENTS),
    "ApplyCenteredRMSProp": by_rule(CENTERED, "mg rms momentum", RMSPROP_ARGUMENTS),
    "ApplyAdagrad": _adagrad,
    "ApplyAdagradV2": _adagrad_v2,
    "ApplyAdadelta": by_rule(ADADELTA, "accum accum_update", (RATE, "rho", "epsilon", GRADIENT)),
    "ApplyFtrl": _without_shrinkage,
    "ApplyFtrlV2": FTRL_V2,
    "ApplyProximalGradientDescent": by_rule(PROXIMAL_GRADIENT_DESCENT, "", (RATE, L1, L2, GRADIENT)),
    "ApplyProximalAdagrad": by_rule(PROXIMAL_ADAGRAD, "accumulator", (RATE, L1, L2, GRADIENT)),
    "ApplyAdagradDA": by_rule(
        ADAGRAD_DA,
        "gradient_accumulator gradient_squared_accumulator",
        (GRADIENT, RATE, L1, L2, "global_step"),  # the number of this update, from 1
    ),
}
# Of the sparse ones' inputs, counted from the last, where it is not the last.
INDICES = {"Momentum": -2, "KerasMomentum": -2, "Ftrl": -5, "FtrlV2": -6, "AdagradDA": -5}
MOVES |= {
    f"Sparse{op}": of_rows(move, held(op), INDICES.get(op.removeprefix("Apply"), -1)) for op, move in MOVES.items()
}
