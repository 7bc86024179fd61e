"""Programs drawn over the whole family. Every choice comes from a deck, so that forty programs show all of them.

Numbers are drawn where they matter: kernels so that a layer's outputs are of size 1, or now and then so large that it
saturates, as the original's; rates so that a step moves the weights by some thousandths to hundredths; clipping about
where the gradient is.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError
from jaxmlp.method import require_rates
from jaxmlp.program import (
    ACTIVATIONS,
    L2,
    AbsoluteDifference,
    Batching,
    ClipByGlobalNorm,
    ClipByNorm,
    ClipByValue,
    Clipping,
    Dense,
    Hinge,
    Huber,
    Initializer,
    LogLoss,
    Loss,
    MeanSquaredError,
    NaiveCrossEntropy,
    Optimizer,
    Output,
    Program,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SparseSoftmaxCrossEntropy,
)
from parity.family import layers
from parity.family.decks import between, deck, rounded, some
from parity.family.gradient import first_gradient
from parity.family.optimizers import OPTIMIZERS, forgets, reach
from parity.family.rates import RATES

Rng = np.random.Generator

LOSSES: tuple[Loss, ...] = (
    SoftmaxCrossEntropy(),
    SparseSoftmaxCrossEntropy(),
    SigmoidCrossEntropy(),
    NaiveCrossEntropy(),
    NaiveCrossEntropy(epsilon=1e-10),
    NaiveCrossEntropy(clip_value_min=1e-10),
    *(loss(of) for loss in (MeanSquaredError, AbsoluteDifference, Huber) for of in ("logits", "softmax", "sigmoid")),
    Huber("logits", 0.3),
    Hinge(),
    LogLoss("softmax"),
    LogLoss("sigmoid", 1e-5),
)
SIZES = (1, 7, 8, 32, 50, 64, 85, 100, 128, 200)
ORDERS = (None, None, "next_batch", "shuffled", "in_order", "sequential", "next_batch", "shuffled")
VALIDATION = (0, 0, 16, 56)
# What drops something: the pixels, the hidden layers; and whether keep_prob is a placeholder.
DROPOUTS = ((False, False), (False, False), (False, True), (True, False), (True, True), (False, True))
PENALTIES: tuple[Callable[[Rng], L2 | None], ...] = (
    lambda rng: None,
    lambda rng: None,
    lambda rng: L2(between(rng, 1e-5, 0.1)),
    lambda rng: L2(between(rng, 1e-5, 0.1), biases=True),
)
CLIPPINGS = (None, None, None, ClipByGlobalNorm, ClipByNorm, ClipByValue)
OUTPUTS = (*ACTIVATIONS, *["identity"] * 29)
RAW = 2450.0  # the length of a digit's pixels, from 0 to 255


class Decks:
    """One of each choice, dealt program after program."""

    def __init__(self, rng: Rng):
        self.rng, self.dealt = rng, {}

    def __call__(self, name: str, values: Any) -> Any:
        """The next of the values."""
        if name not in self.dealt:
            self.dealt[name] = deck(self.rng, values)
        return next(self.dealt[name])

    def put_back(self, name: str, value: Any) -> None:
        """A value that did not fit: the next that is dealt, lest its turn be lost."""
        self.dealt[name] = itertools.chain([value], self.dealt[name])


def programs(seed: int, dataset: Dataset, steps: int) -> Iterator[Program]:
    """Settled programs of so many steps, without end. The same for the same seed and data."""
    rng = np.random.default_rng(seed)
    decks = Decks(rng)
    while True:
        plain = _without_numbers(rng, decks, len(dataset.train.labels))
        yield _with_numbers(rng, decks, plain, dataset, steps).settled(len(dataset.train.labels))


def _without_numbers(rng: Rng, decks: Decks, images: int) -> Program:
    """All but what depends on the gradient: optimizer, rate, clipping."""
    drops_pixels, drops_units = decks("dropout", DROPOUTS)
    scale = decks("scale", (1, 255, 255))
    hidden, length = [], RAW / scale
    for i in range(decks("depth", layers.DEPTHS)):
        kernel = _kernel(rng, decks, length, fits=scale != 1 or i > 0)
        keep_prob = some(rng, 0.5, 0.8, 0.9, 0.75) if drops_units and rng.random() < 0.7 else 1.0
        units = decks("units", layers.UNITS)
        activation, bias = decks("activation", ACTIVATIONS), decks("bias", layers.BIASES)(rng)
        hidden.append(Dense(units, kernel, bias, activation, keep_prob))
        length = units**0.5
    last = decks("last", (*[_kernel] * 9, _plain))(rng, decks, length, scale != 1 or bool(hidden))
    return Program(
        layers=tuple(hidden),
        output=Output(last, decks("bias", layers.BIASES)(rng), decks("output", OUTPUTS)),
        loss=decks("loss", LOSSES),
        l2=decks("l2", PENALTIES)(rng),
        batching=_batching(rng, decks, images),
        scale=scale,
        input_keep_prob=some(rng, 0.8, 0.9) if drops_pixels else 1.0,
        evaluation_draws=decks("fed", (True, False)),
        seed=some(rng, 0, int(rng.integers(2**31)), int(rng.integers(2**40)), -int(rng.integers(2**31))),
        report_every=some(rng, 1, 2),
    )


def _kernel(rng: Rng, decks: Decks, length: float, fits: bool) -> Initializer:
    """`fits`: whether the inputs are of size 1, so that any kernel will do."""
    if fits:
        return decks("kernel", layers.KERNELS)(rng, length)
    return decks("fitted kernel", layers.FITTED)(rng, length)


def _plain(rng: Rng, decks: Decks, length: float, fits: bool) -> Initializer:
    return decks("plain kernel", layers.PLAIN)(rng, length)


def _batching(rng: Rng, decks: Decks, images: int) -> Batching | None:
    order, validation = decks("order", ORDERS), decks("validation", VALIDATION)
    if order is None:
        return None
    left = images - validation
    size = min(decks("size", (*SIZES, left)), left - 1 if order == "sequential" else left)
    return Batching(size, order, validation)


def _with_numbers(rng: Rng, decks: Decks, program: Program, dataset: Dataset, steps: int) -> Program:
    grads, weights = first_gradient(program, dataset)
    optimizer = _optimizer(rng, decks, grads, weights, steps)
    clipping = _clipping(rng, decks("clipping", CLIPPINGS), grads)
    return dataclasses.replace(program, optimizer=optimizer, clipping=clipping, steps=steps)


def _optimizer(rng: Rng, decks: Decks, grads: list[np.ndarray], weights: list[np.ndarray], steps: int) -> Optimizer:
    """With a rate at which its first step is a fair part of the weights."""
    draw, draw_rate = decks("optimizer", OPTIMIZERS), decks("rate", RATES)
    kind = draw(rng, 1.0)
    far, long = _length([reach(kind, grad) for grad in grads]), _length(weights)
    part = between(rng, 0.1, 1.0) if forgets(kind) else between(rng, 1e-3, 0.05)
    rate = rounded(part * (long or 1.0) / far) if 0 < far < np.inf else 1e-3
    optimizer = draw(rng, draw_rate(rng, rate))
    try:
        require_rates(optimizer, steps)
    except ConfigError:  # the schedule ends where TensorFlow stops
        decks.put_back("rate", draw_rate)
        return draw(rng, rate)
    return optimizer


def _clipping(rng: Rng, kind: type[Clipping] | None, grads: list[np.ndarray]) -> Clipping | None:
    """From a third of the gradient to three times as much; of values from a tenth of the largest on."""
    if kind is ClipByValue:
        most = max(float(np.abs(grad).max()) for grad in grads)
        limit = rounded(_size(most) * between(rng, 0.1, 1.2))
        return ClipByValue(rounded(-limit * some(rng, 1.0, 0.5)), limit)
    norm = float(np.median([_length([grad]) for grad in grads])) if kind is ClipByNorm else _length(grads)
    limit = rounded(_size(norm) * between(rng, 0.3, 3.0))
    return kind(limit) if kind is ClipByNorm or kind is ClipByGlobalNorm else None


def _size(number: float) -> float:
    """The number, or 1 in place of one that limits nothing."""
    return number if 0 < number < np.inf else 1.0


def _length(arrays: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.square(array, dtype=np.float64).sum() for array in arrays)))
