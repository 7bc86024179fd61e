"""A data set laid out on a device by an engine, as a program needs it."""

import dataclasses
from typing import Any, Literal, NamedTuple

import jax

from jaxmlp import model
from jaxmlp.data.checked import checked
from jaxmlp.data.dataset import PIXELS, Dataset
from jaxmlp.engine import Engine, evaluation, minibatch, screening, select, settle
from jaxmlp.errors import ConfigError
from jaxmlp.execution import Execution
from jaxmlp.method import stays_without_gradient
from jaxmlp.network import Network
from jaxmlp.program import Program

Pixels = Literal["all", "inked"]  # "inked": without those that are blank in the whole training set
# Images times units of the first layer: from so many on, screening saves more of the original's 301 steps than it takes
# longer to compile. With 2,500 times 64 it saved a second of them, and lost several before the first.
SCREENING_EARNED = 2_000_000


class Placed(NamedTuple):
    """A data set laid out on a device by an engine: placed once, trained on by any number of runs."""

    execution: Execution  # settled
    engine: Engine
    train: Any  # what engine.place returned, or a Pool for minibatches
    evaluator: Engine
    test: Any  # what evaluator.place returned
    classes: int
    device: jax.Device


def place(execution: Execution, dataset: Dataset, device: jax.Device, pixels: Pixels | None = None) -> Placed:
    """Lays the data out as `execution` says. Raises DataError naming the array that is not what it must be.

    `pixels`: of the `Pool` that a program's steps take rows of, see `pooled`. A layout that orders the images is none
    for them: ConfigError.
    """
    dataset = checked(dataset)
    images, tests = len(dataset.train.labels), len(dataset.test.labels)
    if pixels:
        execution = _of_rows(execution)
    engine, evaluator = select(execution, device, images), select(evaluation(execution), device, tests)
    if pixels:
        train = minibatch.place(dataset.train, device, inked_only=pixels == "inked")
    else:
        train = engine.place(dataset.train, device)
    test = evaluator.place(dataset.test, device)
    return Placed(settle(execution, device, images), engine, train, evaluator, test, len(dataset.class_names), device)


def place_for(program: Program, execution: Execution, dataset: Dataset, device: jax.Device) -> Placed:
    """`place` as the program needs it. Raises ConfigError where it cannot be computed as `execution` says."""
    dataset = checked(dataset)
    execution = execution_for(program, execution, dataset, device)
    return place(execution, dataset, device, pooled(program))


def execution_for(program: Program, execution: Execution, dataset: Dataset, device: jax.Device) -> Execution:
    """With screening off where it was left open and would not pay. Raises ConfigError where it cannot be on."""
    if execution.screening == "on" and (pooled(program) or not screening.applies(Network.of(program))):
        raise ConfigError(f"screening = 'on' is impossible: {screening.NEEDED}; it must be off or auto")
    images, units = len(dataset.train.labels), program.layers[0].units if program.layers else 0
    screened = settle(execution, device, images).screening == "on" and images * units >= SCREENING_EARNED
    if execution.screening == "auto" and not (screened and screens(program, dataset)):
        return dataclasses.replace(execution, screening="off")
    return execution


def screens(program: Program, dataset: Dataset) -> bool:
    """Whether screening may leave out much of the program's steps: see `screening.pays`."""
    network = Network.of(program)
    if pooled(program) or not screening.applies(network):
        return False
    params = model.init(program, PIXELS, len(dataset.class_names))
    return screening.pays(network, params, dataset.train.images[: screening.SAMPLE])


def pooled(program: Program) -> Pixels | None:
    """The pixels of the `Pool` that each step takes rows of: a minibatch, or all of them to drop some of their pixels.

    None where a step computes the whole set, as the engine has laid it out.
    """
    if program.input_keep_prob < 1:
        return "all"  # dropout draws for each of them
    if program.batching is None:
        return None
    return "inked" if stays_without_gradient(program) else "all"


def _of_rows(execution: Execution) -> Execution:
    if execution.layout == "staircase":
        raise ConfigError(
            "layout = 'staircase' orders the whole training set: with minibatches or dropout on the pixels it must be "
            "dense or auto"
        )
    return dataclasses.replace(execution, layout="dense", screening="off")
