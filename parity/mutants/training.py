"""Mutants of the training: the sums over the batch, the optimizer, and what is logged when."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxmlp import model, trainer
from jaxmlp.engine import LossFn
from jaxmlp.engine.dense import DenseBatch
from jaxmlp.method import Method, Slots, from_optax
from jaxmlp.model import Params, Totals
from parity.mutants.mutant import Change, Mutant, SumGrads, WrongSums, with_batch, with_engine
from parity.subject.port import Port
from parity.subject.subject import Measured


def mutants() -> list[Mutant]:
    """Sums, batches, updates, logs."""
    return [*_summed(), *_batches(), *_updates(), *_logged()]


def _summed() -> list[Mutant]:
    one_less = _sums(lambda totals, grads, n: (totals._replace(loss=totals.loss * (n / (n - 1))), grads))
    wrong_count = _sums(lambda totals, grads, n: (totals._replace(correct=n - totals.correct), grads))
    return [
        Mutant("sum for mean", "T1", "loss", _sums(_sum_for_mean)),
        Mutant("mean over N - 1", "T1", "loss", one_less),
        Mutant("count of the wrong", "T1", "correct", wrong_count),
        Mutant("W2's gradient transposed and reshaped", "T2", "weights_2", _sums(_transposed)),
        Mutant("mean of the chunks' means", "T1", "loss", _wrong_sums(_mean_of_means), rest=True),
    ]


def _batches() -> list[Mutant]:
    padded = _left_over(lambda images: jnp.concatenate([images, 0 * images[:1]]))
    doubled = _left_over(lambda images: jnp.concatenate([images, images[:1]]))
    return [
        Mutant("last image dropped", "T1", "loss", _left_over(lambda images: images[:-1]), rest=True),
        Mutant("padding image counted", "T1", "loss", padded, rest=True),
        Mutant("an image counted twice", "T1", "loss", doubled, rest=True),
        Mutant("gradient of half the batch", "T2", "weights_1", _wrong_sums(_half_batch)),
        Mutant("labels laid out one off", "T1", "loss", with_batch(_labels_one_off)),
    ]


def _updates() -> list[Mutant]:
    second = "weights_1, second step"
    return [
        Mutant("learning rate × 1.001", "T3", "weights_1", _optimizer(lambda rate: optax.sgd(rate * 1.001))),
        Mutant("update of b1 left out", "T3", "biases_1", _update_of("biases_1", lambda update: 0 * update)),
        Mutant("update of b2 left out", "T3", "biases_2", _update_of("biases_2", lambda update: 0 * update)),
        Mutant("update of W2 left out", "T3", "weights_2", _update_of("weights_2", lambda update: 0 * update)),
        Mutant("sign of b2's update", "T3", "biases_2", _update_of("biases_2", lambda update: -update)),
        Mutant("stale gradient, one step late", "T3", "weights_1", _optimizer(_stale)),
        Mutant("momentum 0.01", "T3", second, _optimizer(lambda rate: optax.sgd(rate, momentum=0.01))),
        Mutant("rate falling by 1e-3 a step", "T3", second, _optimizer(_falling)),
        Mutant("weight decay 1e-6", "T3", "weights_1", _updated(_decayed)),
        Mutant("gradient clipped to norm 1", "T3", "weights_1", _optimizer(_clipped)),
        Mutant("Adam", "T3", "weights_1", _optimizer(optax.adam)),
        Mutant("two updates a step", "T3", "weights_1", _step(_twice)),
    ]


def _logged() -> list[Mutant]:
    return [
        Mutant("loss logged after the update", "T1", "loss", _after("loss")),
        Mutant("accuracy after for before", "T1", "correct", _after("correct")),
        Mutant("test accuracy before the update", "T4", "test accuracy", _as(_EarlyTest), free=True),
        Mutant("run one step behind", "T4", "loss", _as(_LateStart), free=True),
    ]


def _wrong_sums(change: Callable[..., tuple[Totals, Params]]) -> Change:
    return with_engine(lambda engine: WrongSums(engine, change))


def _sums(change: Callable[..., tuple[Totals, Params]]) -> Change:
    """`change(totals, grads, N)` of what the engine sums."""
    return _wrong_sums(lambda right, loss, params, batch, rows: change(*right(loss, params, batch, rows), batch.size))


def _sum_for_mean(totals: Totals, grads: Params, n: int) -> tuple[Totals, Params]:
    return totals._replace(loss=totals.loss * n), jax.tree.map(lambda grad: grad * n, grads)


def _transposed(totals: Totals, grads: Params, n: int) -> tuple[Totals, Params]:
    last: Any = grads[-1].weights
    return totals, (*grads[:-1], grads[-1]._replace(weights=last.T.reshape(last.shape)))


def _mean_of_means(right: SumGrads, loss: LossFn, params: Params, batch: DenseBatch, rows: Any) -> Any:
    """Every chunk counts alike, the last one too, though it has fewer images."""
    chunks, chunk, left = *batch.chunk_labels.shape, len(batch.rest_labels)
    whole = right(loss, params, *_part(batch, rows, left=lambda array: array[:0]))
    rest = right(loss, params, *_part(batch, rows, chunks=0))
    share = batch.size / (chunks + 1)
    totals, grads = jax.tree.map(lambda a, b: (a / chunk + b / left) * share, _floats(whole), _floats(rest))
    return totals._replace(correct=whole[0].correct + rest[0].correct), grads


def _floats(sums: tuple[Totals, Params]) -> tuple[Totals, Params]:
    return sums[0]._replace(correct=sums[0].loss), sums[1]


def _half_batch(right: SumGrads, loss: LossFn, params: Params, batch: DenseBatch, rows: Any) -> Any:
    half, own = _part(batch, rows, chunks=len(batch.chunk_labels) // 2)
    grads = right(loss, params, half, own)[1]
    scale = batch.size / half.size
    return right(loss, params, batch, rows)[0], jax.tree.map(lambda grad: grad * scale, grads)


def _left_over(change: Callable[[Array], Array]) -> Change:
    """`change` of the images that fill no whole chunk, and of all that goes along with them."""
    return _wrong_sums(lambda right, loss, params, batch, rows: right(loss, params, *_part(batch, rows, left=change)))


def _part(
    batch: DenseBatch, rows: Any, chunks: int | None = None, left: Callable[[Array], Array] = lambda array: array
) -> tuple[DenseBatch, Any]:
    """The first so many chunks of a batch and of its rows, and `left` of what fills no whole one."""
    count, whole = len(batch.chunk_labels) if chunks is None else chunks, batch.chunk_labels.size
    kept = count * batch.chunk_labels.shape[1]
    own = jax.tree.map(lambda array: jnp.concatenate([array[:kept], left(array[whole:])]), rows)
    cut = (batch.chunk_images[:count], batch.chunk_labels[:count], left(batch.rest_images), left(batch.rest_labels))
    return DenseBatch(*cut), own


def _labels_one_off(batch: DenseBatch) -> DenseBatch:
    labels = jnp.roll(jnp.concatenate([batch.chunk_labels.reshape(-1), batch.rest_labels]), 1)
    whole = batch.chunk_labels.size
    return batch._replace(chunk_labels=labels[:whole].reshape(batch.chunk_labels.shape), rest_labels=labels[whole:])


def _optimizer(transformation: Callable[[float], optax.GradientTransformation]) -> Change:
    """`transformation(rate)` in place of plain gradient descent."""

    def changed(port: Port) -> Port:
        rate = port.program.optimizer.learning_rate
        assert isinstance(rate, float), "these mutants are of the original, whose rate is a number"
        wrong = transformation(rate)
        method, slots = Method(from_optax(wrong)), lambda params: Slots(wrong.init(params))
        return dataclasses.replace(port, method=method, slots=slots)

    return changed


def _updated(change: Callable[[Any, Any], Any]) -> Change:
    """`change(updates, params)` after gradient descent."""
    return _optimizer(lambda rate: optax.chain(optax.sgd(rate), optax.stateless(change)))


def _update_of(name: str, change: Callable[[Array], Array]) -> Change:
    """`change` of one tensor's update."""

    def changed(updates: Params, params: Params) -> Params:
        named = model.named(updates)
        return model.from_named({**named, name: change(named[name])})

    return _updated(changed)


