"""Bugs in the model: its matmuls, its layers, its loss, and what either sends back."""

from unittest import mock

import jax
import jax.numpy as jnp
import optax

from jaxmlp import model
from jaxmlp.engine import Dense, pixel_matmul
from jaxmlp.model import Totals
from parity.mutant import REFUSED, Mutant, Plant


def mutants() -> list[Mutant]:
    """Forward, loss, backward."""
    return [*_forward(), *_losses(), *_backward()]


def _forward() -> list[Mutant]:
    plants = {
        "W2 transposed and reshaped": _params(lambda p: p._replace(weights_2=p.weights_2.T.reshape(p.weights_2.shape))),
        "b1 after the ReLU": _logits(_b1_after),
        "b1 left out of the forward pass": _params(lambda p: p._replace(biases_1=jnp.zeros_like(p.biases_1))),
        "b2 left out of the forward pass": _params(lambda p: p._replace(biases_2=jnp.zeros_like(p.biases_2))),
        "one hidden unit unused": _params(lambda p: p._replace(weights_2=p.weights_2.at[-1].set(0))),
        "leaky ReLU, 1e-3": _relu(lambda z: jnp.where(z > 0, z, z * 1e-3)),
        "ReLU capped at 6": _relu(lambda z: jnp.clip(z, 0, 6)),
        "softplus in place of the ReLU": _relu(jax.nn.softplus),
        "TF32 matmul": _matmul(lambda x, w: _exact(x, _rounded(w, 10))),
        "bf16 matmul": _matmul(lambda x, w: _exact(x, _rounded(w, 7))),
        "pixels as signed bytes": _matmul(lambda x, w: _exact(x.view(jnp.int8), w)),
        "pixels clipped at 254": _matmul(lambda x, w: _exact(jnp.minimum(x, 254), w)),
    }
    return [Mutant(name, "T1b", "logits", plant) for name, plant in plants.items()]


def _losses() -> list[Mutant]:
    return [
        Mutant("log(softmax + 1e-10)", "T1", "loss", _head(_log_of_softmax)),
        Mutant("label smoothing 1e-3", "T1", "loss", _head(_smoothed)),
        Mutant("exponentials without taking the largest off", REFUSED, "loss", _head(_overflowing)),
        Mutant("squared error's gradient", "T2", "biases_2", _head(_squared_gradient)),
        Mutant("count of the second best", "T1", "correct", _head(_second_best)),
    ]


def _backward() -> list[Mutant]:
    return [
        Mutant(
            "maximum(z, 0): half a gradient at 0", "T2", "biases_1", _relu(lambda z: jnp.maximum(z, 0)), only_step=0
        ),
        Mutant("ReLU's gradient for z >= 0", "T2", "biases_1", _relu(_relu_from_zero), only_step=0),
        Mutant("ReLU's gradient always 1", "T2b", "weights_1", _relu(_straight_through)),
        Mutant("nothing sent back to the hidden layer", "T2b", "weights_1", _relu(_fixed_relu)),
        Mutant("W2's gradient from before the ReLU", "T2b", "weights_2", _logits(_w2_sees_z)),
        Mutant("b1's gradient summed in float16", "T2", "biases_1", _logits(_b1_summed_in_float16)),
        Mutant("W1's gradient in one bf16 pass", "T2b", "weights_1", _matmul(_narrow_gradient)),
    ]


def _logits(logits) -> Plant:
    return lambda: mock.patch.object(model, "logits", logits)


def _params(change) -> Plant:
    """The right formula with `change(params)`."""
    genuine = model.logits
    return _logits(lambda params, images, pixel_matmul: genuine(change(params), images, pixel_matmul))


def _relu(relu) -> Plant:
    return lambda: mock.patch.object(jax.nn, "relu", relu)


def _matmul(function) -> Plant:
    return lambda: mock.patch.dict(pixel_matmul.ARITHMETIC, float32=function)


def _head(head) -> Plant:
    """The default of `Dense.head` is bound when the class is made, so the engine is made with another."""
    genuine = Dense.__init__

    def made(self, pixels, chunk, head=head):
        genuine(self, pixels, chunk, head)

    return lambda: mock.patch.object(Dense, "__init__", made)


def _b1_after(params, images, pixel_matmul):
    hidden = jax.nn.relu(pixel_matmul(images, params.weights_1)) + params.biases_1
    return _exact(hidden, params.weights_2) + params.biases_2


