"""The family behind the first product: every activation, loss and dropout, against the library of TF 1.x's own."""

import itertools
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import any_program, of_kind

from jaxmlp import program as parts
from jaxmlp.model import Layer
from jaxmlp.network import Network
from jaxmlp.program import ACTIVATIONS, Dense, Program
from jaxmlp.tf1 import activations, losses, weighted_losses
from jaxmlp.tf1.softmax import softmax

N, C = 30, 10


def _layers(rng, *widths):
    shapes = itertools.pairwise(widths)
    layers = [Layer(*(rng.normal(size=size).astype(np.float32) / 3 for size in (shape, shape[1]))) for shape in shapes]
    return (layers[0]._replace(weights=None), *layers[1:])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_layer_has_its_activation_and_dropout_behind_it(rng, activation):
    network = Network.of(Program((Dense(9, activation=activation, keep_prob=0.5), Dense(8))))
    inputs, rest = rng.normal(size=(N, 9)).astype(np.float32), _layers(rng, 5, 9, 8, C)
    mask = rng.random((N, 9)) < 0.5
    seen = network.forward(inputs, rest, (mask,))
    active = np.asarray(getattr(activations, activation)(inputs + rest[0].biases), np.float64)
    first = np.where(mask, active * 2, 0)
    second = np.maximum(first @ rest[1].weights + rest[1].biases, 0)
    np.testing.assert_allclose(seen.hidden[0], first, rtol=1e-6)
    np.testing.assert_allclose(seen.hidden[1], second, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen.logits, second @ rest[2].weights + rest[2].biases, rtol=1e-4, atol=1e-4)
    undropped = network.evaluating().forward(inputs, rest).hidden[0]
    np.testing.assert_array_equal(undropped, getattr(activations, activation)(inputs + rest[0].biases))


def test_a_layer_without_biases_is_its_product_alone(rng):
    network = Network.of(Program((Dense(9, bias=None),), scale=255))
    rest = tuple(layer._replace(biases=None) for layer in _layers(rng, 5, 9, C))
    inputs = rng.normal(size=(N, 9)).astype(np.float32) * 255
    hidden = np.maximum(inputs.astype(np.float64) / 255, 0)
    np.testing.assert_allclose(network.forward(inputs, rest).logits, hidden @ rest[1].weights, rtol=1e-4, atol=1e-5)


def test_pixels_that_dropout_left_are_scaled_up(rng):
    whole, dropped = Network.of(Program(())), Network.of(Program((), input_keep_prob=0.8))
    inputs, rest = rng.normal(size=(N, C)).astype(np.float32), _layers(rng, 5, C)
    no_bias = (rest[0]._replace(biases=None),)
    ratio = dropped.forward(inputs, no_bias).logits / whole.forward(inputs, no_bias).logits
    np.testing.assert_allclose(ratio, 1.25, rtol=1e-6)


REFERENCES = {
    "softmax_cross_entropy": lambda y, x, _: losses.softmax_cross_entropy_with_logits_v2(labels=y, logits=x).mean(),
    "sparse_softmax_cross_entropy": lambda y, x, _: weighted_losses.sparse_softmax_cross_entropy(y.argmax(1), x),
    "sigmoid_cross_entropy": lambda y, x, _: losses.sigmoid_cross_entropy_with_logits(labels=y, logits=x).mean(),
    "naive_cross_entropy": lambda y, x, loss: -(y * jnp.log(softmax(x) + loss.epsilon)).sum(1).mean(),
    "mean_squared_error": lambda y, x, loss: weighted_losses.mean_squared_error(y, _of(loss, x)),
    "absolute_difference": lambda y, x, loss: weighted_losses.absolute_difference(y, _of(loss, x)),
    "huber": lambda y, x, loss: weighted_losses.huber_loss(y, _of(loss, x), delta=loss.delta),
    "hinge": lambda y, x, _: weighted_losses.hinge_loss(y, x),
    "log_loss": lambda y, x, loss: weighted_losses.log_loss(y, _of(loss, x), epsilon=loss.epsilon),
}


def _of(loss, x):
    return {"logits": lambda x: x, "softmax": softmax, "sigmoid": activations.sigmoid}[loss.of](x)


@pytest.mark.parametrize("kind", get_args(parts.Loss), ids=lambda kind: kind.kind)
def test_every_loss_and_its_gradient_are_the_mean_that_tensorflow_takes(rng, kind):
    choices = [{"of": of} for of in ("logits", "softmax", "sigmoid")] if hasattr(kind, "of") else [{}]
    for own in choices:
        if kind is parts.LogLoss and own["of"] == "logits":
            continue
        loss = kind(**own)
        network = Network.of(Program((), loss=loss))
        logits, labels = rng.normal(size=(N, C)).astype(np.float32), rng.integers(0, C, N).astype(np.uint8)
        one_hot = jnp.asarray(np.eye(C, dtype=np.float32)[labels])
        ours = jax.jit(jax.value_and_grad(lambda x, y=labels, network=network: network.totals(x, y).loss / N))(logits)
        theirs = jax.value_and_grad(lambda x, y=one_hot, loss=loss: REFERENCES[kind.kind](y, x, loss))(logits)
        np.testing.assert_allclose(ours[0], theirs[0], rtol=2e-6)
        np.testing.assert_allclose(ours[1], theirs[1], atol=1e-6 * float(jnp.abs(theirs[1]).max()))


def test_programs_that_differ_in_numbers_alone_share_a_network(rng):
    one = any_program(rng, evaluation_draws=False)
    optimizer, l2 = of_kind(rng, type(one.optimizer)), of_kind(rng, parts.L2)
    other = any_program(
        rng, layers=one.layers, output=one.output, loss=one.loss, scale=one.scale, input_keep_prob=one.input_keep_prob,
        evaluation_draws=False, optimizer=optimizer, l2=l2,
    )  # fmt: skip
    assert Network.of(one) == Network.of(other)
    assert hash(Network.of(one)) == hash(Network.of(other))
