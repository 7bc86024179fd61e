"""Mutants between the logits and the optimizer: activations' derivatives, penalties, clipping, sums over a batch."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxmlp.method import Method
from jaxmlp.model import Params
from jaxmlp.network import Network, Pass, activation
from jaxmlp.program import L2, Adam, ClipByGlobalNorm, ClipByNorm, ClipByValue, Constant
from jaxmlp.tf1 import clipping
from parity.mutants.family.mutant import MINIBATCHES, Change, FamilyMutant, dense, of_port, small, with_port
from parity.mutants.mutant import WrongSums, sending_back
from parity.subject.stepwise import Stepwise

Activation = Callable[[Array], Array]

# Biases are 0 and some images blank, so these units sit on their kink, in every layer; relu6 lets nothing through.
KINKED = small(*(dense(16, activation=name) for name in ("relu6", "leaky_relu", "leaky_maximum", "selu")))
SMOOTH = small(*(dense(16, activation=name) for name in ("tanh", "sigmoid", "softsign", "softplus", "elu")))
PENALIZED = small(dense(12, bias=Constant(0.3)), l2=L2(0.02))
CLIPPED = small(dense(12), clipping=ClipByGlobalNorm(0.1), optimizer=Adam(1e-3))


def mutants() -> list[FamilyMutant]:
    """Activations, penalties, clipping, sums."""
    return [*_at_kinks(), *_derivatives(), *_penalties(), *_clippings(), *_sums()]


def _at_kinks() -> list[FamilyMutant]:
    """JAX's own, which look alike."""
    wrong: list[tuple[str, Activation]] = [
        ("jnp.clip for relu6: half a gradient at 0", lambda x: jnp.clip(x, 0, 6)),
        ("jax.nn.leaky_relu", lambda x: jax.nn.leaky_relu(x, 0.2)),
        ("jnp.maximum(0.2 x, x): half of each at 0", lambda x: jnp.maximum(0.2 * x, x)),
        ("jax.nn.selu", jax.nn.selu),
    ]
    return [
        FamilyMutant(name, KINKED, "T2b", f"biases_{i}", _activation(i, function))
        for i, (name, function) in enumerate(wrong, 1)
    ]


def _derivatives() -> list[FamilyMutant]:
    """Of x and y, what the derivative is taken for."""
    wrong: list[tuple[str, Callable[[Array, Array], Array]]] = [
        ("tanh's derivative 1 - y", lambda x, y: 1 - y),
        ("sigmoid's derivative 1 - y", lambda x, y: 1 - y),
        ("softsign's derivative without its square", lambda x, y: 1 / (1 + jnp.abs(x))),
        ("softplus's derivative y", lambda x, y: y),
        ("elu's derivative y + 1 everywhere", lambda x, y: y + 1),
    ]
    return [
        FamilyMutant(
            name, SMOOTH, "T2b", f"weights_{i}", _activation(i, _deriving(SMOOTH.layers[i - 1].activation, by))
        )
        for i, (name, by) in enumerate(wrong, 1)
    ]


def _penalties() -> list[FamilyMutant]:
    return [
        FamilyMutant("biases penalized, too", PENALIZED, "T2", "biases_1", of_port(method=_of_all)),
        FamilyMutant("the penalty's half forgotten", PENALIZED, "T1", "loss", _method(penalty=_doubled)),
        FamilyMutant("no penalty in the loss", PENALIZED, "T1", "loss", _method(penalty=lambda right, *_: None)),
        FamilyMutant("no penalty in the gradient", PENALIZED, "T2", "weights_1", _method(regularized=_unpenalized)),
        FamilyMutant("the penalty's gradient doubled", PENALIZED, "T2", "weights_2", _method(regularized=_twice)),
    ]


