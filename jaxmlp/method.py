"""From the gradient of a batch to the next weights: L2 penalty, clipping, optimizer, each as its `Program` says.

A `Method` has no numbers, so that programs which differ in these alone share a compiled step: they are in the `Slots`.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
import optax
from jax import Array

from jaxmlp.errors import ConfigError
from jaxmlp.model import Params
from jaxmlp.program import (
    Adadelta,
    Adagrad,
    Adam,
    ClipByGlobalNorm,
    ClipByNorm,
    ClipByValue,
    Clipping,
    Ftrl,
    GradientDescent,
    Momentum,
    Optimizer,
    Program,
    ProximalAdagrad,
    RMSProp,
)
from jaxmlp.program.optimizers import Rate
from jaxmlp.tf1 import clipping, losses, optimizers, schedules

Apply = Callable[[Params, Any, Params], tuple[Params, Any]]  # gradient, state, weights -> weights, state


class Slots(NamedTuple):
    """All that a method remembers from step to step, and its numbers."""

    optimizer: Any
    clipping: Any = None
    l2: Array | None = None  # the penalty's scale


@dataclasses.dataclass(frozen=True)
class Method:
    """How a step goes on from the mean gradient of the loss."""

    optimizer: Apply
    clip: Callable[..., Any] | None = None  # an optax update function
    l2: Literal["", "weights", "all"] = ""  # what it is over

    def __call__(self, mean: Params, slots: Slots, params: Params) -> tuple[Params, Slots]:
        """The next weights and slots, of the mean gradient of the images' losses."""
        return self.updated(self.clipped(self.regularized(mean, slots, params), slots), slots, params)

    def penalty(self, params: Params, slots: Slots) -> Array | None:
        """What the L2 penalty adds to the loss; None where there is none."""
        if slots.l2 is None:
            return None
        return slots.l2 * sum(losses.l2_loss(array) for array in jax.tree.leaves(self._penalized(params)))

    def regularized(self, grads: Params, slots: Slots, params: Params) -> Params:
        """The gradient of loss and penalty."""
        if slots.l2 is None:
            return grads
        pulled = [slots.l2 * array for array in jax.tree.leaves(self._penalized(params))]
        penalized, tree = jax.tree.flatten(self._penalized(grads))
        added = tree.unflatten([grad + pull for grad, pull in zip(penalized, pulled, strict=True)])
        pairs = zip(grads, added, strict=True)
        return tuple(new if new.biases is not None else new._replace(biases=old.biases) for old, new in pairs)

    def clipped(self, grads: Params, slots: Slots) -> Params:
        """What arrives at the optimizer."""
        return grads if self.clip is None else self.clip(grads, slots.clipping)[0]

    def updated(self, grads: Params, slots: Slots, params: Params) -> tuple[Params, Slots]:
        """The next weights and slots."""
        params, state = self.optimizer(grads, slots.optimizer, params)
        return params, slots._replace(optimizer=state)

    def _penalized(self, params: Params) -> Params:
        return params if self.l2 == "all" else tuple(layer._replace(biases=None) for layer in params)


def method_of(program: Program) -> Method:
    """The program's: equal for programs that differ in numbers alone."""
    l2 = "" if program.l2 is None else "all" if program.l2.biases else "weights"
    clip = None if program.clipping is None else _clipping(program.clipping).update
    return Method(_optimizer(program.optimizer)[1], clip, l2)


def slots_of(program: Program, params: Params) -> Slots:
    """The slots before step 0, for weights of these shapes and this dtype."""
    dtype = params[-1].weights.dtype
    l2 = None if program.l2 is None else jax.device_put(np.asarray(program.l2.scale, np.float32).astype(dtype))
    with jax.transfer_guard("allow"):  # numbers go to the device, as they must
        clip = None if program.clipping is None else _clipping(program.clipping).init(params)  # pyright: ignore[reportArgumentType]
        return Slots(_optimizer(program.optimizer)[0](params), clip, l2)


