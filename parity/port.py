"""The port's trace: the product's own `trainer` and engines, run and stepped to be held against TensorFlow's.

Nothing of the mathematics is written here. A `Port` is one way to configure the product; `budget.py` makes benign
variants of it, `mutants.py` plants bugs in the product underneath it.
"""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np

from jaxmlp import optimizer, trainer
from jaxmlp.config import Config, Layout, Pixels
from jaxmlp.data.dataset import Dataset, Split
from jaxmlp.engine import Engine, select
from jaxmlp.model import Params, Totals
from parity.errors import CannotCompare
from parity.sketch import Tensor, Whole
from parity.trace import TENSORS, FreeRun, StepTrace, Trace, Update, data_digests, weight_digests


@dataclasses.dataclass(frozen=True, eq=False)
class Port:
    """The product with one engine and one data set, and the harmless liberties a benign variant takes with them."""

    name: str
    config: Config
    dataset: Dataset  # what the digests are of, in the order of the reference
    workload: trainer.Workload
    order: np.ndarray | None = None  # the training images in the order the workload has them; None: as they come
    float64: bool = False
    nudge: int | None = None  # seed of a change of the initial weights by up to one unit in the last place

    def trace(
        self, weights: dict[int, dict[str, np.ndarray]], logits_grads: dict[int, np.ndarray], free_steps: int
    ) -> Trace:
        """A step from each of the given weights (float32, by step); a free run of the first `free_steps` steps."""
        initial = {name: np.asarray(value) for name, value in self.initial()._asdict().items()}
        return Trace(
            side="port",
            who=f"jaxmlp {self.name}",
            provenance={"jax": jax.__version__, "device": self.workload.device.device_kind, "engine": self.name},
            digests={**data_digests(self.dataset), **weight_digests(initial)},
            images=len(self.dataset.train.labels),
            free=self.as_free_run(list(itertools.islice(self.records(), free_steps))),
            steps={step: self.step(arrays, logits_grads[step]) for step, arrays in weights.items()},
        )

    def records(self) -> Iterator[trainer.Record]:
        """The run of `config.steps` steps, as a user of `trainer.Run` gets it, but for the liberties taken."""
        with self._precision():
            run = trainer.Run(self.config, self.workload)
            run.state = self._start(run.state)
        left = iter(run)
        while True:
            with self._precision():  # entered for each, or it would hold for whoever computes between two of them
                record = next(left, None)
            if record is None:
                return
            yield record

    def as_free_run(self, records: Sequence[trainer.Record]) -> FreeRun:
        """What a trace keeps of `records`."""
        images, tests = len(self.dataset.train.labels), len(self.dataset.test.labels)
        return FreeRun(
            np.array([record.loss for record in records], np.float64 if self.float64 else np.float32),
            np.array([round(record.train_accuracy * images / 100) for record in records], np.int64),
            {
                record.step: round(record.test_accuracy * tests / 100)
                for record in records
                if record.test_accuracy is not None
            },
        )

    def step(self, weights: dict[str, np.ndarray], logits_grad: np.ndarray) -> StepTrace:
        """One step from `weights`, the one after it, and a backward pass with `logits_grad` [N, C] handed over."""
        with self._precision():
            first = self._state(weights)
            second, outcome, grads = self._watched_update(first, self.workload.train)
            third, _, second_grads = self._watched_update(second, self.workload.train)
            return StepTrace(
                loss=np.asarray(outcome.loss),
                correct=int(outcome.correct),
                logits=Whole(self._in_order(self._logits(first.params, self.workload.train))),
                active=Whole(self._in_order(self._active(first.params, self.workload.train))),
                update=Update(_arrays(first.params), _tensors(grads), _tensors(second.params)),
                backward=_tensors(self._backward(first.params, self._handing_over(logits_grad))),
                second=Update(_arrays(second.params), _tensors(second_grads), _tensors(third.params)),
            )

    def initial(self) -> Params:
        """The weights before step 0, as the product draws them."""
        return trainer.init(self.config, self.workload.classes).params

    def _precision(self):
        return jax.enable_x64(True) if self.float64 else contextlib.nullcontext()

    def _state(self, weights: dict[str, np.ndarray]) -> trainer.State:
        dtype = np.float64 if self.float64 else np.float32
        params = Params(*(jnp.asarray(weights[name].astype(dtype)) for name in TENSORS))
        state = trainer.State(params, optimizer.init(params, self.config.learning_rate), jnp.zeros((), jnp.int32))
        return jax.device_put(state, self.workload.device)

    def _start(self, state: trainer.State) -> trainer.State:
        """The state before step 0, with the liberties taken."""
        if not self.float64 and self.nudge is None:
            return state
        weights = {name: np.asarray(value) for name, value in state.params._asdict().items()}
        return self._state(weights if self.nudge is None else _nudged(weights, self.nudge))

    @functools.cached_property
    def _watched_update(self):
        """`trainer.update` and the very gradient it used, out of one compiled program: another may round otherwise."""

        def update(state: trainer.State, batch: Any):
            watched = _Watched(self.workload.engine)
            state, outcome = trainer.update(state, batch, watched)  # pyright: ignore[reportArgumentType]
            return state, outcome, watched.grads

        return jax.jit(update)

    @functools.cached_property
    def _logits(self):
        return jax.jit(lambda params, batch: self.workload.engine.logits(params, batch))

    @functools.cached_property
    def _active(self):
        """Which hidden units are positive, as bits: with the identity for a second layer, the logits are the units."""

        def active(params: Params, batch: Any):
            units = len(params.biases_1)
            eye, zero = jnp.eye(units, dtype=params.weights_2.dtype), jnp.zeros(units, params.biases_2.dtype)
            hidden = self.workload.engine.logits(params._replace(weights_2=eye, biases_2=zero), batch)
            return jnp.packbits(hidden > 0, axis=1)

        return jax.jit(active)

    @functools.cached_property
    def _backward(self):
        return jax.jit(lambda params, batch: self._handed_over_engine.loss_and_grads(params, batch)[2])

    @functools.cached_property
    def _handed_over_engine(self) -> Engine:
        return dataclasses.replace(self.workload.engine, head=_handed_over)  # pyright: ignore

    def _handing_over(self, logits_grad: np.ndarray):
        """The training images, with a row of `logits_grad` for the label of each."""
        images = self.dataset.train.images
        split = Split(images, logits_grad)
        if self.order is not None:
            split = Split(images[self.order], logits_grad[self.order])
        return self._handed_over_engine.prepare(split, self.workload.device)

    def _in_order(self, rows: jax.Array) -> np.ndarray:
        """Rows of the workload's images, in the order of the reference's."""
        if self.order is None:
            return np.asarray(rows)
        out = np.empty(rows.shape, rows.dtype)
        out[self.order] = np.asarray(rows)
        return out


