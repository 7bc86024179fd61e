"""jaxmlp as a subject: the product's own `trainer` and engines, run and stepped to be held against TensorFlow's.

Nothing of the mathematics is written here. A `Port` is one way to put the product together; `noise/benign.py` makes
harmless variants of it, `mutants` make harmful ones, both by replacing a part.
"""

import contextlib
import dataclasses
import functools
import itertools
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxmlp import model, placement, trainer
from jaxmlp.data.dataset import PIXELS, Dataset
from jaxmlp.engine import Engine, settle
from jaxmlp.execution import LAYOUTS, PRECISIONS, Execution
from jaxmlp.method import Method, Slots, method_of, slots_of
from jaxmlp.model import Params, Totals
from jaxmlp.network import Network, Pass
from jaxmlp.program import Program
from parity.compare.tensor import Named
from parity.compare.trace import in_role, of_role
from parity.subject.subject import Measured
from parity.subject.watched import Watched, unseen

Forward = Callable[[Array, Params, Any], Pass]  # inputs, rest, rows -> the pass of n images


def arrays(dataset: Dataset) -> Named:
    """A data set as `compare` and `oracle` take it: train_images uint8 [N, 784], train_labels uint8 [N], test_…."""
    splits = {"train": dataset.train, "test": dataset.test}
    return {f"{split}_{name}": array for split, both in splits.items() for name, array in both._asdict().items()}


@dataclasses.dataclass(frozen=True, eq=False)
class Port:
    """The product put together from its parts, a `Subject`; and the harmless liberties a benign variant takes."""

    name: str
    program: Program
    dataset: Dataset  # in the order of the reference
    placed: placement.Placed
    initial: Params  # float32, on the host
    method: Method
    slots: Callable[[Params], Slots]  # what the method remembers before the first step
    forward: Forward
    totals: Callable[[Array, Array], Totals]
    changed: Callable[[trainer.Step], trainer.Step] = lambda step: step  # what is made of the trainer's step
    rows: Any = None  # what goes along with the images
    order: np.ndarray | None = None  # the training images in the order they were placed; None: as they come
    float64: bool = False

    @classmethod
    def of(cls, program: Program, dataset: Dataset, device: jax.Device, execution: Execution) -> "Port":
        """The product, computed this way."""
        placed = placement.place_for(program, execution, dataset, device)
        screened = " screened" if placed.execution.screening == "on" else ""
        name = f"{placed.execution.layout} {placed.execution.precision}{screened}"
        network, slots = Network.of(program), functools.partial(slots_of, program)
        initial, method = model.init(program, PIXELS, placed.classes), method_of(program)
        return cls(name, program, dataset, placed, initial, method, slots, network.forward, network.totals)

    @property
    def provenance(self) -> dict[str, Any]:
        versions = {"jax": jax.__version__, "jaxlib": version("jaxlib"), "numpy": np.__version__}
        where = {"python": platform.python_version(), "device": self.placed.device.device_kind}
        return {**versions, **where, "engine": self.name}

    def start(self) -> Named:
        return named("weights", self.initial)

    def steps(self, start: Named, count: int) -> list[Named]:
        with self.precision():
            state = self._state(start)
            forward, taken = self._forward(state.params), []
            for _ in range(count):
                state, metrics = self._watched_step(state, self.placed.train, self.rows)
                loss, correct = np.asarray(metrics.loss), np.asarray(metrics.correct, np.int64)
                seen: Any = state.slots
                tensors = {**named("grads", seen.grads), **named("weights", state.params)}
                taken.append({"loss/loss": loss, "correct/correct": correct, **tensors})
        return [{**taken[0], **forward}, *taken[1:]]

    def backward(self, start: Named, logits_grad: np.ndarray) -> Named:
        with self.precision():
            params, placed = self._state(start).params, self.placed
            rows = (self.rows, logits_grad if self.order is None else logits_grad[self.order])
            grads = _handed_over(params, placed.train, rows, engine=placed.engine, forward=self.forward)
            return named("backward", grads)

    def free(self) -> Iterator[Measured]:
        """The run of `program.steps` steps, as a user of `trainer.Run` gets it."""
        with self.precision():
            run = trainer.Run(self.program, self.placed)
            run.state = jax.device_put(trainer.state_of(self.program, self.params(self.start())), self.placed.device)
        reports, dtype = iter(run), np.float64 if self.float64 else np.float32
        while True:
            with self.precision():  # entered for each, or it would hold for whoever computes between two of them
                report = next(reports, None)
            if report is None:
                return
            right = [_count(report.train_accuracy, self.placed.train), _count(report.test_accuracy, self.placed.test)]
            yield Measured(report.step, dtype(report.loss), *right)

    def loss(self, inputs: Array, rest: Params, labels: Array, rows: Any) -> Totals:
        """The `engine.LossFn` of this port's parts."""
        return self.totals(self.forward(inputs, rest, rows).logits, labels)

    @contextlib.contextmanager
    def precision(self) -> Iterator[None]:
        """And JAX_TRANSFER_GUARD is let off: to look at tensors is to move them."""
        with jax.transfer_guard("allow"), jax.enable_x64(True) if self.float64 else contextlib.nullcontext():
            yield

    def params(self, start: Named) -> Params:
        """The weights of a start, on the device."""
        dtype = np.float64 if self.float64 else np.float32
        return jax.tree.map(lambda array: jnp.asarray(array.astype(dtype)), model.from_named(of_role(start, "weights")))

    def _state(self, start: Named) -> trainer.State:
        params = self.params(start)
        state = trainer.State(params, unseen(self.slots(params), params), jnp.zeros((), jnp.int32))
        return jax.device_put(state, self.placed.device)

    @functools.cached_property
    def _watched_step(self) -> trainer.Step:
        """The trainer's step and the very gradient it used, out of one program: another may round otherwise."""
        network = Network.of(self.program)
        return jax.jit(self.changed(trainer.make_step(self.placed.engine, self.loss, Watched(self.method), network)))

    def _forward(self, params: Params) -> Named:
        """Logits [N, C], and which units of each hidden layer are on, as bits, in the order of the reference."""
        logits, units = _seen(params, self.placed.train, self.rows, engine=self.placed.engine, forward=self.forward)
        packed = {f"units/{i}": self.in_order(bits) for i, bits in enumerate(units, 1)}
        return {"logits/logits": self.in_order(logits), **packed}

    def in_order(self, rows: Array) -> np.ndarray:
        """Rows of the images as they were placed, in the order of the reference."""
        if self.order is None:
            return np.asarray(rows)
        out = np.empty(rows.shape, rows.dtype)
        out[self.order] = np.asarray(rows)
        return out


