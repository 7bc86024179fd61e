"""Mutants of what is drawn: initial values, dropout's masks, the rows of minibatches. All are other bits."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmlp import model
from jaxmlp.data.dataset import PIXELS
from jaxmlp.model import Params
from jaxmlp.program import (
    Batching,
    GlorotNormal,
    HeNormal,
    Initializer,
    LecunUniform,
    Program,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Xavier,
)
from jaxmlp.random_ops import Draws, Masks
from jaxmlp.tf1 import dropout, random
from jaxmlp.tf1.generators import Generator
from parity.mutants.family.mutant import Change, FamilyMutant, dense, small, with_port
from parity.subject.stepwise import Stepwise

DROPPING = small(
    dense(24, keep_prob=0.8),
    dense(16, keep_prob=0.6),
    input_keep_prob=0.9,
    evaluation_draws=True,
    batching=Batching(100),
)
MASK = ("T0", "mask 1")
ROWS = ("T0", "rows")


def mutants() -> list[FamilyMutant]:
    """Initial values, masks, rows."""
    return [*_initial(), *_seeds(), *_masks(), *_scales(), *_rows()]


def _initial() -> list[FamilyMutant]:
    """A kernel for another that people take for the same."""
    pairs: dict[str, tuple[Initializer, Initializer]] = {
        "contrib's xavier without its 1.3": (Xavier(uniform=False), GlorotNormal()),
        "he_normal without its truncation's correction": (HeNormal(), TruncatedNormal((2 / PIXELS) ** 0.5)),
        "variance_scaling by the mean of both sides": (VarianceScaling(), VarianceScaling(mode="fan_avg")),
        "lecun_uniform as wide as he_uniform": (LecunUniform(), VarianceScaling(2.0, "fan_in", "uniform")),
        "random_normal truncated": (RandomNormal(0.05), TruncatedNormal(0.05)),
        "random_uniform about 0": (RandomUniform(0.0, 0.1), RandomUniform(-0.1, 0.1)),
    }
    return [
        FamilyMutant(name, small(dense(12, kernel=right)), "T0", "initial weights_1", _kernel(wrong))
        for name, (right, wrong) in pairs.items()
    ]


def _seeds() -> list[FamilyMutant]:
    """Ops that are counted otherwise give other seeds, and so other weights."""
    leaky = small(dense(12, activation="leaky_maximum"))
    unscaled, unfed = ({"scale": 1}, {"evaluation_draws": False})
    as_one = {"layers": (dense(12, activation="leaky_relu"),)}
    return [
        FamilyMutant("scaling's two ops not counted", small(), "T0", "initial weights_1", _init_of(**unscaled)),
        FamilyMutant("placeholders not counted", DROPPING, "T0", "initial weights_1", _init_of(**unfed)),
        FamilyMutant("maximum(0.2 x, x) counted as one op", leaky, "T0", "initial weights_2", _init_of(**as_one)),
        FamilyMutant("op seeds one op late", _TRUNCATED, "T0", "initial weights_1", _one_op_late),
    ]


_TRUNCATED = small(dense(12, kernel=TruncatedNormal(0.05)))


def _masks() -> list[FamilyMutant]:
    return [
        FamilyMutant("masks not moved by an evaluation", DROPPING, *MASK, _evaluated(lambda draws: draws)),
        FamilyMutant("the same mask at every step", DROPPING, *MASK, _masked(_unmoved)),
        FamilyMutant("masks moved by an image, not by a batch", DROPPING, *MASK, _masked(_moved_a_little)),
        FamilyMutant("kept below keep_prob", DROPPING, *MASK, _masked(_below)),
        FamilyMutant("two dropouts' seeds swapped", DROPPING, *MASK, _draws(lambda draws: (draws[0], *draws[:0:-1]))),
        FamilyMutant("dropout's seed one op late", DROPPING, *MASK, _draws(lambda draws: tuple(map(_late, draws)))),
        FamilyMutant("one mask for all images", DROPPING, *MASK, _masked(_of_first)),
    ]


def _scales() -> list[FamilyMutant]:
    logits = ("T1b", "logits")
    return [
        FamilyMutant("kept units scaled twice", DROPPING, *logits, _rescaled(1 / 0.8)),
        FamilyMutant("kept units not scaled", DROPPING, *logits, _rescaled(0.8)),
        FamilyMutant("kept pixels scaled twice", DROPPING, *logits, _inputs(lambda inputs: inputs / np.float32(0.9))),
        FamilyMutant("pixels over 256", small(), *logits, _inputs(lambda inputs: inputs * np.float32(255 / 256))),
    ]


def _rows() -> list[FamilyMutant]:
    batches = {order: small(batching=Batching(100, order, 20)) for order in ("next_batch", "shuffled", "in_order")}
    sequential = small(batching=Batching(100, "sequential"))
    return [
        FamilyMutant("rows one step late", batches["next_batch"], *ROWS, _batches(_late_rows)),
        FamilyMutant("next_batch never shuffled", batches["next_batch"], *ROWS, _batches(_unshuffled)),
        FamilyMutant("validation images trained on", batches["in_order"], *ROWS, _batches(_from_the_first)),
        FamilyMutant("one permutation for all epochs", batches["shuffled"], *ROWS, _batches(_one_permutation)),
        FamilyMutant("slices up to the last image", sequential, *ROWS, _batches(_to_the_last)),
    ]


def _init_of(**fields: Any) -> Change:
    """The initial weights of the program with these fields."""

    def changed(subject: Stepwise) -> Stepwise:
        port = subject.port
        initial = model.init(dataclasses.replace(port.program, **fields), PIXELS, port.placed.classes)
        return with_port(initial=initial)(subject)

    return changed


def _kernel(kernel: Initializer) -> Change:
    return _init_of(layers=(dense(12, kernel=kernel),))


def _one_op_late(subject: Stepwise) -> Stepwise:
    port = subject.port
    seed = model.op_seeds(port.program, PIXELS, port.placed.classes).layers[0][0]
    assert seed is not None
    first, *others = port.initial
    drawn = random.truncated_normal(first.weights.shape, random.stream(port.program.seed, seed + 1), stddev=0.05)
    return with_port(initial=(first._replace(weights=drawn), *others))(subject)


def _evaluated(change: Callable[[Draws], Draws]) -> Change:
    return lambda subject: dataclasses.replace(subject, evaluated=lambda params, draws, images: change(draws))


def _draws(change: Callable[[Draws], Draws]) -> Change:
    return lambda subject: dataclasses.replace(subject, draws=change(subject.draws))


def _masked(change: Callable[[Any, Params, Draws, int], tuple[Masks, Draws]]) -> Change:
    """`change(right, params, draws, images)` for the masks of a step."""

    def changed(subject: Stepwise) -> Stepwise:
        right = subject.masks
        return dataclasses.replace(subject, masks=lambda params, draws, n: change(right, params, draws, n))

    return changed


def _unmoved(right: Any, params: Params, draws: Draws, images: int) -> tuple[Masks, Draws]:
    return right(params, draws, images)[0], draws


def _moved_a_little(right: Any, params: Params, draws: Draws, images: int) -> tuple[Masks, Draws]:
    return right(params, draws, images)[0], right(params, draws, 1)[1]


def _of_first(right: Any, params: Params, draws: Draws, images: int) -> tuple[Masks, Draws]:
    masks, moved = right(params, draws, images)
    hidden = tuple(jnp.broadcast_to(mask[:1], mask.shape) for mask in masks.hidden)
    return masks._replace(hidden=hidden), moved


def _below(right: Any, params: Params, draws: Draws, images: int) -> tuple[Masks, Draws]:
    masks, moved = right(params, draws, images)
    first = ~dropout.mask(draws[1], (images, 24), 0.8)  # kept where the draw is below 0.8, not from 0.2 on
    return masks._replace(hidden=(first, *masks.hidden[1:])), moved


def _late(generator: Generator) -> Generator:
    """Of a dropout op made after one op more."""
    return generator._replace(key=generator.key.at[2].add(1))


def _rescaled(factor: float) -> Change:
    """What the first hidden layer sends on, times a factor."""

    def changed(subject: Stepwise) -> Stepwise:
        right = subject.port.forward

        def forward(inputs: Any, rest: Params, masks: Any) -> Any:
            scaled = rest[1]._replace(weights=rest[1].weights * factor)
            return right(inputs, (rest[0], scaled, *rest[2:]), masks)

        return with_port(forward=forward)(subject)

    return changed


def _inputs(change: Callable[[Any], Any]) -> Change:
    """What the first product gives, changed."""

    def changed(subject: Stepwise) -> Stepwise:
        right = subject.port.forward
        return with_port(forward=lambda inputs, rest, masks: right(change(inputs), rest, masks))(subject)

    return changed


def _batches(change: Callable[[Program, Iterator[np.ndarray], int], Iterator[np.ndarray]]) -> Change:
    """`change(program, right, images)` for the rows of each step."""

    def changed(subject: Stepwise) -> Stepwise:
        right, images = subject.batches, len(subject.port.dataset.train.labels)
        return dataclasses.replace(subject, batches=lambda: change(subject.port.program, right(), images))

    return changed


def _late_rows(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    first = next(right)
    return itertools.chain([first, first], right)


def _unshuffled(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    assert program.batching
    left = np.arange(program.batching.validation, images, dtype=np.int32)
    endless = itertools.cycle(left)
    while True:
        yield np.fromiter(itertools.islice(endless, program.batching.size), np.int32)


def _from_the_first(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    assert program.batching
    return (rows - np.int32(program.batching.validation) for rows in right)


def _one_permutation(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    assert program.batching
    return itertools.cycle(list(itertools.islice(right, program.batching.steps_per_epoch(images))))


def _to_the_last(program: Program, right: Iterator[np.ndarray], images: int) -> Iterator[np.ndarray]:
    assert program.batching
    size = program.batching.size
    for step in itertools.count():
        yield ((step * size + np.arange(size)) % images).astype(np.int32)