def _w2_sees_z(params, images, pixel_matmul):
    """Right logits; but W2's gradient is made of the hidden units' inputs, not of what the ReLU lets through."""
    fixed = jax.lax.stop_gradient
    z = pixel_matmul(images, params.weights_1) + params.biases_1
    right = _exact(jax.nn.relu(z), fixed(params.weights_2)) + params.biases_2
    wrong = _exact(fixed(z), params.weights_2)
    return right + (wrong - fixed(wrong))


def _b1_summed_in_float16(params, images, pixel_matmul):
    hidden = jax.nn.relu(_add_bias(pixel_matmul(images, params.weights_1), params.biases_1))
    return _exact(hidden, params.weights_2) + params.biases_2


@jax.custom_vjp
def _add_bias(inputs, biases):
    return inputs + biases


def _add_bias_forward(inputs, biases):
    return inputs + biases, None


def _add_bias_backward(_, grad):
    def add(total, row):
        return jax.lax.reduce_precision(total + row, exponent_bits=5, mantissa_bits=10), None

    return grad, jax.lax.scan(add, jnp.zeros_like(grad[0]), grad)[0] if len(grad) else grad.sum(axis=0)


_add_bias.defvjp(_add_bias_forward, _add_bias_backward)


@jax.custom_jvp
def _relu_from_zero(z):
    return jnp.maximum(z, 0)


@_relu_from_zero.defjvp
def _relu_from_zero_jvp(primals, tangents):
    return jnp.maximum(primals[0], 0), jnp.where(primals[0] >= 0, tangents[0], 0)


def _straight_through(z):
    return z + jax.lax.stop_gradient(jnp.maximum(z, 0) - z)


def _fixed_relu(z):
    return jax.lax.stop_gradient(jnp.maximum(z, 0))


def _exact(left, right):
    return jnp.matmul(left.astype(right.dtype), right, precision=jax.lax.Precision.HIGHEST)


def _rounded(x, bits: int):
    """float32 rounded to so many bits after the leading one; the gradient passes unchanged."""
    raw = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(x), jnp.uint32)
    half, mask = jnp.uint32(1 << (22 - bits)), jnp.uint32((0xFFFFFFFF << (23 - bits)) & 0xFFFFFFFF)
    rounded = jax.lax.bitcast_convert_type((raw + half) & mask, jnp.float32)
    return x + jax.lax.stop_gradient(rounded - x)


@jax.custom_vjp
def _narrow_gradient(images, weights):
    return _exact(images, weights)


def _narrow_gradient_forward(images, weights):
    return _exact(images, weights), images


def _narrow_gradient_backward(images, grad):
    return None, _exact(images.T, _rounded(grad, 7))


_narrow_gradient.defvjp(_narrow_gradient_forward, _narrow_gradient_backward)


def _targets(logits, labels):
    return (jnp.arange(logits.shape[1]) == labels[:, None]).astype(logits.dtype)


def _log_of_softmax(logits, labels):
    losses = -(_targets(logits, labels) * jnp.log(jax.nn.softmax(logits) + 1e-10)).sum()
    return model.totals(logits, labels)._replace(loss=losses)


def _smoothed(logits, labels):
    targets = optax.smooth_labels(_targets(logits, labels), 1e-3)
    return model.totals(logits, labels)._replace(loss=-(targets * jax.nn.log_softmax(logits)).sum())


def _overflowing(logits, labels):
    losses = jnp.log(jnp.exp(logits).sum(axis=1)) - (_targets(logits, labels) * logits).sum(axis=1)
    return model.totals(logits, labels)._replace(loss=losses.sum())


def _squared_gradient(logits, labels):
    """The right loss; but differentiated as if it were half the squared distance of softmax and target."""
    right = model.totals(jax.lax.stop_gradient(logits), labels)
    distance = 0.5 * jnp.square(jax.nn.softmax(logits) - _targets(logits, labels)).sum()
    return right._replace(loss=right.loss + (distance - jax.lax.stop_gradient(distance)))


def _second_best(logits, labels):
    best = _targets(logits, logits.argmax(axis=1)) > 0
    second = jnp.where(best, -jnp.inf, logits).argmax(axis=1)
    return Totals(model.totals(logits, labels).loss, (second == labels).sum(dtype=jnp.int32))
