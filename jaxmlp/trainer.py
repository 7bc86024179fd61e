"""The training loop, free of files and screens: a pure step, and a `Run` that yields a `Report` a step.

A step is one update, on the whole training set or on a minibatch; its loss and training accuracy are those before it,
the test accuracy that after it.
"""

import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp import minibatches, model
from jaxmlp.data.dataset import PIXELS
from jaxmlp.engine import Engine, LossFn, Screening, screening
from jaxmlp.engine.minibatch import Pool
from jaxmlp.errors import ConfigError, DivergedError
from jaxmlp.method import Method, Slots, method_of, require_rates, slots_of
from jaxmlp.model import Params
from jaxmlp.network import ORIGINAL, Network, hits
from jaxmlp.placement import Placed, pooled
from jaxmlp.program import Program
from jaxmlp.random_ops import Draws, draws_of, evaluated, masks

BLOCK = 500  # minibatch steps without the host, at most: a few seconds, after which Ctrl-C is heard


class State(NamedTuple):
    """All that one step hands to the next."""

    params: Params
    slots: Slots
    step: Array  # int32, updates done
    draws: Draws = ()  # the random ops' generators
    bounds: Any = ()  # what `engine.Screening` knows of each image, where that is the engine


class Metrics(NamedTuple):
    """What a step measures on its batch, before its update."""

    loss: Array  # float32, the mean over all images, and the penalty
    correct: Array  # int32


class Report(NamedTuple):
    """What a step tells whoever drives the run."""

    step: int
    loss: float
    train_accuracy: float  # percent of the batch
    test_accuracy: float | None  # percent, after the update; None between reports


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a step of a program does, without numbers: programs of equal recipes share a compiled step."""

    network: Network = ORIGINAL
    method: Method = method_of(Program())  # noqa: RUF009  (frozen)

    @classmethod
    def of(cls, program: Program) -> "Recipe":
        """The program's."""
        return cls(Network.of(program), method_of(program))


RECIPE = Recipe()  # the original's


class Updates(Protocol):
    """What `make_step` needs of a `Method`; its slots are its own."""

    def __call__(self, mean: Params, slots: Any, params: Params, /) -> tuple[Params, Any]: ...

    def penalty(self, params: Params, slots: Any, /) -> Array | None: ...


Step = Callable[..., tuple[State, Metrics]]  # State, Batch, rows -> the next State and what was measured


def init(program: Program, classes: int) -> State:
    """The state before step 0: TF 1.15's own initial weights for `program.seed`."""
    return state_of(program, model.init(program, PIXELS, classes))


def state_of(program: Program, params: Params) -> State:
    """The state before step 0 with other weights."""
    params = jax.device_put(params)  # said in so many words here and below: JAX_TRANSFER_GUARD forbids what is not
    draws = draws_of(program, PIXELS, params[-1].weights.shape[1])
    return State(params, slots_of(program, params), jax.device_put(np.int32(0)), draws)


def with_bounds(state: State, engine: Engine, batch: Any, device: jax.Device) -> State:
    """The state before step 0 as the engine needs it: where it screens, nothing is known of an image yet."""
    if not isinstance(engine, Screening):
        return state
    return state._replace(bounds=jax.device_put(engine.unknown(state.params, batch), device))


def make_step(
    engine: Engine, loss: LossFn = ORIGINAL.loss, method: Updates = RECIPE.method, network: Network | None = None
) -> Step:
    """One update on a whole batch: the sums of the engine, their mean, the method. Pure, and not compiled.

    `network`: whose loss it is; without it nothing is screened.
    """

    screened = network if isinstance(engine, Screening) and network and screening.applies(network) else None

    def step(state: State, batch: Any, rows: Any = None) -> tuple[State, Metrics]:
        params, slots, bounds = state.params, state.slots, state.bounds
        if isinstance(engine, Screening) and screened:
            bounds = bounds or engine.unknown(params, batch)
            totals, sums, bounds = engine.screened(loss, screened, params, batch, bounds)
        else:
            totals, sums = engine.sum_grads(loss, params, batch, rows)
        mean: Any = jax.tree.map(lambda grad: grad / batch.size, sums)
        penalty = method.penalty(params, slots)
        mean_loss = totals.loss / batch.size
        measured = Metrics(mean_loss if penalty is None else mean_loss + penalty, totals.correct)
        after, slots = method(mean, slots, params)
        if screened:
            bounds = screening.lowered(screened, bounds, params, after, batch)
        return State(after, slots, state.step + 1, state.draws, bounds), measured

    return step