def candidates(
    config: Config, dataset: Dataset, device: jax.Device, layouts: Sequence[str] = (), pixels: Sequence[str] = ()
) -> Iterator[Port]:
    """A port for every combination of layout and arithmetic asked for; none named: all there are. The device's own
    choice comes first. One at a time: each lays the data out for itself.
    """
    auto = select(dataclasses.replace(config, layout="auto", pixels="auto"), device).describe()
    layouts = layouts or [name for name in get_args(Layout) if name != "auto"]
    pixels = pixels or [name for name in get_args(Pixels) if name != "auto"]
    engines = sorted(itertools.product(layouts, pixels), key=lambda engine: engine != (auto["layout"], auto["pixels"]))
    return (port(config, dataset, device, layout, arithmetic) for layout, arithmetic in engines)


def port(config: Config, dataset: Dataset, device: jax.Device, layout: str, pixels: str) -> Port:
    """The product with this engine."""
    chosen = dataclasses.replace(config, layout=layout, pixels=pixels)
    return Port(f"{layout} {pixels}", chosen, dataset, trainer.prepare(chosen, dataset, device))


def require_float64(device: jax.Device) -> None:
    """Raises `CannotCompare` where a device computes no float64, which the benign ensemble needs."""
    if device.platform == "tpu":
        raise CannotCompare(f"float64 was asked of {device.device_kind}, which has none: use --device cpu")


class _Watched:
    """An engine that remembers the gradient it returned.

    XLA looks through the border between engine and optimizer: it may compute S / N · η as S · (η / N), which is two
    units in the last place from η times the gradient it reports. The barrier makes the gradient a value of its own.
    """

    def __init__(self, engine: Engine):
        self._engine = engine
        self.grads: Params | None = None

    def loss_and_grads(self, params: Params, batch: Any):
        loss, correct, grads = self._engine.loss_and_grads(params, batch)
        self.grads = jax.lax.optimization_barrier(grads)
        return loss, correct, self.grads

    def __getattr__(self, name: str):
        return getattr(self._engine, name)


def _handed_over(logits: jax.Array, logits_grad: jax.Array) -> Totals:
    """A loss whose derivative by the logits is `logits_grad`: what T2b differentiates in place of the cross-entropy."""
    return Totals((logits * logits_grad.astype(logits.dtype)).sum(), jnp.zeros((), jnp.int32))


def _nudged(weights: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Every weight moved to a neighbouring float32, up or down by chance; exact zeros stay."""
    chance = np.random.default_rng(seed)

    def moved(array: np.ndarray) -> np.ndarray:
        towards = np.where(chance.random(array.shape) < 0.5, np.float32(-np.inf), np.float32(np.inf))
        return np.where(array == 0, array, np.nextafter(array, towards))

    return {name: moved(array) for name, array in weights.items()}


def _arrays(params: Params) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in params._asdict().items()}


def _tensors(params: Params) -> dict[str, Tensor]:
    return {name: Whole(array) for name, array in _arrays(params).items()}
