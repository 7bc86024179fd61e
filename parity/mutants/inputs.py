"""Mutants of what a run starts from: the data and the initial weights. They die before any number is compared."""

import dataclasses
from collections.abc import Callable

import numpy as np

from jaxmlp import model, placement
from jaxmlp.data.dataset import PIXELS, Split
from jaxmlp.program import Output, TruncatedNormal
from jaxmlp.tf1 import op_seeds, random
from parity.mutants.mutant import Change, Mutant
from parity.subject.port import Port


def mutants() -> list[Mutant]:
    """Pixels, labels, initial weights."""
    pixels, labels = ("T0", "train pixels"), ("T0", "train labels")
    first, second = ("T0", "initial weights_1"), ("T0", "initial weights_2")
    return [
        Mutant("pixels / 255", *pixels, _train(lambda images, labels: (images // 255, labels))),
        Mutant("images transposed", *pixels, _train(_transposed)),
        Mutant("labels of the next image", *labels, _train(lambda images, labels: (images, np.roll(labels, 1)))),
        Mutant("initial stddev 0.99", *first, _stddev),
        Mutant("initial weights not truncated", *first, _drawn(random.random_normal)),
        Mutant("seeds of W1 and W2 swapped", *first, _drawn(random.truncated_normal, swapped=True)),
        Mutant("second run of the random op", *second, _drawn(random.truncated_normal, runs=1)),
    ]


def _train(change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> Change:
    """`change(images, labels)` of the training set, laid out anew."""

    def changed(port: Port) -> Port:
        dataset = port.dataset._replace(train=Split(*change(*port.dataset.train)))
        placed = placement.place(port.placed.execution, dataset, port.placed.device)
        return dataclasses.replace(port, dataset=dataset, placed=placed)

    return changed


def _transposed(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(images.shape), labels


def _stddev(port: Port) -> Port:
    narrower = TruncatedNormal(0.99)
    layers = tuple(dataclasses.replace(layer, kernel=narrower) for layer in port.program.layers)
    program = dataclasses.replace(port.program, layers=layers, output=Output(narrower))
    return dataclasses.replace(port, initial=model.init(program, PIXELS, port.placed.classes))


def _drawn(draw: Callable[..., np.ndarray], runs: int = 0, swapped: bool = False) -> Change:
    """Weights by `draw(shape, stream)`, their ops having run before so many times, or their seeds being swapped."""

    def changed(port: Port) -> Port:
        seeds = op_seeds.of_perceptron([len(layer.biases) for layer in port.initial])
        streams = [random.stream(port.program.seed, seed, runs) for seed in (seeds[::-1] if swapped else seeds)]
        layers = zip(port.initial, streams, strict=True)
        drawn = (layer._replace(weights=draw(np.asarray(layer.weights).shape, stream)) for layer, stream in layers)
        return dataclasses.replace(port, initial=tuple(drawn))

    return changed
