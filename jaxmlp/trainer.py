"""The training loop, free of files and screens: a pure step, and a `Run` that yields a `Record` a step.

`train.py`, `sweep.py`, `parity` and `bench` all drive it. One step is one full-batch update of the original program;
its loss and training accuracy are those before the update, the test accuracy is evaluated after it.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from jaxmlp import model, optimizer
from jaxmlp.config import Config
from jaxmlp.data.dataset import Dataset
from jaxmlp.engine import Engine, select
from jaxmlp.errors import DivergedError
from jaxmlp.model import Params


class State(NamedTuple):
    """All that one step hands to the next."""

    params: Params
    opt_state: optax.OptState
    step: Array  # int32, updates done


class Outcome(NamedTuple):
    """What a step measures on the training set, before its update."""

    loss: Array  # float32, the mean over all images
    correct: Array  # int32


class Record(NamedTuple):
    """What a step tells whoever drives the run."""

    step: int
    loss: float
    train_accuracy: float  # percent
    test_accuracy: float | None  # percent, after the update; None between reports


def init(config: Config, classes: int) -> State:
    """The state before step 0: TF 1.15's own initial weights for `config.seed`."""
    params = jax.tree.map(jnp.asarray, model.init(config, classes))
    return State(params, optimizer.init(params, config.learning_rate), jnp.zeros((), jnp.int32))


def update(state: State, batch: Any, engine: Engine) -> tuple[State, Outcome]:
    """Loss, gradient and one step of gradient descent on the whole batch; pure."""
    loss, correct, grads = engine.loss_and_grads(state.params, batch)
    updates, opt_state = optimizer.gradient_descent().update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    return State(params, opt_state, state.step + 1), Outcome(loss, correct)  # pyright: ignore[reportArgumentType]


step = jax.jit(update, static_argnames="engine", donate_argnames="state")


@functools.partial(jax.jit, static_argnames=("engine", "capacity"), donate_argnames="state")
def advance(state: State, batch: Any, count: Array, *, engine: Engine, capacity: int) -> tuple[State, Outcome]:
    """`count` (int32, at most `capacity`) steps with the host out of the loop; outcomes [capacity], the rest unset.

    The count is an argument, so blocks of any length share one compiled program.
    """

    def body(i: Array, carry: tuple[State, Outcome]) -> tuple[State, Outcome]:
        state, outcomes = carry
        state, outcome = update(state, batch, engine)
        return state, jax.tree.map(lambda all, one: all.at[i].set(one), outcomes, outcome)

    unset = Outcome(jnp.zeros(capacity, state.params.weights_1.dtype), jnp.zeros(capacity, jnp.int32))
    return jax.lax.fori_loop(0, count, body, (state, unset))


@functools.partial(jax.jit, static_argnames="engine")
def correct_count(params: Params, batch: Any, *, engine: Engine) -> Array:
    """int32: images of the batch whose largest logit is their label's."""
    return engine.totals(params, batch).correct


@functools.partial(jax.jit, static_argnames="engine")
def probabilities(params: Params, batch: Any, *, engine: Engine) -> Array:
    """Softmax of every image's logits, float [N, C], in the order the images came."""
    return jax.nn.softmax(engine.logits(params, batch))


class Workload(NamedTuple):
    """A data set laid out on a device by an engine: prepared once, trained on by any number of runs."""

    engine: Engine
    train: Any  # what engine.prepare returned
    evaluator: Engine  # dense: ordering a set pays off over hundreds of steps, not over a few evaluations
    test: Any  # what evaluator.prepare returned
    classes: int
    device: jax.Device


def prepare(config: Config, dataset: Dataset, device: jax.Device) -> Workload:
    """Lays the data out as `config.layout`, `pixels` and `chunk` say."""
    engine, evaluator = select(config, device), select(dataclasses.replace(config, layout="dense"), device)
    train, test = engine.prepare(dataset.train, device), evaluator.prepare(dataset.test, device)
    return Workload(engine, train, evaluator, test, len(dataset.class_names), device)


class Run:
    """One training run; iterate over it to train.

    Attributes:
      state: after the last record that was yielded, or, off the CPU, after the block of steps it belongs to.
    """

    def __init__(self, config: Config, workload: Workload):
        self.config = config
        self.workload = workload
        self.state = jax.device_put(init(config, workload.classes), workload.device)
        # A step on a CPU costs a second, so each is reported as it ends; elsewhere the host stays out of the loop.
        self._capacity = 1 if workload.device.platform == "cpu" else min(config.report_every, config.steps)

    def __iter__(self) -> Iterator[Record]:
        """Trains from the current state to `config.steps`, a record a step.

        Raises:
          DivergedError: a loss is not finite; names the step and the last finite loss.
        """
        last_finite = None
        while (first := int(self.state.step)) < self.config.steps:
            count = self._block_length(first)
            losses, corrects = self._advance(count)
            for offset in range(count):
                step, loss = first + offset, float(losses[offset])
                if not math.isfinite(loss):
                    raise DivergedError(_divergence(step, loss, last_finite, self.config.learning_rate), step)
                last_finite = loss
                test = self.test_accuracy() if self.config.reports(step) else None
                yield Record(step, loss, 100.0 * int(corrects[offset]) / self.workload.train.size, test)

    def test_accuracy(self) -> float:
        """Percent of the test images the current weights classify right."""
        evaluator, test = self.workload.evaluator, self.workload.test
        return 100.0 * int(correct_count(self.state.params, test, engine=evaluator)) / test.size

    def test_predictions(self) -> np.ndarray:
        """The original's last line: softmax of all test images, float32 [N, C], in the order of the data set."""
        evaluator, test = self.workload.evaluator, self.workload.test
        return np.asarray(probabilities(self.state.params, test, engine=evaluator))

    def _block_length(self, first: int) -> int:
        """Steps up to and including the next one that reports, within one compiled block and the run."""
        every = self.config.report_every
        to_report = -(-first // every) * every + 1 - first
        return min(to_report, self._capacity, self.config.steps - first)

    def _advance(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        engine, batch = self.workload.engine, self.workload.train
        if self._capacity == 1:
            self.state, outcome = step(self.state, batch, engine=engine)
        else:
            block = {"engine": engine, "capacity": self._capacity}
            self.state, outcome = advance(self.state, batch, jnp.int32(count), **block)
        loss, correct = jax.device_get(outcome)
        return np.atleast_1d(loss), np.atleast_1d(correct)


def _divergence(step: int, loss: float, last_finite: float | None, rate: float) -> str:
    before = (
        "there was no finite loss before it" if last_finite is None else f"the last finite loss was {last_finite:f}"
    )
    return f"the loss at step {step} is {loss}; {before}. Lower the learning rate, which is {rate:g}"