def step_on(state: State, batch: Any, rows: Array | None, *, engine: Engine, recipe: Recipe) -> tuple[State, Metrics]:
    """`make_step` with the step's dropout masks drawn first, and its minibatch taken: `rows` int32 [n] of a `Pool`.

    Of a pool without blank pixels the state must have been `narrowed`.
    """
    drawn, draws = masks(recipe.network, state.params, state.draws, batch.size if rows is None else len(rows))
    if isinstance(batch, Pool):
        assert rows is not None, "a step takes rows of a pool"
        batch = batch.take(rows, drawn.pixels)
    step = make_step(engine, recipe.network.loss, recipe.method, recipe.network)
    return step(state._replace(draws=draws), batch, drawn.hidden)


@functools.partial(jax.jit, static_argnames=("engine", "recipe"), donate_argnames="state")
def step(
    state: State, batch: Any, rows: Array | None = None, *, engine: Engine, recipe: Recipe = RECIPE
) -> tuple[State, Metrics]:
    """`step_on`, compiled once for any number of runs of one shape."""
    after, metrics = step_on(narrowed(state, batch), batch, rows, engine=engine, recipe=recipe)
    return widened(after, state, batch), metrics


@functools.partial(jax.jit, static_argnames=("engine", "capacity", "recipe"), donate_argnames="state")
def advance(
    state: State,
    batch: Any,
    count: Array,
    rows: Array | None = None,
    *,
    engine: Engine,
    capacity: int,
    recipe: Recipe = RECIPE,
) -> tuple[State, Metrics]:
    """`count` (int32, at most `capacity`) steps with the host out of the loop; metrics [capacity], the rest unset.

    `rows` int32 [capacity, n]: each step's minibatch. The count is an argument, so blocks of any length share one
    compiled program.
    """

    def body(i: Array, carry: tuple[State, Metrics]) -> tuple[State, Metrics]:
        state, measured = carry
        state, metrics = step_on(state, batch, None if rows is None else rows[i], engine=engine, recipe=recipe)
        return state, jax.tree.map(lambda all, one: all.at[i].set(one), measured, metrics)

    unset = Metrics(jnp.zeros(capacity, state.params[0].weights.dtype), jnp.zeros(capacity, jnp.int32))
    after, measured = jax.lax.fori_loop(0, count, body, (narrowed(state, batch), unset))
    return widened(after, state, batch), measured


def narrowed(state: State, batch: Any) -> State:
    """The state without the weights and slots of pixels that a `Pool` has left out."""
    if not isinstance(batch, Pool) or batch.inked is None:
        return state
    return state._replace(params=batch.inked.narrowed(state.params), slots=batch.inked.narrowed(state.slots))


def widened(narrow: State, before: State, batch: Any) -> State:
    """The inverse, after steps from the state `before`: these weights are what they were."""
    if not isinstance(batch, Pool) or batch.inked is None:
        return narrow
    params = batch.inked.put_back(before.params, narrow.params)
    return narrow._replace(params=params, slots=batch.inked.spread(narrow.slots))


@functools.partial(jax.jit, static_argnames=("engine", "network"))
def correct_count(params: Params, batch: Any, *, engine: Engine, network: Network = ORIGINAL) -> Array:
    """int32: images of the batch whose largest logit is their label's."""
    right = engine.map_rows(lambda x, rest, y, _: hits(network.forward(x, rest).logits, y), params, batch)
    return right.sum(dtype=jnp.int32)


@functools.partial(jax.jit, static_argnames=("engine", "network"))
def probabilities(params: Params, batch: Any, *, engine: Engine, network: Network = ORIGINAL) -> Array:
    """Softmax of every image's logits, float [N, C], in the order the images came."""
    logits = engine.map_rows(lambda x, rest, *_: network.forward(x, rest).logits, params, batch)
    return jax.nn.softmax(logits)


@functools.partial(jax.jit, static_argnames=("engine", "network"))
def losses(params: Params, batch: Any, *, engine: Engine, network: Network = ORIGINAL) -> Array:
    """Every image's loss, float [N], in the order the images came."""
    return engine.map_rows(lambda x, rest, y, _: network.losses(network.forward(x, rest).logits, y), params, batch)


