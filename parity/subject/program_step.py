"""A `Program` as a step beside a recording: jaxmlp's own engine and method, on the recorded weights, rows and draws."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmlp import trainer
from jaxmlp.data.dataset import Split
from jaxmlp.engine import minibatch
from jaxmlp.engine.select import select
from jaxmlp.execution import Execution
from jaxmlp.method import method_of, slots_of
from jaxmlp.model import Layer, Params
from jaxmlp.network import Network
from jaxmlp.program import Program
from jaxmlp.random_ops import Draws, Masks
from jaxmlp.tf1 import optimizers
from parity.compare.tensor import Named
from parity.errors import CannotCompare
from parity.subject.parts import Parts, take
from parity.subject.port_writer.expression import INPUT, Expression
from parity.subject.port_writer.family import Family
from parity.subject.port_writer.family_pixels import is_bytes
from parity.subject.watched import unseen


@dataclasses.dataclass(frozen=True, eq=False)
class ProgramStep:
    """Called as `parity.prove` calls a step. `family` says which tensors of the recording are whose.

    The program may be another than the family's own, with the same layers: then the two differ.
    """

    program: Program
    family: Family

    def __call__(self, weights: Named, slots: Named, batch: Named, draws: Named) -> dict[str, Any]:
        """One step. Raises `CannotCompare` where the program has other layers, or the data are no pixels."""
        params = self._params(weights)
        images, labels = self._split(batch)
        device = jax.local_devices(backend="cpu")[0]
        engine = select(Execution("dense", "float32"), device, len(labels))
        masks, network = self._masks(draws), self._network
        parts = Parts(engine, network.forward, network.totals, method_of(self.program), same, undrawn)
        pool = minibatch.place(Split(images, labels), device)
        rows, nothing = jnp.arange(len(labels), dtype=jnp.int32), jnp.zeros((len(labels), self._classes(weights)))
        taken = take(parts, self._state(params, slots), pool, rows, nothing, masks)
        return self._returned(taken, slots)

    @functools.cached_property
    def _network(self) -> Network:
        """One for all steps: another, though equal, would be compiled anew."""
        return Network.of(self.program)

    def _returned(self, taken: Any, slots: Named) -> dict[str, Any]:
        seen = taken.state.slots
        grads, after = self._named(seen.grads), self._named(taken.state.params)
        made = {"loss": taken.metrics.loss, "grads": grads, "weights": after, "logits": taken.rows["logits/logits"]}
        if self.program.clipping:
            made["arriving"] = self._named(seen.clipped)
        return {**made, "slots": self._slots(seen.own.optimizer, slots)}

    def _params(self, weights: Named) -> Params:
        if len(self.family.layers) != len(self.program.layers) + 1:
            raise CannotCompare(
                f"the program has {len(self.program.layers)} hidden layers, the recording {len(self.family.layers) - 1}"
            )
        biases = [one.bias and jnp.asarray(weights[one.bias].reshape(-1)) for one in self.family.layers]
        pairs = zip(self.family.layers, biases, strict=True)
        return tuple(Layer(jnp.asarray(weights[one.kernel]), bias) for one, bias in pairs)

    def _named(self, params: Params) -> dict[str, Any]:
        """By TensorFlow's names, in TensorFlow's shapes."""
        found = {}
        for one, layer in zip(self.family.layers, params, strict=True):
            found[one.kernel] = layer.weights
            if one.bias:
                found[one.bias] = layer.biases.reshape(self._shape(one.bias))
        return found

    def _shape(self, bias: str) -> tuple[int, ...]:
        return self.family.shapes[bias]

    def _classes(self, weights: Named) -> int:
        return weights[self.family.layers[-1].kernel].shape[1]

    def _split(self, batch: Named) -> tuple[np.ndarray, np.ndarray]:
        images = _data(self.family.images, batch).reshape(-1, self.family.pixels)
        labels = _data(self.family.labels, batch)
        as_fed = self.program.scale == 1 or images.max(initial=0) > 1  # else: 0 and 1 are blank and full ink over 255
        bytes_ = images if is_bytes(images) and as_fed else images * 255
        if not is_bytes(bytes_):
            raise CannotCompare("the batch holds no pixels, whole numbers from 0 to 255 or these over 255")
        return np.rint(bytes_).astype(np.uint8), _classes(labels)

    def _masks(self, draws: Named) -> Masks:
        dropouts = [(one.draw, one.keep_prob) for one in self.family.layers if one.draw]
        hidden = tuple(_mask(draws[name], keep_prob) for name, keep_prob in dropouts)
        pixels = self.family.input_draw
        return Masks(None if pixels is None else _mask(draws[pixels], self.program.input_keep_prob), hidden)

    def _state(self, params: Params, slots: Named) -> trainer.State:
        own, counter = slots_of(self.program, params), self.family.counter
        step = jnp.asarray(slots[counter] if counter else 0, jnp.int32)
        if isinstance(own.optimizer, optimizers.State):
            own = own._replace(optimizer=self._handed(own.optimizer, params, slots, step))
        return trainer.State(params, unseen(own, params), step)

    def _handed(self, state: optimizers.State, params: Params, slots: Named, step: Any) -> optimizers.State:
        handed = {}
        for slot, (before, behind) in self.family.slots.items():
            weights = {name: slots[f"{before}{name}{behind}"] for name in self._named(params)}
            handed[slot] = self._params(weights)
        powers = {name: jnp.asarray(slots[own]) for name, own in self.family.powers.items()}
        return state._replace(step=step, slots=handed, scalars=powers)

    def _slots(self, state: Any, slots: Named) -> dict[str, Any]:
        if not isinstance(state, optimizers.State):
            return {}
        found = {own: state.scalars[name] for name, own in self.family.powers.items()}
        for slot, (before, behind) in self.family.slots.items():
            found |= {f"{before}{name}{behind}": array for name, array in self._named(state.slots[slot]).items()}
        return found


def undrawn(params: Params, draws: Draws, rows: int) -> tuple[Masks, Draws]:
    """No masks of its own: a recording has them."""
    return Masks(None, ()), draws


def same(step: trainer.Step) -> trainer.Step:
    """A step that nobody changes."""
    return step


def _data(one: Expression, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    while not one.is_leaf:
        one = one.inputs[0]
    return np.asarray(batch[one.value] if one.op == INPUT else one.value)


def _classes(labels: np.ndarray) -> np.ndarray:
    """Of one-hot rows, or of numbers already."""
    if labels.ndim == 2 and labels.shape[1] > 1:
        if not ((labels == 0) | (labels == 1)).all() or not (labels.sum(1) == 1).all():
            raise CannotCompare("labels that are no one-hot rows")
        return labels.argmax(1).astype(np.uint8)
    return labels.reshape(-1).astype(np.uint8)


def _mask(drawn: np.ndarray, keep_prob: float) -> Any:
    return jnp.asarray(drawn >= np.float32(1 - keep_prob))
