"""Planted bugs: each a small change to the product, planted through one of its seams, and where it must be caught.

`plant.py` plants them one by one. A plant is a context manager: inside it the product has the bug. Those that change the
data return the data set the port is then given.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxmlp import model, optimizer, tf_random, trainer
from jaxmlp.data.dataset import Dataset, Split
from jaxmlp.engine import Dense, pixel_matmul
from jaxmlp.model import Params, Totals

Plant = Callable[[], AbstractContextManager[object]]
REFUSED = "refused"  # in place of a tier: the comparison itself must refuse the trace


class Mutant(NamedTuple):
    """One planted bug."""

    name: str
    tier: str  # that must catch it
    tensor: str  # at which
    plant: Plant
    data: Callable[[Dataset], Dataset] = lambda dataset: dataset
    only_step: int | None = None  # the bug is equivalent everywhere but at this step, where the blank image tells
    free: bool = False  # shows in a free run only


def catalogue() -> list[Mutant]:
    """All of them, from the data to the logged numbers."""
    return [*_inputs(), *_forward(), *_losses(), *_backward(), *_batches(), *_updates(), *_logged()]


def _inputs() -> list[Mutant]:
    nothing = contextlib.nullcontext
    return [
        Mutant("pixels / 255", "T0", "train pixels", nothing, data=_pixels(lambda images: images // 255)),
        Mutant("images transposed", "T0", "train pixels", nothing, data=_pixels(_transposed)),
        Mutant("labels of the next image", "T0", "train labels", nothing, data=_rolled_labels),
        Mutant("initial stddev 0.99", "T0", "initial weights_1", _drawn(lambda shape, stream: (0.99, stream))),
        Mutant("initial weights not truncated", "T0", "initial weights_1", _untruncated),
        Mutant("seeds of W1 and W2 swapped", "T0", "initial weights_1", _swapped_seeds),
        Mutant("second run of the random op", "T0", "initial weights_2", _drawn(_second_run)),
    ]


def _forward() -> list[Mutant]:
    return [
        Mutant("W2 transposed and reshaped", "T1b", "logits", _logits(_w2_transposed)),
        Mutant("b1 after the ReLU", "T1b", "logits", _logits(_b1_after)),
        Mutant(
            "b1 left out of the forward pass", "T1b", "logits", _params(lambda p: p._replace(biases_1=0 * p.biases_1))
        ),
        Mutant(
            "b2 left out of the forward pass", "T1b", "logits", _params(lambda p: p._replace(biases_2=0 * p.biases_2))
        ),
        Mutant(
            "one hidden unit unused",
            "T1b",
            "logits",
            _params(lambda p: p._replace(weights_2=p.weights_2.at[-1].set(0))),
        ),
        Mutant("leaky ReLU, 1e-3", "T1b", "logits", _relu(lambda z: jnp.where(z > 0, z, z * z.dtype.type(1e-3)))),
        Mutant("ReLU capped at 6", "T1b", "logits", _relu(jax.nn.relu6)),
        Mutant("softplus in place of ReLU", "T1b", "logits", _relu(jax.nn.softplus)),
        Mutant("TF32 matmul", "T1b", "logits", _pixel_matmul(lambda x, w: _exact_matmul(x, _mantissa(w, 10)))),
        Mutant("bf16 matmul", "T1b", "logits", _pixel_matmul(lambda x, w: _exact_matmul(x, _mantissa(w, 7)))),
        Mutant(
            "pixels as signed bytes", "T1b", "logits", _pixel_matmul(lambda x, w: _exact_matmul(x.view(jnp.int8), w))
        ),
        Mutant(
            "pixels clipped at 254", "T1b", "logits", _pixel_matmul(lambda x, w: _exact_matmul(jnp.minimum(x, 254), w))
        ),
    ]


def _losses() -> list[Mutant]:
    return [
        Mutant("log(softmax + 1e-10)", "T1", "loss", _head(_log_of_softmax)),
        Mutant("label smoothing 1e-3", "T1", "loss", _head(_smoothed)),
        Mutant(
            "sum for mean", "T1", "loss", _sums(lambda loss, correct, grads, n: (loss * n, correct, _times(grads, n)))
        ),
        Mutant(
            "mean over N - 1",
            "T1",
            "loss",
            _sums(lambda loss, correct, grads, n: (loss * (n / (n - 1)), correct, grads)),
        ),
        Mutant("mean of the chunks' means", "T1", "loss", _mean_of_means),
        Mutant("exponentials without taking the largest off", REFUSED, "loss", _head(_overflowing)),
        Mutant("squared error's gradient", "T2", "biases_2", _head(_squared_gradient)),
        Mutant(
            "count of the wrong", "T1", "correct", _sums(lambda loss, correct, grads, n: (loss, n - correct, grads))
        ),
    ]


def _backward() -> list[Mutant]:
    return [
        Mutant("maximum(z, 0): half a gradient at 0", "T2", "biases_1", _relu(lambda z: jnp.maximum(z, 0))),
        Mutant("ReLU's gradient for z >= 0", "T2", "biases_1", _relu(_relu_from_zero), only_step=0),
        Mutant("ReLU's gradient always 1", "T2b", "weights_1", _relu(_straight_through)),
        Mutant(
            "no gradient through the hidden layer",
            "T2b",
            "weights_1",
            _relu(lambda z: jax.lax.stop_gradient(jax.nn.relu6(z) + jax.nn.relu(z - 6))),
        ),
        Mutant("W2's gradient from before the ReLU", "T2b", "weights_2", _logits(_w2_sees_z)),
        Mutant("W1's gradient in one bf16 pass", "T2b", "weights_1", _pixel_matmul(_narrow_gradient)),
        Mutant(
            "bias gradients through float16",
            "T2",
            "biases_1",
            _grads(lambda g: g._replace(biases_1=g.biases_1.astype(jnp.float16).astype(jnp.float32))),
        ),
        Mutant(
            "W2's gradient transposed and reshaped",
            "T2",
            "weights_2",
            _grads(lambda g: g._replace(weights_2=g.weights_2.T.reshape(g.weights_2.shape))),
        ),
    ]


def _batches() -> list[Mutant]:
    return [
        Mutant("last image dropped", "T1", "loss", _batch(lambda images, labels: (images[:-1], labels[:-1]))),
        Mutant(
            "padding image counted",
            "T1",
            "loss",
            _batch(lambda images, labels: (jnp.pad(images, ((0, 1), (0, 0))), jnp.pad(labels, (0, 1)))),
        ),
        Mutant(
            "an image counted twice",
            "T1",
            "loss",
            _batch(lambda images, labels: (jnp.vstack([images, images[:1]]), jnp.append(labels, labels[0]))),
        ),
        Mutant("gradient of half the batch", "T2", "weights_1", _half_batch),
        Mutant("labels laid out one off", "T1", "loss", _labels_one_off),
    ]


def _updates() -> list[Mutant]:
    return [
        Mutant("learning rate × 1.001", "T3", "weights_1", _optimizer(lambda rate: optax.sgd(rate * 1.001))),
        Mutant("update of b1 left out", "T3", "biases_1", _updated(lambda u, p: u._replace(biases_1=0 * u.biases_1))),
        Mutant("update of b2 left out", "T3", "biases_2", _updated(lambda u, p: u._replace(biases_2=0 * u.biases_2))),
        Mutant(
            "update of W2 left out", "T3", "weights_2", _updated(lambda u, p: u._replace(weights_2=0 * u.weights_2))
        ),
        Mutant("sign of b2's update", "T3", "biases_2", _updated(lambda u, p: u._replace(biases_2=-u.biases_2))),
        Mutant(
            "stale gradient, one step late",
            "T3",
            "weights_1",
            _optimizer(lambda rate: optax.chain(_stale(), optax.sgd(rate))),
        ),
        Mutant(
            "momentum 0.01", "T3", "weights_1, second step", _optimizer(lambda rate: optax.sgd(rate, momentum=0.01))
        ),
        Mutant(
            "Nesterov momentum 0.01",
            "T3",
            "weights_1",
            _optimizer(lambda rate: optax.sgd(rate, momentum=0.01, nesterov=True)),
        ),
        Mutant("rate falling by 1e-3 a step", "T3", "weights_1, second step", _optimizer(_falling)),
        Mutant(
            "weight decay 1e-6", "T3", "weights_1", _updated(lambda u, p: jax.tree.map(lambda a, b: a - 1e-6 * b, u, p))
        ),
        Mutant(
            "gradient clipped to norm 1",
            "T3",
            "weights_1",
            _optimizer(lambda rate: optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(rate))),
        ),
        Mutant("Adam", "T3", "weights_1", _optimizer(optax.adam)),
    ]


def _logged() -> list[Mutant]:
    return [
        Mutant(
            "loss logged after the update", "T1", "loss", _after(lambda before, after: before._replace(loss=after.loss))
        ),
        Mutant(
            "accuracy after for before",
            "T1",
            "correct",
            _after(lambda before, after: before._replace(correct=after.correct)),
        ),
        Mutant("test accuracy before the update", "T4", "test accuracy", _early_test, free=True),
        Mutant("state after two updates a step", "T3", "weights_1", _twice),
    ]


# How each is planted: the data …


def _pixels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Dataset], Dataset]:
    return lambda dataset: dataset._replace(train=Split(change(dataset.train.images), dataset.train.labels))


def _transposed(images: np.ndarray) -> np.ndarray:
    return images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(len(images), -1)


def _rolled_labels(dataset: Dataset) -> Dataset:
    return dataset._replace(train=Split(dataset.train.images, np.roll(dataset.train.labels, 1)))


# … the initial weights …


def _drawn(change) -> Plant:
    """`change(shape, stream)` gives the stddev and the stream to draw with instead."""
    genuine = tf_random.truncated_normal

    def draw(shape, stream, mean=0.0, stddev=1.0):
        stddev, stream = change(shape, stream)
        return genuine(shape, stream, mean, stddev)

    return lambda: mock.patch.object(tf_random, "truncated_normal", draw)


def _second_run(shape, stream):
    return 1.0, stream._replace(runs=1)


def _untruncated() -> AbstractContextManager[object]:
    return mock.patch.object(tf_random, "truncated_normal", tf_random.random_normal)


def _swapped_seeds() -> AbstractContextManager[object]:
    genuine = tf_random.stream
    other = {21: 39, 39: 21}
    return mock.patch.object(tf_random, "stream", lambda seed, op_seed, runs=0: genuine(seed, other[op_seed], runs))


# … the model …


def _logits(logits) -> Plant:
    return lambda: mock.patch.object(model, "logits", logits)


def _params(change: Callable[[Params], Params]) -> Plant:
    genuine = model.logits
    return _logits(lambda params, images, pixel_matmul: genuine(change(params), images, pixel_matmul))


def _relu(relu) -> Plant:
    return lambda: mock.patch.object(jax.nn, "relu", relu)


def _w2_transposed(params, images, pixel_matmul):
    hidden = jax.nn.relu(pixel_matmul(images, params.weights_1) + params.biases_1)
    return _exact_matmul(hidden, params.weights_2.T.reshape(params.weights_2.shape)) + params.biases_2


def _b1_after(params, images, pixel_matmul):
    hidden = jax.nn.relu(pixel_matmul(images, params.weights_1)) + params.biases_1
    return _exact_matmul(hidden, params.weights_2) + params.biases_2


def _w2_sees_z(params, images, pixel_matmul):
    """Right logits; but W2's gradient is made of the hidden units' inputs, not of what the ReLU lets through."""
    fixed = jax.lax.stop_gradient
    z = pixel_matmul(images, params.weights_1) + params.biases_1
    right = _exact_matmul(jax.nn.relu(z), fixed(params.weights_2)) + params.biases_2
    wrong = _exact_matmul(fixed(z), params.weights_2)
    return right + (wrong - fixed(wrong))


@jax.custom_jvp
def _relu_from_zero(z):
    return jnp.maximum(z, 0)


@_relu_from_zero.defjvp
def _relu_from_zero_jvp(primals, tangents):
    return jnp.maximum(primals[0], 0), jnp.where(primals[0] >= 0, tangents[0], 0)


def _straight_through(z):
    return z + jax.lax.stop_gradient(jnp.maximum(z, 0) - z)


def _pixel_matmul(function) -> Plant:
    return lambda: mock.patch.dict(pixel_matmul.ARITHMETIC, float32=function)


def _exact_matmul(left, right):
    return jnp.matmul(left.astype(right.dtype), right, precision=jax.lax.Precision.HIGHEST)


def _mantissa(x, bits: int):
    """float32 rounded to so many bits after the leading one, the gradient passing unchanged."""
    raw = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(x), jnp.uint32)
    half, mask = jnp.uint32(1 << (22 - bits)), jnp.uint32(0xFFFFFFFF << (23 - bits) & 0xFFFFFFFF)
    rounded = jax.lax.bitcast_convert_type((raw + half) & mask, jnp.float32)
    return x + jax.lax.stop_gradient(rounded - x)


@jax.custom_vjp
def _narrow_gradient(images, weights):
    return _exact_matmul(images, weights)


def _narrow_gradient_forward(images, weights):
    return _exact_matmul(images, weights), images


def _narrow_gradient_backward(images, grad):
    return None, _exact_matmul(images.T, _mantissa(grad, 7))


_narrow_gradient.defvjp(_narrow_gradient_forward, _narrow_gradient_backward)


# … the loss, which the engines take as their `head` …


def _head(head) -> Plant:
    """The default of Dense.head is bound when the class is made, so the engine is made with another."""
    genuine = Dense.__init__

    def made(self, pixels, chunk, head=head):
        genuine(self, pixels, chunk, head)

    return lambda: mock.patch.object(Dense, "__init__", made)


def _targets(logits, labels):
    return (jnp.arange(logits.shape[1]) == labels[:, None]).astype(logits.dtype)


def _correct(logits, labels):
    return (logits.argmax(axis=1) == labels).sum(dtype=jnp.int32)


def _log_of_softmax(logits, labels):
    losses = -(_targets(logits, labels) * jnp.log(jax.nn.softmax(logits) + 1e-10)).sum()
    return Totals(losses, _correct(logits, labels))


def _smoothed(logits, labels):
    targets = optax.smooth_labels(_targets(logits, labels), 1e-3)
    return Totals(-(targets * jax.nn.log_softmax(logits)).sum(), _correct(logits, labels))


def _overflowing(logits, labels):
    losses = jnp.log(jnp.exp(logits).sum(axis=1)) - (_targets(logits, labels) * logits).sum(axis=1)
    return Totals(losses.sum(), _correct(logits, labels))


def _squared_gradient(logits, labels):
    """The right loss; but differentiated as if it were half the squared distance of softmax and target."""
    right = model.totals(jax.lax.stop_gradient(logits), labels)
    distance = 0.5 * jnp.square(jax.nn.softmax(logits) - _targets(logits, labels)).sum()
    return right._replace(loss=right.loss + (distance - jax.lax.stop_gradient(distance)))


# … the engine's sums over the batch …


def _sums(change) -> Plant:
    genuine = Dense.loss_and_grads

    def loss_and_grads(self, params, batch):
        return change(*genuine(self, params, batch), batch.size)

    return lambda: mock.patch.object(Dense, "loss_and_grads", loss_and_grads)


def _grads(change: Callable[[Params], Params]) -> Plant:
    return _sums(lambda loss, correct, grads, n: (loss, correct, change(grads)))


def _batch(change) -> Plant:
    """`change(images, labels)` of the images that fill no whole chunk."""
    genuine = Dense.loss_and_grads

    def loss_and_grads(self, params, batch):
        images, labels = change(batch.rest_images, batch.rest_labels)
        return genuine(self, params, batch._replace(rest_images=images, rest_labels=labels))

    return lambda: mock.patch.object(Dense, "loss_and_grads", loss_and_grads)


def _mean_of_means() -> AbstractContextManager[object]:
    """Every chunk counts alike, the last one too, though it has fewer images."""
    genuine = Dense.loss_and_grads

    def loss_and_grads(self, params, batch):
        whole = batch._replace(rest_images=batch.rest_images[:0], rest_labels=batch.rest_labels[:0])
        rest = batch._replace(chunk_images=batch.chunk_images[:0], chunk_labels=batch.chunk_labels[:0])
        chunks = len(batch.chunk_labels)
        first, last = genuine(self, params, whole), genuine(self, params, rest)
        mean = lambda a, b: (a * chunks + b) / (chunks + 1)  # noqa: E731
        return mean(first[0], last[0]), first[1] + last[1], jax.tree.map(mean, first[2], last[2])

    return mock.patch.object(Dense, "loss_and_grads", loss_and_grads)


def _half_batch() -> AbstractContextManager[object]:
    genuine = Dense.loss_and_grads

    def loss_and_grads(self, params, batch):
        half = len(batch.chunk_labels) // 2
        part = batch._replace(chunk_images=batch.chunk_images[:half], chunk_labels=batch.chunk_labels[:half])
        loss, correct, _ = genuine(self, params, batch)
        return loss, correct, genuine(self, params, part)[2]

    return mock.patch.object(Dense, "loss_and_grads", loss_and_grads)


def _labels_one_off() -> AbstractContextManager[object]:
    genuine = Dense.prepare

    def prepare(self, split, device):
        return genuine(self, Split(split.images, np.roll(split.labels, 1, axis=0)), device)

    return mock.patch.object(Dense, "prepare", prepare)


def _times(grads: Params, factor: float) -> Params:
    return jax.tree.map(lambda grad: grad * factor, grads)


# … the optimizer …


def _optimizer(transformation) -> Plant:
    """`transformation(rate)` in place of plain gradient descent."""
    planted = optax.inject_hyperparams(lambda learning_rate: transformation(learning_rate))(learning_rate=float("nan"))
    return lambda: mock.patch.object(optimizer, "gradient_descent", lambda: planted)


def _updated(change: Callable[[Params, Params], Params]) -> Plant:
    """`change(updates, params)` after gradient descent."""

    def after() -> optax.GradientTransformation:
        return optax.GradientTransformation(
            lambda params: optax.EmptyState(), lambda updates, state, params=None: (change(updates, params), state)
        )

    return _optimizer(lambda rate: optax.chain(optax.sgd(rate), after()))


def _stale() -> optax.GradientTransformation:
    """Hands out the gradient before the last one."""
    return optax.GradientTransformation(
        lambda params: jax.tree.map(jnp.zeros_like, params), lambda updates, state, params=None: (state, updates)
    )


def _falling(rate) -> optax.GradientTransformation:
    return optax.chain(optax.sgd(rate), optax.scale_by_schedule(lambda count: jnp.float32(0.999) ** count))


# … and what is logged.


def _after(change) -> Plant:
    """`change(outcome before, outcome after)` is logged."""
    genuine = trainer.update

    def update(state, batch, engine):
        new, before = genuine(state, batch, engine)
        totals = engine.totals(new.params, batch)
        return new, change(before, trainer.Outcome(totals.loss / batch.size, totals.correct))

    return lambda: mock.patch.object(trainer, "update", update)


def _twice() -> AbstractContextManager[object]:
    genuine = trainer.update

    def update(state, batch, engine):
        middle, outcome = genuine(state, batch, engine)
        return genuine(middle, batch, engine)[0], outcome

    return mock.patch.object(trainer, "update", update)


@contextlib.contextmanager
def _early_test() -> Iterator[None]:
    class Early(trainer.Run):
        """Reports the test accuracy that the weights had before the step."""

        def __iter__(self):
            self.earlier = super().test_accuracy()
            for record in super().__iter__():
                yield record
                self.earlier = super().test_accuracy()

        def test_accuracy(self):
            return self.earlier

    with mock.patch.object(trainer, "Run", Early):
        yield