class Run:
    """One training run; iterate over it to train.

    `state` is that after the last report that was yielded, or, off the CPU, after the block of steps it belongs to.
    """

    def __init__(self, program: Program, placed: Placed):
        """Raises ConfigError where the program asks for what the data has not, or for another layout than `placed`."""
        self.program, self.placed, self.recipe = program.settled(placed.train.size), placed, Recipe.of(program)
        pool = placed.train if isinstance(placed.train, Pool) else None
        pixels = pooled(program)
        if (pixels is None) != (pool is None) or (pool and pool.inked and pixels == "all"):
            raise ConfigError("the data was placed for another program: place it with `placement.place_for`")
        require_rates(self.program.optimizer, self.program.steps)
        state = jax.device_put(init(program, placed.classes), placed.device)
        self.state = with_bounds(state, placed.engine, placed.train, placed.device)
        self.order = minibatches.order_of(self.program, pool.size) if pool else None  # of the images
        self._capacity = self._block()
        self._last_finite: float | None = None  # loss

    def __iter__(self) -> Iterator[Report]:
        """Trains from the current state to `program.steps`, a report a step. Raises DivergedError."""
        last_finite = self._last_finite
        while (first := self.done) < self.program.steps:
            count = self._block_length(first)
            with self._finite(first, last_finite):
                losses, corrects = self._advance(count)
            for offset in range(count):
                step, loss = first + offset, float(losses[offset])
                if not math.isfinite(loss):
                    raise _diverged(step, f"the loss at step {step} is {loss}", last_finite, self.program)
                last_finite = loss
                with self._finite(step, last_finite):
                    test = self._reported() if self.program.reports(step) else None
                yield Report(step, loss, 100.0 * int(corrects[offset]) / self.batch_size, test)

    def resume(self, state: State, order: minibatches.Saved, loss: float) -> None:
        """Goes on from where another run of the same program was: its state, what `order.saved` gave, its last loss."""
        self.state = jax.device_put(state, self.placed.device)
        self._last_finite = loss
        if self.order is not None:
            self.order.restore(order)

    @property
    def done(self) -> int:
        """Steps that `state` has behind it."""
        return int(jax.device_get(self.state.step))

    @property
    def batch_size(self) -> int:
        """Images a step."""
        batching = self.program.batching
        return batching.size if batching else self.placed.train.size

    def test_accuracy(self) -> float:
        """Percent of the test images the current weights classify right."""
        correct = correct_count(self.state.params, self.placed.test, **self._evaluating)
        return 100.0 * int(jax.device_get(correct)) / self.placed.test.size

    def test_predictions(self) -> np.ndarray:
        """The original's last line: softmax of all test images, float32 [N, C], in the order of the data set."""
        return jax.device_get(probabilities(self.state.params, self.placed.test, **self._evaluating))

    def test_losses(self) -> np.ndarray:
        """The loss of each test image, float32 [M], in the order of the data set."""
        return jax.device_get(losses(self.state.params, self.placed.test, **self._evaluating))

    def tested(self, report: Report) -> Report:
        """The last step's report with the test accuracy of the weights after it. Raises DivergedError."""
        if report.test_accuracy is not None:
            return report
        with self._finite(report.step, report.loss):
            return report._replace(test_accuracy=self.test_accuracy())

    @property
    def _evaluating(self) -> dict[str, Any]:
        return {"engine": self.placed.evaluator, "network": self.recipe.network.evaluating()}

    def _reported(self) -> float:
        """The test accuracy of a report, which may move the dropouts' streams on."""
        if self.program.evaluation_draws:
            draws = evaluated(self.recipe.network, self.state.params, self.state.draws, self.placed.test.size)
            self.state = self.state._replace(draws=draws)
        return self.test_accuracy()

    def _block(self) -> int:
        """The most steps in one dispatch."""
        assert self.program.report_every
        if self.program.batching:
            return min(self.program.report_every, self.program.steps, BLOCK)
        # A full batch on a CPU costs a second, so each is reported as it ends; elsewhere the host stays out of it.
        on_host = self.placed.device.platform == "cpu"
        return 1 if on_host else min(self.program.report_every, self.program.steps)

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
        most = min(self._capacity, self.program.steps - first)
        return next((n for n in range(1, most) if self.program.reports(first + n - 1)), most)

    def _advance(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        common = {"engine": self.placed.engine, "recipe": self.recipe}
        if self._capacity == 1:
            rows = None if self.order is None else jax.device_put(self.order.take(1)[0], self.placed.device)
            self.state, metrics = step(self.state, self.placed.train, rows, **common)
        else:
            length = jax.device_put(np.int32(count), self.placed.device)
            state, train, rows = self.state, self.placed.train, self._block_rows(count)
            self.state, metrics = advance(state, train, length, rows, capacity=self._capacity, **common)
        loss, correct = jax.device_get(metrics)
        return np.atleast_1d(loss), np.atleast_1d(correct)

    def _block_rows(self, count: int) -> Array | None:
        """int32 [capacity, n], the first `count` of them set."""
        if self.order is None:
            return None
        rows = np.zeros((self._capacity, self.batch_size), np.int32)
        rows[:count] = self.order.take(count)
        return jax.device_put(rows, self.placed.device)


def _diverged(step: int, what: str, finite: float | None, program: Program) -> DivergedError:
    before = "there was no finite loss before it" if finite is None else f"the last finite loss was {finite:f}"
    rate = program.optimizer.learning_rate
    called = f"{rate:g}" if isinstance(rate, int | float) else f"{rate.learning_rate:g} at first ({rate.kind})"
    return DivergedError(f"{what}; {before}. Lower the learning rate, which is {called}", step)
