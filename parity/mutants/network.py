"""Mutants of the network: its products, its layers, its loss, and what either sends back."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxmlp import model
from jaxmlp.model import Params, Totals
from jaxmlp.network import ORIGINAL, Pass
from parity.mutants.mutant import REFUSED, Change, Mutant, sending_back, with_engine


def mutants() -> list[Mutant]:
    """Forward, loss, backward."""
    return [*_forward(), *_losses(), *_backward()]


def _forward() -> list[Mutant]:
    changes = {
        "W2 transposed and reshaped": _output(weights=lambda w: w.T.reshape(w.shape)),
        "b1 after the ReLU": _network(_b1_after),
        "b1 left out of the forward pass": _rest(lambda rest: (_changed(rest[0], biases=jnp.zeros_like), *rest[1:])),
        "b2 left out of the forward pass": _output(biases=jnp.zeros_like),
        "one hidden unit unused": _output(weights=lambda w: w.at[-1].set(0)),
        "leaky ReLU, 1e-3": _relu(lambda z: jnp.where(z > 0, z, z * 1e-3)),
        "ReLU capped at 6": _relu(lambda z: jnp.clip(z, 0, 6)),
        "softplus in place of the ReLU": _relu(jax.nn.softplus),
        "TF32 matmul": _product(lambda x, w: _exact(x, _rounded(w, 10))),
        "bf16 matmul": _product(lambda x, w: _exact(x, _rounded(w, 7))),
        "pixels as signed bytes": _product(lambda x, w: _exact(x.view(jnp.int8), w)),
        "pixels clipped at 254": _product(lambda x, w: _exact(jnp.minimum(x, 254), w)),
    }
    return [Mutant(name, "T1b", "logits", change) for name, change in changes.items()]


def _losses() -> list[Mutant]:
    return [
        Mutant("log(softmax + 1e-10)", "T1", "loss", _totals(_log_of_softmax)),
        Mutant("label smoothing 1e-3", "T1", "loss", _totals(_smoothed)),
        Mutant("exponentials without taking the largest off", REFUSED, "loss", _totals(_overflowing)),
        Mutant("squared error's gradient", "T2", "biases_2", _totals(_squared_gradient)),
        Mutant("count of the second best", "T1", "correct", _totals(_second_best)),
    ]


def _backward() -> list[Mutant]:
    half, from_zero = _relu(_max_with_0), _relu(sending_back(_max_with_0, _from_zero))
    nothing = _relu(lambda z: jax.lax.stop_gradient(_max_with_0(z)))
    return [
        Mutant("maximum(z, 0): half a gradient at 0", "T2", "biases_1", half, only_step=0),
        Mutant("ReLU's gradient for z >= 0", "T2", "biases_1", from_zero, only_step=0),
        Mutant("ReLU's gradient always 1", "T2b", "weights_1", _relu(_straight_through)),
        Mutant("nothing sent back to the hidden layer", "T2b", "weights_1", nothing),
        Mutant("W2's gradient from before the ReLU", "T2b", "weights_2", _network(_w2_sees_z)),
        Mutant("b1's gradient summed in float16", "T2", "biases_1", _network(_b1_summed_in_float16)),
        Mutant("W1's gradient in one bf16 pass", "T2b", "weights_1", _product(sending_back(_exact, _in_one_pass))),
    ]


def _network(forward: Callable[[Array, Params, Any], Pass]) -> Change:
    return lambda port: dataclasses.replace(port, forward=forward)


def _rest(change: Callable[[Params], Params]) -> Change:
    """The right formula with `change(rest)`."""
    return _network(lambda inputs, rest, rows: ORIGINAL.forward(inputs, change(rest), rows))


def _output(**changes: Callable[[Array], Array]) -> Change:
    """The right formula with some fields of the last layer changed."""
    return _rest(lambda rest: (*rest[:-1], _changed(rest[-1], **changes)))


def _changed(layer: model.Layer, **changes: Callable[[Any], Array]) -> model.Layer:
    return layer._replace(**{field: change(getattr(layer, field)) for field, change in changes.items()})


def _relu(relu: Callable[[Array], Array]) -> Change:
    """The right formula of two layers with another activation."""

    def forward(inputs: Array, rest: Params, rows: Any) -> Pass:
        z = inputs + rest[0].biases
        return _two_layers(z, relu(z), rest)

    return _network(forward)


def _product(product: Callable[[Array, Array], Array]) -> Change:
    return with_engine(lambda engine: dataclasses.replace(engine, product=product))


def _totals(totals: Callable[[Array, Array], Totals]) -> Change:
    return lambda port: dataclasses.replace(port, totals=totals)


def _two_layers(z: Array, hidden: Array, rest: Params) -> Pass:
    return Pass((z,), (hidden,), _exact(hidden, rest[1].weights) + rest[1].biases)


def _b1_after(inputs: Array, rest: Params, rows: Any) -> Pass:
    return _two_layers(inputs, jax.nn.relu(inputs) + rest[0].biases, rest)


def _w2_sees_z(inputs: Array, rest: Params, rows: Any) -> Pass:
    """Right logits; but W2's gradient is made of the hidden units' inputs, not of what the ReLU lets through."""
    fixed, weights, z = jax.lax.stop_gradient, rest[1].weights, inputs + rest[0].biases
    right, wrong = _exact(jax.nn.relu(z), fixed(weights)) + rest[1].biases, _exact(fixed(z), weights)
    return Pass((z,), (jax.nn.relu(z),), right + (wrong - fixed(wrong)))


def _b1_summed_in_float16(inputs: Array, rest: Params, rows: Any) -> Pass:
    z = sending_back(_plus, _summed_in_float16)(inputs, rest[0].biases)
    return _two_layers(z, jax.nn.relu(z), rest)


def _plus(inputs: Array, biases: Array) -> Array:
    return inputs + biases


def _summed_in_float16(inputs: tuple[Array, Array], grad: Array) -> tuple[Array, Array]:
    def add(total: Array, row: Array) -> tuple[Array, None]:
        return jax.lax.reduce_precision(total + row, exponent_bits=5, mantissa_bits=10), None

    return grad, jax.lax.scan(add, jnp.zeros_like(grad[0]), grad)[0] if len(grad) else grad.sum(axis=0)


def _from_zero(inputs: tuple[Array], grad: Array) -> tuple[Array]:
    return (jnp.where(inputs[0] >= 0, grad, 0),)


def _max_with_0(z: Array) -> Array:
    return jnp.maximum(z, 0)


def _straight_through(z: Array) -> Array:
    return z + jax.lax.stop_gradient(_max_with_0(z) - z)


def _exact(left: Array, right: Any) -> Array:
    return jnp.matmul(left.astype(right.dtype), right, precision=jax.lax.Precision.HIGHEST)


def _rounded(x: Array, bits: int) -> Array:
    """float32 rounded to so many bits after the leading one; the gradient passes unchanged."""
    raw = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(x), jnp.uint32)
    half, mask = jnp.uint32(1 << (22 - bits)), jnp.uint32((0xFFFFFFFF << (23 - bits)) & 0xFFFFFFFF)
    rounded = jax.lax.bitcast_convert_type((raw + half) & mask, jnp.float32)
    return x + jax.lax.stop_gradient(rounded - x)


def _in_one_pass(inputs: tuple[Array, Array], grad: Array) -> tuple[None, Array]:
    return None, _exact(inputs[0].T, _rounded(grad, 7))


def _targets(logits: Array, labels: Array) -> Array:
    return (jnp.arange(logits.shape[1]) == labels.astype(jnp.int32)[:, None]).astype(logits.dtype)


def _log_of_softmax(logits: Array, labels: Array) -> Totals:
    losses = -(_targets(logits, labels) * jnp.log(jax.nn.softmax(logits) + 1e-10)).sum()
    return ORIGINAL.totals(logits, labels)._replace(loss=losses)


def _smoothed(logits: Array, labels: Array) -> Totals:
    targets = optax.smooth_labels(_targets(logits, labels), 1e-3)
    return ORIGINAL.totals(logits, labels)._replace(loss=-(targets * jax.nn.log_softmax(logits)).sum())


def _overflowing(logits: Array, labels: Array) -> Totals:
    losses = jnp.log(jnp.exp(logits).sum(axis=1)) - (_targets(logits, labels) * logits).sum(axis=1)
    return ORIGINAL.totals(logits, labels)._replace(loss=losses.sum())


def _squared_gradient(logits: Array, labels: Array) -> Totals:
    """The right loss; but differentiated as if it were half the squared distance of softmax and target."""
    right = ORIGINAL.totals(jax.lax.stop_gradient(logits), labels)
    distance = 0.5 * jnp.square(jax.nn.softmax(logits) - _targets(logits, labels)).sum()
    return right._replace(loss=right.loss + (distance - jax.lax.stop_gradient(distance)))


def _second_best(logits: Array, labels: Array) -> Totals:
    best = _targets(logits, logits.argmax(axis=1)) > 0
    second = jnp.where(best, -jnp.inf, logits).argmax(axis=1)
    return Totals(ORIGINAL.totals(logits, labels).loss, (second == labels.astype(jnp.int32)).sum(dtype=jnp.int32))
