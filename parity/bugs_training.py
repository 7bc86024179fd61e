"""Bugs in the training: the sums over the batch, the optimizer, and what is logged when."""

import contextlib
from collections.abc import Iterator
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxmlp import optimizer, trainer
from jaxmlp.data.dataset import Split
from jaxmlp.engine import Dense
from jaxmlp.model import Params
from parity.mutant import Mutant, Plant


def mutants() -> list[Mutant]:
    """Sums, batches, updates, logs."""
    return [*_summed(), *_batches(), *_updates(), *_logged()]


def _summed() -> list[Mutant]:
    return [
        Mutant("sum for mean", "T1", "loss", _sums(_sum_for_mean)),
        Mutant(
            "mean over N - 1",
            "T1",
            "loss",
            _sums(lambda loss, correct, grads, n: (loss * (n / (n - 1)), correct, grads)),
        ),
        Mutant(
            "count of the wrong", "T1", "correct", _sums(lambda loss, correct, grads, n: (loss, n - correct, grads))
        ),
        Mutant("W2's gradient transposed and reshaped", "T2", "weights_2", _grads(_transposed)),
        Mutant("mean of the chunks' means", "T1", "loss", _mean_of_means, rest=True),
    ]


def _batches() -> list[Mutant]:
    return [
        Mutant("last image dropped", "T1", "loss", _rest(lambda images: images[:-1]), rest=True),
        Mutant(
            "padding image counted",
            "T1",
            "loss",
            _rest(lambda images: jnp.concatenate([images, 0 * images[:1]])),
            rest=True,
        ),
        Mutant(
            "an image counted twice",
            "T1",
            "loss",
            _rest(lambda images: jnp.concatenate([images, images[:1]])),
            rest=True,
        ),
        Mutant("gradient of half the batch", "T2", "weights_1", _half_batch),
        Mutant("labels laid out one off", "T1", "loss", _labels_one_off),
    ]


def _updates() -> list[Mutant]:
    second = "weights_1, second step"
    return [
        Mutant("learning rate × 1.001", "T3", "weights_1", _optimizer(lambda rate: optax.sgd(rate * 1.001))),
        Mutant("update of b1 left out", "T3", "biases_1", _updated(lambda u, p: u._replace(biases_1=0 * u.biases_1))),
        Mutant("update of b2 left out", "T3", "biases_2", _updated(lambda u, p: u._replace(biases_2=0 * u.biases_2))),
        Mutant(
            "update of W2 left out", "T3", "weights_2", _updated(lambda u, p: u._replace(weights_2=0 * u.weights_2))
        ),
        Mutant("sign of b2's update", "T3", "biases_2", _updated(lambda u, p: u._replace(biases_2=-u.biases_2))),
        Mutant("stale gradient, one step late", "T3", "weights_1", _optimizer(_stale)),
        Mutant("momentum 0.01", "T3", second, _optimizer(lambda rate: optax.sgd(rate, momentum=0.01))),
        Mutant("rate falling by 1e-3 a step", "T3", second, _optimizer(_falling)),
        Mutant("weight decay 1e-6", "T3", "weights_1", _updated(_decayed)),
        Mutant("gradient clipped to norm 1", "T3", "weights_1", _optimizer(_clipped)),
        Mutant("Adam", "T3", "weights_1", _optimizer(optax.adam)),
        Mutant("two updates a step", "T3", "weights_1", _twice),
    ]


def _logged() -> list[Mutant]:
    return [
        Mutant("loss logged after the update", "T1", "loss", _after("loss")),
        Mutant("accuracy after for before", "T1", "correct", _after("correct")),
        Mutant("test accuracy before the update", "T4", "test accuracy", _early_test, free=True),
        Mutant("run one step behind", "T4", "loss", _late_start, free=True),
    ]


def _sums(change) -> Plant:
    """`change(loss, correct, grads, N)` of what the engine returns."""
    genuine = Dense.loss_and_grads
    return _loss_and_grads(lambda self, params, batch: change(*genuine(self, params, batch), batch.size))


def _grads(change) -> Plant:
    return _sums(lambda loss, correct, grads, n: (loss, correct, change(grads)))


def _loss_and_grads(function) -> Plant:
    return lambda: mock.patch.object(Dense, "loss_and_grads", function)


