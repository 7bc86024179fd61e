"""What TensorFlow 1.x's optimizers share: a rule for one tensor, its slots, and hyperparameters that are data."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxmlp.tf1.arguments import Number, number
from jaxmlp.tf1.rounding import fenced
from jaxmlp.tf1.schedules.schedule import Schedule

Numbers = dict[str, Array]
Slots = dict[str, Array]


class State(NamedTuple):
    """All that an optimizer remembers. Another rate needs no other compiled step: put it into `hyperparams`."""

    step: Array  # int32, updates done: TensorFlow's global_step
    hyperparams: dict[str, Any]  # float32 scalars by TensorFlow's argument names; learning_rate may be a Schedule
    slots: dict[str, Any]  # by TensorFlow's slot names, each a tree like the parameters
    scalars: Numbers  # one for all parameters: Adam's beta1_power and beta2_power, float32


@dataclass(frozen=True)
class Rule:
    """How one tensor changes. `move` gets its weights, gradient, slots and the numbers, all of the weights' dtype.

    It returns what is subtracted from the weights, or, if it `assigns`, the new weights; and the new slots.
    The numbers are the hyperparameters, the state's scalars, and global_step, which is 1 at the first update.
    """

    move: Callable[[Any, Array, Slots, Numbers], tuple[Array, Slots]]
    assigns: bool = False
    next_scalars: Callable[[Numbers], Numbers] = lambda _: {}  # after all tensors, from the numbers in float32


class Optimizer(optax.GradientTransformationExtraArgs):
    """optax's `init` and `update`, and TensorFlow's `apply_gradients`, which gives its weights to the bit.

    Where TensorFlow subtracts from the weights, `optax.apply_updates` gives the same bits. Where it makes them anew
    (Ftrl, both Proximal ones, AdagradDA) an update is the difference, and adding it may round once more: by half an ulp
    of the larger of the old and the new weight. A weight that becomes 0 is 0 either way.
    """

    def apply_gradients(self, grads: Any, state: State, params: Any) -> tuple[Any, State]:
        """The weights after one step, and the next state. ValueError if the trees differ."""
        step: Any = self.update
        return step.next_weights(grads, state, params)


@dataclass(frozen=True)
class Step:
    """One step by a rule: called, it is optax's update function. One object a rule, for `jax.jit` knows it by that."""

    rule: Rule

    def __call__(self, grads: Any, state: State, params: Any = None, **_: Any) -> tuple[Any, State]:
        """What `optax.apply_updates` adds to the weights, in their dtype, and the next state."""
        change = self._changes(grads, state, params)
        if self.rule.assigns:
            return jax.tree.map(lambda new, old: fenced(new - old), change[0], params), change[1]
        return jax.tree.map(jnp.negative, change[0]), change[1]

    def next_weights(self, grads: Any, state: State, params: Any) -> tuple[Any, State]:
        """The weights themselves, and the next state."""
        change, state = self._changes(grads, state, params)
        return (change if self.rule.assigns else jax.tree.map(jnp.subtract, params, change)), state

    def _changes(self, grads: Any, state: State, params: Any) -> tuple[Any, State]:
        if params is None and self.rule.assigns:
            raise ValueError("params is None; this optimizer makes the weights anew from the old ones: hand them over")
        tree = jax.tree.structure(grads if params is None else params)
        numbers = _numbers(state)
        weights = [None] * tree.num_leaves if params is None else tree.flatten_up_to(params)
        slots = [dict(zip(state.slots, each, strict=True)) for each in zip(*_columns(tree, state.slots), strict=True)]
        slots = slots or [{} for _ in weights]
        moved = [
            self.rule.move(weight, grad, own, {k: n.astype(grad.dtype) for k, n in numbers.items()})
            for weight, grad, own in zip(weights, tree.flatten_up_to(grads), slots, strict=True)
        ]
        new_slots = {name: tree.unflatten([own[name] for _, own in moved]) for name in state.slots}
        scalars = self.rule.next_scalars(numbers)
        state = State(jnp.asarray(optax.safe_increment(state.step)), state.hyperparams, new_slots, scalars)
        return tree.unflatten([change for change, _ in moved]), state


def _columns(tree: Any, slots: Mapping[str, Any]) -> list[list[Any]]:
    return [tree.flatten_up_to(slot) for slot in slots.values()]


def _numbers(state: State) -> Numbers:
    """What the rule computes with at this step: a schedule's value in place of the schedule."""
    known = {
        k: v.in_training(state.step) if isinstance(v, Schedule) else jnp.asarray(v)
        for k, v in state.hyperparams.items()
    }
    known = {k: v.astype(jnp.float32) for k, v in known.items()}
    return {**known, **state.scalars, "global_step": (state.step + 1).astype(jnp.float32)}


step_of = functools.cache(Step)


def make(
    rule: Rule, hyperparams: dict[str, Any], slots: dict[str, Number], scalars: Numbers | None = None
) -> Optimizer:
    """The optimizer of a rule; each slot starts full of one number."""

    def init(params: Any) -> State:
        filled = {name: jax.tree.map(functools.partial(_full, value), params) for name, value in slots.items()}
        own = jax.tree.map(jnp.array, (hyperparams, scalars or {}))  # copies, for a step may donate its state
        return State(jnp.zeros((), jnp.int32), own[0], filled, own[1])

    step: Any = step_of(rule)
    return Optimizer(init, step)


def _full(value: Number, like: Any) -> Array:
    return jnp.full_like(like, jnp.asarray(value).astype(jnp.asarray(like).dtype))


def rate(learning_rate: Number | Schedule) -> Array | Schedule:
    """The learning rate as the state holds it. ValueError if it is neither a number nor a Schedule."""
    return learning_rate if isinstance(learning_rate, Schedule) else number("learning_rate", learning_rate)
