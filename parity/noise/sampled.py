"""How far honest float32 may carry one step of any program: sampled, where `float64.py` derives it for the original.

`Sampler` traces the product's own forward pass, loss and penalty once, and evaluates them for each step in float64:
exactly, then in Monte Carlo arithmetic. What the samples differ by is what rounding may do to the loss, the logits and
each gradient from these weights, on these rows, under these masks.

One thing chance might miss: a unit so near its activation's kink that a side may see it on the other side of it. Such
a flip moves a gradient at once, by as much in a large network as in a small one. So all that are near are flipped
together, once, and what that moves is allowed on top.
"""

from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from jaxmlp import model
from jaxmlp.engine.base import apart, together
from jaxmlp.method import Slots
from jaxmlp.model import Params
from jaxmlp.network import Network
from parity.compare.limits import KINK
from parity.compare.tensor import Named
from parity.compare.trace import StepTrace, in_role, of_role
from parity.noise.monte_carlo import Arithmetic
from parity.subject.port import Port

SAMPLES = 8
ALLOWED = 2  # times the largest deviation that was sampled, itself some six times an honest one
# Where an activation's derivative jumps; elu's does not, nor do those of the smooth ones.
KINKS: dict[str, tuple[float, ...]] = {
    "relu": (0.0,),
    "relu6": (0.0, 6.0),
    "leaky_relu": (0.0,),
    "leaky_maximum": (0.0,),
    "selu": (0.0,),
}
SMALLEST_GAP = 2.0**-20  # two probabilities may be equal in float32 where their logits differ by less, of any size


class Sampled(NamedTuple):
    """What one step may differ by: a `compare.limits.StepNoise`, described there."""

    largest_logit: float
    loss: float
    logits: float
    norms: dict[str, float]
    gaps: np.ndarray  # float64 [n], how far an image's own logit is from the largest of the others
    test_gaps: np.ndarray  # float64 [M], of the test images after the step; none where none were evaluated
    inputs: tuple[tuple[np.ndarray, np.ndarray], ...]  # of each hidden layer x W + b and its scale of rounding

    def near_ties(self, delta: float) -> int:
        return int((np.abs(self.gaps) <= 2 * (delta + self.logits) + SMALLEST_GAP).sum())

    def test_ties(self, delta: float) -> int:
        return int((np.abs(self.test_gaps) <= 2 * (delta + self.logits) + SMALLEST_GAP).sum())

    def kink_distance(self, layer: int, rows: np.ndarray, differs: np.ndarray) -> float:
        z, scale = (array[rows] for array in self.inputs[layer - 1])
        distance = np.divide(np.abs(z), scale, out=np.full(z.shape, np.inf), where=scale > 0)
        return float(distance[differs].max(initial=0))


class Seen(NamedTuple):
    """One evaluation of a step."""

    loss: Any
    logits: Any  # [n, C]
    inputs: tuple[Any, ...]  # of each hidden layer [n, units]
    norms: dict[str, Any]  # "logits/logits", "logits_grad/logits", "grads/weights_1", "backward/weights_1", …