@functools.partial(jax.jit, static_argnames=("engine", "forward"))
def _seen(params: Params, batch: Any, rows: Any, *, engine: Engine, forward: Forward) -> tuple[Array, list[Array]]:
    """Logits [N, C], and the bits of each hidden layer's units that are on; one program for all who share the parts."""

    def of_rows(inputs: Array, rest: Params, labels: Array, own: Any) -> tuple[Array, list[Array]]:
        seen = forward(inputs, rest, own)
        return seen.logits, [jnp.packbits(hidden > 0, axis=1) for hidden in seen.hidden]

    return engine.map_rows(of_rows, params, batch, rows)


@functools.partial(jax.jit, static_argnames=("engine", "forward"))
def _handed_over(params: Params, batch: Any, rows: Any, *, engine: Engine, forward: Forward) -> Params:
    """The gradient with the derivative by the logits handed over: `rows`: the port's own, and it."""

    def loss(inputs: Array, rest: Params, labels: Array, both: Any) -> Totals:
        own, grad = both
        logits = forward(inputs, rest, own).logits
        return Totals((logits * grad.astype(logits.dtype)).sum(), jnp.zeros((), jnp.int32))

    _, sums = engine.sum_grads(loss, params, batch, rows)
    return jax.tree.map(lambda grad: grad / batch.size, sums)


def candidates(
    program: Program, dataset: Dataset, device: jax.Device, layouts: Sequence[str], precisions: Sequence[str]
) -> Iterator[Port]:
    """A port for every combination asked for; none named: all there are. The device's own choice comes first.

    A staircase comes twice where it can be screened. One at a time: each lays the data out for itself.
    """
    screens = placement.screens(program, dataset)
    chosen = placement.execution_for(program, Execution(), dataset, device)
    own = settle(chosen, device, len(dataset.train.labels))
    engines = [
        Execution(layout, precision, screening=how)  # pyright: ignore[reportArgumentType]
        for layout, precision in itertools.product(layouts or LAYOUTS, precisions or PRECISIONS)
        for how in (("on", "off") if layout == "staircase" and screens else ("off",))
    ]
    engines.sort(key=lambda one: dataclasses.replace(own, chunk=None) != one)
    return (Port.of(program, dataset, device, execution) for execution in engines)


def _count(percent: float | None, batch: Any) -> Any:
    """The images that are so many percent of the batch."""
    return None if percent is None else round(percent * batch.size / 100)


def named(role: str, params: Params) -> Named:
    return in_role(role, {name: np.asarray(array) for name, array in model.named(params).items()})
