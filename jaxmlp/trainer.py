"""The training loop, free of files and screens: a pure step, and a `Run` that yields a `Report` a step.

A step is one full-batch update; its loss and training accuracy are those before it, the test accuracy that after it.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from jaxmlp import model
from jaxmlp.data.checked import checked
from jaxmlp.data.dataset import PIXELS, Dataset
from jaxmlp.engine import Engine, LossFn, evaluation, select, settle
from jaxmlp.errors import DivergedError
from jaxmlp.execution import Execution
from jaxmlp.model import Params
from jaxmlp.program import Program
from jaxmlp.tf1.losses import softmax_cross_entropy


class State(NamedTuple):
    """All that one step hands to the next."""

    params: Params
    slots: optax.OptState
    step: Array  # int32, updates done


class Metrics(NamedTuple):
    """What a step measures on the training set, before its update."""

    loss: Array  # float32, the mean over all images
    correct: Array  # int32


class Report(NamedTuple):
    """What a step tells whoever drives the run."""

    step: int
    loss: float
    train_accuracy: float  # percent
    test_accuracy: float | None  # percent, after the update; None between reports


Step = Callable[..., tuple[State, Metrics]]  # State, Batch, rows -> the next State and what was measured


def init(program: Program, classes: int) -> State:
    """The state before step 0: TF 1.15's own initial weights for `program.seed`."""
    return state_of(program, model.init(program, PIXELS, classes))


def state_of(program: Program, params: Params) -> State:
    """The state before step 0 with other weights."""
    params = jax.device_put(params)  # said in so many words here and below: JAX_TRANSFER_GUARD forbids what is not
    rate = jax.device_put(np.asarray(program.optimizer.learning_rate, params[-1].biases.dtype))
    return State(params, _slots(params, rate), jax.device_put(np.int32(0)))


@jax.jit
def _slots(params: Params, rate: Array) -> optax.OptState:
    return descent(rate).init(params)  # pyright: ignore[reportArgumentType]


def descent(learning_rate: float) -> optax.GradientTransformationExtraArgs:
    """Plain gradient descent with the rate in its state.

    XLA may contract the product with the subtraction, so its bits are not always those of the `gradient_descent` in
    `tf1.optimizers`, which rounds both as TensorFlow does; parity's T3 allows for that.
    """
    return optax.inject_hyperparams(optax.sgd)(learning_rate=learning_rate)


OPTIMIZER = descent(math.nan)  # its update reads the rate in the state, so one serves every program


def make_step(engine: Engine, loss: LossFn = model.loss, optimizer: optax.GradientTransformation = OPTIMIZER) -> Step:
    """One update on the whole batch: the sums of the engine, their mean, the optimizer. Pure, and not compiled."""

    def step(state: State, batch: Any, rows: Any = None) -> tuple[State, Metrics]:
        totals, sums = engine.sum_grads(loss, state.params, batch, rows)
        grads: Any = jax.tree.map(lambda grad: grad / batch.size, sums)
        updates, slots = optimizer.update(grads, state.slots, state.params)  # pyright: ignore[reportArgumentType]
        params: Any = optax.apply_updates(state.params, updates)  # pyright: ignore[reportArgumentType]
        return State(params, slots, state.step + 1), Metrics(totals.loss / batch.size, totals.correct)

    return step


@functools.partial(jax.jit, static_argnames="engine", donate_argnames="state")
def step(state: State, batch: Any, *, engine: Engine) -> tuple[State, Metrics]:
    """`make_step(engine)`, compiled once for any number of runs of one shape."""
    return make_step(engine)(state, batch)


@functools.partial(jax.jit, static_argnames=("engine", "capacity"), donate_argnames="state")
def advance(state: State, batch: Any, count: Array, *, engine: Engine, capacity: int) -> tuple[State, Metrics]:
    """`count` (int32, at most `capacity`) steps with the host out of the loop; metrics [capacity], the rest unset.

    The count is an argument, so blocks of any length share one compiled program.
    """
    one_step = make_step(engine)

    def body(i: Array, carry: tuple[State, Metrics]) -> tuple[State, Metrics]:
        state, measured = carry
        state, metrics = one_step(state, batch)
        return state, jax.tree.map(lambda all, one: all.at[i].set(one), measured, metrics)

    unset = Metrics(jnp.zeros(capacity, state.params[0].biases.dtype), jnp.zeros(capacity, jnp.int32))
    return jax.lax.fori_loop(0, count, body, (state, unset))


@functools.partial(jax.jit, static_argnames="engine")
def correct_count(params: Params, batch: Any, *, engine: Engine) -> Array:
    """int32: images of the batch whose largest logit is their label's."""
    hits = engine.map_rows(lambda x, rest, y, _: model.hits(model.forward(x, rest).logits, y), params, batch)
    return hits.sum(dtype=jnp.int32)


@functools.partial(jax.jit, static_argnames="engine")
def probabilities(params: Params, batch: Any, *, engine: Engine) -> Array:
    """Softmax of every image's logits, float [N, C], in the order the images came."""
    logits = engine.map_rows(lambda x, rest, *_: model.forward(x, rest).logits, params, batch)
    return jax.nn.softmax(logits)