class Sampler:
    """Of one port, whose parts are taken to be right."""

    def __init__(self, port: Port, seed: int = 0):
        self.port, self.seed, self.traced = port, seed, None

    def noise(self, one: StepTrace) -> Sampled:
        """Of a reference's step."""
        with jax.transfer_guard("allow"):
            return self._noise(one)

    def _noise(self, one: StepTrace) -> Sampled:
        arguments = self._arguments(one.arrays("start"), one.got["logits_grad/logits"].array)
        labels, exact = arguments[3], self._seen(arguments, None)
        samples = [self._seen(arguments, np.random.default_rng([self.seed, i])) for i in range(SAMPLES)]
        inputs = tuple((z, _scale(z, [one.inputs[i] for one in samples])) for i, z in enumerate(exact.inputs))
        flipped = self._flipped(arguments, inputs)
        return Sampled(
            largest_logit=float(np.abs(exact.logits).max()),
            loss=ALLOWED * max(abs(float(one.loss - exact.loss)) for one in samples),
            logits=ALLOWED * max(float(np.abs(one.logits - exact.logits).max()) for one in samples),
            norms={key: _allowed(key, exact, samples, flipped) for key in exact.norms},
            gaps=gaps(exact.logits, labels),
            test_gaps=self._test_gaps(one),
            inputs=inputs,
        )

    def gradient(self, start: Named) -> Named:
        """Exact, of loss and penalty: float64 by tensor."""
        logits_grad = np.zeros((len(batch(self.port, start)[1]), self.port.placed.classes), np.float32)
        return of_role(self._seen(self._arguments(start, logits_grad), None).norms, "grads")

    def _arguments(self, start: Named, logits_grad: np.ndarray) -> tuple[Any, ...]:
        """Of `_step`, nothing nudged."""
        images, labels, masks = batch(self.port, start)
        params = model.from_named(of_role(start, "weights"))
        nudges = tuple(np.zeros((len(images), layer.weights.shape[1]), np.float32) for layer in params[:-1])
        return params, jax.device_get(self.port.slots(params)), images, labels, masks, logits_grad, nudges

    def _flipped(self, arguments: tuple[Any, ...], inputs: Any) -> Seen | None:
        """With every unit mirrored at a kink that it may be on either side of; None where there is none."""
        kinks = [KINKS.get(layer.activation, ()) for layer in self.port.program.layers]
        nudges = tuple(_mirrored(z, scale, at) for (z, scale), at in zip(inputs, kinks, strict=True))
        if not any(nudge.any() for nudge in nudges):
            return None
        return self._seen((*arguments[:-1], nudges), None)

    def _test_gaps(self, one: StepTrace) -> np.ndarray:
        if "test/correct" not in one.got:
            return np.zeros(0)
        forward, test = Network.of(self.port.program).evaluating().forward, self.port.dataset.test
        params, images = model.from_named(of_role(one.arrays("got"), "weights")), test.images.astype(np.float32)
        traced = jax.make_jaxpr(lambda first, rest, x: forward(x @ first, rest).logits)(*apart(params), images)
        (logits,) = Arithmetic(None).run(traced, jax.tree.leaves((*apart(params), images)))
        return gaps(logits, test.labels)

    def _seen(self, arguments: tuple[Any, ...], rng: np.random.Generator | None) -> Seen:
        leaves, _ = jax.tree.flatten(arguments)
        if self.traced is None:
            self.traced = jax.make_jaxpr(self._step, return_shape=True)(*arguments)
        jaxpr, shape = self.traced
        return jax.tree.unflatten(jax.tree.structure(shape), Arithmetic(rng).run(jaxpr, leaves))

    def _step(
        self, params: Params, slots: Slots, images: Array, labels: Array, masks: Any, handed: Array, nudges: Any
    ) -> Seen:
        """A step up to its gradients, of the product's own pieces. `nudges` move each hidden layer's x W + b."""
        port, (first, rest) = self.port, apart(params)

        def logits_of(first: Array, rest: Params) -> tuple[Array, tuple[Array, ...]]:
            own = tuple(map(_nudged, rest, (*nudges, None)))
            seen = port.forward(images @ first, own, masks)
            return seen.logits, seen.inputs

        def mean(logits: Array) -> Array:
            return port.totals(logits, labels).loss / len(labels)

        logits, back, inputs = jax.vjp(logits_of, first, rest, has_aux=True)
        loss, logits_grad = jax.value_and_grad(mean)(logits)
        penalty = port.method.penalty(params, slots)
        grads = port.method.regularized(together(*back(logits_grad)), slots, params)
        norms = {"logits/logits": logits, "logits_grad/logits": logits_grad}
        norms |= in_role("grads", model.named(grads)) | in_role("backward", model.named(together(*back(handed))))
        return Seen(loss if penalty is None else loss + penalty, logits, inputs, norms)


def batch(port: Port, start: Named) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """A step's images float32 [n, P], dropped pixels blank; its labels; the hidden layers' masks, in their order."""
    train, masks = port.dataset.train, of_role(start, "masks")
    rows = start.get("batch/rows", np.arange(len(train.labels)))
    images = train.images[rows].astype(np.float32) * masks.pop("input", np.float32(1))
    return images, train.labels[rows], tuple(masks[name] for name in sorted(masks, key=int))


def gaps(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float [n]: the logit of an image's label less the largest of the others."""
    of_label = np.arange(logits.shape[1]) == labels[:, None]
    return logits[of_label] - np.where(of_label, -np.inf, logits).max(axis=1)


def _nudged(layer: model.Layer, nudge: Array | None) -> model.Layer:
    """With biases of their own for every image: what they differ by moves its x W + b."""
    if nudge is None:
        return layer
    return layer._replace(biases=nudge if layer.biases is None else layer.biases[None] + nudge)


def _scale(exact: np.ndarray, samples: list[np.ndarray]) -> np.ndarray:
    """The root mean square of what the samples differ by, element by element."""
    return np.sqrt(np.mean([np.square(one - exact) for one in samples], axis=0))


def _mirrored(z: np.ndarray, scale: np.ndarray, kinks: tuple[float, ...]) -> np.ndarray:
    """What moves z to the other side of a kink that is within `KINK` scales of it; 0 elsewhere."""
    moves = [np.where(np.abs(z - kink) < KINK * scale, 2 * (kink - z), 0.0) for kink in kinks]
    return sum(moves, np.zeros(z.shape))


def _allowed(key: str, exact: Seen, samples: list[Seen], flipped: Seen | None) -> float:
    """By the norm of the difference."""

    def apart(one: Seen) -> float:
        return float(np.linalg.norm(one.norms[key] - exact.norms[key]))

    return ALLOWED * max(map(apart, samples)) + (apart(flipped) if flipped else 0.0)