def _sum_for_mean(loss, correct, grads, n):
    return loss * n, correct, jax.tree.map(lambda grad: grad * n, grads)


def _transposed(grads: Params) -> Params:
    return grads._replace(weights_2=grads.weights_2.T.reshape(grads.weights_2.shape))


def _rest(change) -> Plant:
    """`change` of the images, and of the labels, that fill no whole chunk."""
    genuine = Dense.loss_and_grads

    def loss_and_grads(self, params, batch):
        images, labels = change(batch.rest_images), change(batch.rest_labels)
        return genuine(self, params, batch._replace(rest_images=images, rest_labels=labels))

    return _loss_and_grads(loss_and_grads)


def _mean_of_means():
    """Every chunk counts alike, the last one too, though it has fewer images."""
    genuine = Dense.loss_and_grads

    def loss_and_grads(self, params, batch):
        chunks = len(batch.chunk_labels)
        whole = genuine(
            self, params, batch._replace(rest_images=batch.rest_images[:0], rest_labels=batch.rest_labels[:0])
        )
        rest = batch._replace(chunk_images=batch.chunk_images[:0], chunk_labels=batch.chunk_labels[:0])
        mean = jax.tree.map(lambda a, b: (a * chunks + b) / (chunks + 1), *(whole, genuine(self, params, rest)))
        return mean[0], genuine(self, params, batch)[1], mean[2]

    return _loss_and_grads(loss_and_grads)()


def _half_batch():
    genuine = Dense.loss_and_grads

    def loss_and_grads(self, params, batch):
        half = len(batch.chunk_labels) // 2
        part = batch._replace(chunk_images=batch.chunk_images[:half], chunk_labels=batch.chunk_labels[:half])
        return *genuine(self, params, batch)[:2], genuine(self, params, part)[2]

    return _loss_and_grads(loss_and_grads)()


def _labels_one_off():
    genuine = Dense.prepare

    def prepare(self, split, device):
        return genuine(self, Split(split.images, np.roll(split.labels, 1, axis=0)), device)

    return mock.patch.object(Dense, "prepare", prepare)


def _optimizer(transformation) -> Plant:
    """`transformation(rate)` in place of plain gradient descent."""
    planted = optax.inject_hyperparams(lambda learning_rate: transformation(learning_rate))(learning_rate=float("nan"))
    return lambda: mock.patch.object(optimizer, "gradient_descent", return_value=planted)


def _updated(change) -> Plant:
    """`change(updates, params)` after gradient descent."""
    after = optax.stateless(change)
    return _optimizer(lambda rate: optax.chain(optax.sgd(rate), after))


def _stale(rate) -> optax.GradientTransformation:
    """Descends along the gradient before the last one."""
    late = optax.GradientTransformation(
        lambda params: jax.tree.map(jnp.zeros_like, params), lambda updates, state, params=None: (state, updates)
    )
    return optax.chain(late, optax.sgd(rate))


def _falling(rate) -> optax.GradientTransformation:
    return optax.chain(optax.sgd(rate), optax.scale_by_schedule(lambda count: jnp.float32(0.999) ** count))


def _decayed(updates: Params, params: Params) -> Params:
    return jax.tree.map(lambda update, param: update - 1e-6 * param, updates, params)


def _clipped(rate) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(rate))


def _twice():
    genuine = trainer.update

    def update(state, batch, engine):
        middle, outcome = genuine(state, batch, engine)
        return genuine(middle, batch, engine)[0], outcome

    return mock.patch.object(trainer, "update", update)


def _after(field: str) -> Plant:
    """Logs one field of the outcome as it is after the update."""
    genuine = trainer.update

    def update(state, batch, engine):
        new, before = genuine(state, batch, engine)
        totals = engine.totals(new.params, batch)
        after = trainer.Outcome(totals.loss / batch.size, totals.correct)
        return new, before._replace(**{field: getattr(after, field)})

    return lambda: mock.patch.object(trainer, "update", update)


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


@contextlib.contextmanager
def _late_start() -> Iterator[None]:
    class Late(trainer.Run):
        """Reports every loss one step late, the first one twice."""

        def __iter__(self):
            earlier = None
            for record in super().__iter__():
                yield record._replace(loss=record.loss if earlier is None else earlier)
                earlier = record.loss

    with mock.patch.object(trainer, "Run", Late):
        yield