@functools.partial(jax.jit, static_argnames="engine")
def cross_entropies(params: Params, batch: Any, *, engine: Engine) -> Array:
    """Every image's loss, float [N], in the order the images came."""
    return engine.map_rows(lambda x, rest, y, _: softmax_cross_entropy(model.forward(x, rest).logits, y), params, batch)


class Placed(NamedTuple):
    """A data set laid out on a device by an engine: placed once, trained on by any number of runs."""

    execution: Execution  # settled
    engine: Engine
    train: Any  # what engine.place returned
    evaluator: Engine
    test: Any  # what evaluator.place returned
    classes: int
    device: jax.Device


def place(execution: Execution, dataset: Dataset, device: jax.Device) -> Placed:
    """Lays the data out as `execution` says. Raises DataError naming the array that is not what it must be."""
    dataset = checked(dataset)
    images, tests = len(dataset.train.labels), len(dataset.test.labels)
    engine, evaluator = select(execution, device, images), select(evaluation(execution), device, tests)
    train, test = engine.place(dataset.train, device), evaluator.place(dataset.test, device)
    return Placed(settle(execution, device, images), engine, train, evaluator, test, len(dataset.class_names), device)


class Run:
    """One training run; iterate over it to train.

    `state` is that after the last report that was yielded, or, off the CPU, after the block of steps it belongs to.
    """

    def __init__(self, program: Program, placed: Placed):
        self.program, self.placed = program, placed
        self.state = jax.device_put(init(program, placed.classes), placed.device)
        # A step on a CPU costs a second, so each is reported as it ends; elsewhere the host stays out of the loop.
        self._capacity = 1 if placed.device.platform == "cpu" else min(program.report_every, program.steps)

    def __iter__(self) -> Iterator[Report]:
        """Trains from the current state to `program.steps`, a report a step. Raises DivergedError."""
        last_finite = None
        while (first := int(jax.device_get(self.state.step))) < self.program.steps:
            count = self._block_length(first)
            with self._finite(first, last_finite):
                losses, corrects = self._advance(count)
            for offset in range(count):
                step, loss = first + offset, float(losses[offset])
                if not math.isfinite(loss):
                    raise _diverged(step, f"the loss at step {step} is {loss}", last_finite, self.program)
                last_finite = loss
                with self._finite(step, last_finite):
                    test = self.test_accuracy() if self.program.reports(step) else None
                yield Report(step, loss, 100.0 * int(corrects[offset]) / self.placed.train.size, test)

    def test_accuracy(self) -> float:
        """Percent of the test images the current weights classify right."""
        correct = correct_count(self.state.params, self.placed.test, engine=self.placed.evaluator)
        return 100.0 * int(jax.device_get(correct)) / self.placed.test.size

    def test_predictions(self) -> np.ndarray:
        """The original's last line: softmax of all test images, float32 [N, C], in the order of the data set."""
        return jax.device_get(probabilities(self.state.params, self.placed.test, engine=self.placed.evaluator))

    def test_losses(self) -> np.ndarray:
        """The cross-entropy of each test image, float32 [M], in the order of the data set."""
        return jax.device_get(cross_entropies(self.state.params, self.placed.test, engine=self.placed.evaluator))

    def tested(self, report: Report) -> Report:
        """The last step's report with the test accuracy of the weights after it. Raises DivergedError."""
        if report.test_accuracy is not None:
            return report
        with self._finite(report.step, report.loss):
            return report._replace(test_accuracy=self.test_accuracy())

    @contextlib.contextmanager
    def _finite(self, step: int, finite: float | None) -> Iterator[None]:
        """Under JAX_DEBUG_NANS and JAX_DEBUG_INFS it is JAX that notices, and sooner: in any number of the step."""
        try:
            yield
        except (FloatingPointError, RuntimeError) as error:
            # To name the operation JAX repeats the step one by one, from buffers that the step was given to overwrite.
            looking = jax.config.jax_debug_nans or jax.config.jax_debug_infs  # pyright: ignore[reportAttributeAccessIssue]
            if isinstance(error, RuntimeError) and not (looking and "has been deleted" in str(error)):
                raise
            raise _diverged(step, f"a number of step {step} is not finite", finite, self.program) from None

    def _block_length(self, first: int) -> int:
        """Steps up to and including the next one that reports, within one compiled block and the run."""
        every = self.program.report_every
        to_report = -(-first // every) * every + 1 - first
        return min(to_report, self._capacity, self.program.steps - first)

    def _advance(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        engine, batch = self.placed.engine, self.placed.train
        if self._capacity == 1:
            self.state, metrics = step(self.state, batch, engine=engine)
        else:
            length = {"count": jax.device_put(np.int32(count), self.placed.device), "capacity": self._capacity}
            self.state, metrics = advance(self.state, batch, engine=engine, **length)
        loss, correct = jax.device_get(metrics)
        return np.atleast_1d(loss), np.atleast_1d(correct)


def _diverged(step: int, what: str, finite: float | None, program: Program) -> DivergedError:
    before = "there was no finite loss before it" if finite is None else f"the last finite loss was {finite:f}"
    rate = program.optimizer.learning_rate
    return DivergedError(f"{what}; {before}. Lower the learning rate, which is {rate:g}", step)