def _stale(rate: float) -> optax.GradientTransformation:
    """Descends along the gradient before the last one."""
    late = optax.GradientTransformation(
        lambda params: jax.tree.map(jnp.zeros_like, params), lambda updates, state, params=None: (state, updates)
    )
    return optax.chain(late, optax.sgd(rate))


def _falling(rate: float) -> optax.GradientTransformation:
    return optax.chain(optax.sgd(rate), optax.scale_by_schedule(lambda count: jnp.float32(0.999) ** count))


def _decayed(updates: Params, params: Params) -> Params:
    return jax.tree.map(lambda update, param: update - 1e-6 * param, updates, params)


def _clipped(rate: float) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(rate))


def _step(change: Callable[[trainer.Step], trainer.Step]) -> Change:
    return lambda port: dataclasses.replace(port, changed=change)


def _twice(step: trainer.Step) -> trainer.Step:
    def twice(state: trainer.State, batch: Any, rows: Any) -> tuple[trainer.State, trainer.Metrics]:
        middle, metrics = step(state, batch, rows)
        return step(middle, batch, rows)[0]._replace(slots=middle.slots), metrics

    return twice


def _after(field: str) -> Change:
    """Logs one of the metrics as it is after the update."""

    def late(step: trainer.Step) -> trainer.Step:
        def logged(state: trainer.State, batch: Any, rows: Any) -> tuple[trainer.State, trainer.Metrics]:
            new, metrics = step(state, batch, rows)
            _, after = step(new, batch, rows)
            return new, metrics._replace(**{field: getattr(after, field)})

        return logged

    return _step(late)


def _as(kind: type[Port]) -> Change:
    return lambda port: kind(**{field.name: getattr(port, field.name) for field in dataclasses.fields(port)})


class _EarlyTest(Port):
    """Tells the test accuracy that the weights had before the step."""

    def free(self) -> Iterator[Measured]:
        every = _as(Port)(dataclasses.replace(self, program=dataclasses.replace(self.program, report_every=1)))
        initial = trainer.correct_count(self.params(self.start()), self.placed.test, engine=self.placed.evaluator)
        earlier: int | None = int(initial)
        for measured in every.free():
            told = earlier if self.program.reports(measured.step) else None
            yield measured._replace(test_correct=told)
            earlier = measured.test_correct


class _LateStart(Port):
    """Tells every loss one step late, the first one twice."""

    def free(self) -> Iterator[Measured]:
        earlier = None
        for measured in super().free():
            yield measured if earlier is None else measured._replace(loss=earlier)
            earlier = measured.loss