def _clippings() -> list[FamilyMutant]:
    by_norm = dataclasses.replace(CLIPPED, clipping=ClipByNorm(0.05))
    by_value = dataclasses.replace(CLIPPED, clipping=ClipByValue(-0.002, 0.004))
    place = ("T3", "clipped weights_1")
    each = _clip(lambda grads, limits: jax.tree.map(lambda g: clipping.clip_by_norm(g, limits["clip_norm"]), grads))
    together = _clip(lambda grads, limits: clipping.clip_by_global_norm(grads, limits["clip_norm"])[0])
    same = _clip(lambda grads, limits: jax.tree.map(lambda g: jnp.clip(g, -limits[_MOST], limits[_MOST]), grads))
    squared = _clip(lambda grads, limits: clipping.clip_by_global_norm(grads, **limits, use_norm=_squares(grads))[0])
    return [
        FamilyMutant("clipped by each norm for the global one", CLIPPED, *place, each),
        FamilyMutant("clipped by the sum of squares", CLIPPED, *place, squared),
        FamilyMutant("not clipped", CLIPPED, *place, _clip(lambda grads, limits: grads)),
        FamilyMutant("clipped by the global norm for each", by_norm, *place, together),
        FamilyMutant("clipped alike on both sides", by_value, *place, same),
    ]


_MOST = "clip_value_max"


def _sums() -> list[FamilyMutant]:
    program = small(dense(12), batching=MINIBATCHES)
    return [
        FamilyMutant("a batch's gradient over all images", program, "T2", "weights_1", _share(64 / 256)),
        FamilyMutant("a batch's gradient over one image less", program, "T2", "weights_2", _share(64 / 63)),
    ]


def _activation(layer: int, wrong: Activation) -> Change:
    """The forward pass with another activation behind one hidden layer, counted from 1; nothing is dropped."""

    def changed(subject: Stepwise) -> Stepwise:
        names = [one.activation for one in subject.port.program.layers]
        functions = [wrong if i == layer else activation(name) for i, name in enumerate(names, 1)]
        network = Network.of(subject.port.program)

        def forward(inputs: Array, rest: Params, masks: Any) -> Pass:
            return _passed(network, functions, inputs, rest)

        return with_port(forward=forward)(subject)

    return changed


def _passed(network: Network, functions: list[Activation], inputs: Array, rest: Params) -> Pass:
    alone = dataclasses.replace(network, activations="identity")  # the output layer's, and the pixels' scale
    before, hidden = [alone.forward(inputs, rest[:1]).logits], []
    for i, function in enumerate(functions):
        hidden.append(function(before[-1]))
        product = jnp.matmul(hidden[-1], rest[i + 1].weights, precision=jax.lax.Precision.HIGHEST)
        before.append(product + rest[i + 1].biases[None])
    return Pass(tuple(before[:-1]), tuple(hidden), before[-1])


def _deriving(name: str, by: Callable[[Array, Array], Array]) -> Activation:
    right: Any = activation(name)
    return sending_back(right, lambda inputs, grad: (grad * by(inputs[0], right(inputs[0])),))


def _of_all(method: Method) -> Method:
    return dataclasses.replace(method, l2="all")


def _method(**changes: Callable[..., Any]) -> Change:
    """Methods of the port's method replaced: each is told the right one first."""

    def changed(right: Method) -> Method:
        own = {name: _bound(getattr(right, name), change) for name, change in changes.items()}
        fields = {field.name: getattr(right, field.name) for field in dataclasses.fields(right)}
        return type("WrongMethod", (Method,), own)(**fields)

    return of_port(method=changed)


def _bound(right: Callable[..., Any], change: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *arguments: change(right, *arguments)


def _doubled(right: Callable[..., Any], *arguments: Any) -> Any:
    return 2 * right(*arguments)


def _unpenalized(right: Callable[..., Any], grads: Params, slots: Any, params: Params) -> Params:
    return grads


def _twice(right: Callable[..., Any], grads: Params, slots: Any, params: Params) -> Params:
    return right(right(grads, slots, params), slots, params)


def _clip(wrong: Callable[[Params, dict[str, Array]], Params]) -> Change:
    def clip(grads: Params, state: Any) -> tuple[Params, Any]:
        return wrong(grads, state.limits), state

    return of_port(method=lambda method: dataclasses.replace(method, clip=clip))


def _squares(grads: Params) -> Array:
    return jnp.square(clipping.global_norm(grads))


def _share(factor: float) -> Change:
    """The engine's sums of the gradient times a factor."""

    def changed(right: Any, *arguments: Any) -> Any:
        totals, grads = right(*arguments)
        return totals, jax.tree.map(lambda grad: grad * factor, grads)

    def engine(subject: Stepwise) -> Stepwise:
        placed = subject.port.placed
        return with_port(placed=placed._replace(engine=WrongSums(placed.engine, changed)))(subject)

    return engine