def stays_without_gradient(program: Program) -> bool:
    """Whether weights that never have a gradient stay what they were, to the bit.

    Not where a penalty pulls at them, where clipping makes a gradient of 0, or under an optimizer that makes weights
    anew from its slots, as Ftrl does; nor where it would divide 0 by 0.
    """
    clipping, optimizer = program.clipping, program.optimizer
    clipped = isinstance(clipping, ClipByValue) and not clipping.clip_value_min <= 0 <= clipping.clip_value_max
    if program.l2 is not None or clipped:
        return False
    if isinstance(optimizer, Adam):
        return bool(np.float32(max(optimizer.beta1, optimizer.beta2)) < 1 and np.float32(optimizer.epsilon) > 0)
    if isinstance(optimizer, RMSProp | Adadelta):
        return bool(np.float32(optimizer.epsilon) > 0)
    return isinstance(optimizer, GradientDescent | Momentum | Adagrad)


def require_rates(optimizer: Optimizer, steps: int) -> None:
    """Raises ConfigError where a schedule reaches 0 under an optimizer whose kernel in TensorFlow then stops."""
    schedule = optimizer.learning_rate
    if not isinstance(optimizer, Ftrl | ProximalAdagrad) or isinstance(schedule, int | float):
        return
    with jax.transfer_guard("allow"):
        rates = np.asarray(jax.vmap(rate(schedule).in_training)(np.arange(steps, dtype=np.int32)))
    if (rates > 0).all():
        return
    step = int(np.argmin(rates > 0))
    raise ConfigError(
        f"the schedule {schedule.kind} comes to a rate of {rates[step]:g} at step {step}, "
        f"and there TensorFlow's {optimizer.kind} stops: let it end above 0, or take {step} steps"
    )


def descent(learning_rate: float) -> optax.GradientTransformationExtraArgs:
    """Plain gradient descent with the rate in its state.

    XLA may contract the product with the subtraction, so its bits are not always those of the `gradient_descent` in
    `tf1.optimizers`, which rounds both as TensorFlow does; parity's T3 allows for that.
    """
    return optax.inject_hyperparams(optax.sgd)(learning_rate=learning_rate)


DESCENT = descent(math.nan)  # its update reads the rate in the state, so one serves every program


def from_optax(transformation: optax.GradientTransformation) -> Apply:
    """An optax transformation, which adds to the weights, as a `Method`'s optimizer."""

    def apply(grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    return apply


_descend = from_optax(DESCENT)


def _optimizer(optimizer: Optimizer) -> tuple[Callable[[Params], Any], Apply]:
    """Its state before step 0, and its step."""
    if isinstance(optimizer, GradientDescent) and not dataclasses.is_dataclass(optimizer.learning_rate):
        return lambda params: _descent_state(params, optimizer.learning_rate), _descend
    own = {field.name: getattr(optimizer, field.name) for field in dataclasses.fields(optimizer)}
    made: Any = getattr(optimizers, optimizer.kind)(**{**own, "learning_rate": rate(optimizer.learning_rate)})
    return made.init, made.update.next_weights


def rate(learning_rate: Rate) -> Any:
    """The number, or the `tf1.schedules.Schedule`."""
    if not dataclasses.is_dataclass(learning_rate):
        return learning_rate
    own = {field.name: getattr(learning_rate, field.name) for field in dataclasses.fields(learning_rate)}
    return getattr(schedules, learning_rate.kind)(**own)  # pyright: ignore[reportAttributeAccessIssue]


def _descent_state(params: Params, learning_rate: Any) -> Any:
    # Said in so many words: JAX_TRANSFER_GUARD forbids what is not.
    return _descent_slots(params, jax.device_put(np.asarray(learning_rate, params[-1].weights.dtype)))


@jax.jit
def _descent_slots(params: Params, learning_rate: Array) -> optax.OptState:
    return descent(learning_rate).init(params)  # pyright: ignore[reportArgumentType]


def _clipping(by: Clipping) -> optax.GradientTransformation:
    if isinstance(by, ClipByGlobalNorm):
        return clipping.by_global_norm(by.clip_norm)
    if isinstance(by, ClipByNorm):
        return clipping.by_norm(by.clip_norm)
    return clipping.by_value(by.clip_value_min, by.clip_value_max)
