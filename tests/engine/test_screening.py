"""What screening passes over has no loss and no gradient, to the bit; its bounds hold in float64, and are not idle."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp import placement, trainer
from jaxmlp.data import Dataset, Split
from jaxmlp.engine import Screening, screening, select
from jaxmlp.engine.byte_matmul import float32
from jaxmlp.engine.dense import Dense as DenseEngine
from jaxmlp.engine.lengths import Lengths
from jaxmlp.engine.outward import spectral
from jaxmlp.errors import ConfigError
from jaxmlp.execution import Execution
from jaxmlp.model import Layer
from jaxmlp.network import Network
from jaxmlp.program import (
    ACTIVATIONS,
    Adam,
    Batching,
    Dense,
    GradientDescent,
    MeanSquaredError,
    Output,
    Program,
    SparseSoftmaxCrossEntropy,
    TruncatedNormal,
)

SCREENED = Execution("staircase", "float32", 300, "on")  # one tile, which compiles in no time; MNIST has many
CPU = jax.devices("cpu")[0]
FAR = 1e30  # an image's margin over its own class
AUTO = Execution()
PLAIN = DenseEngine(float32, 64)


@pytest.fixture(scope="module")
def digits(digits) -> Dataset:
    """300 of them, the first one blank."""
    return digits._replace(train=Split(digits.train.images[:300], digits.train.labels[:300]))


def program_of(widths=(24,), stddev=1.0, rate=1e-4, activation="relu", scale=1, **fields) -> Program:
    kernel = TruncatedNormal(stddev)
    layers = tuple(Dense(width, kernel, activation=activation) for width in widths)
    return Program(layers, Output(kernel), optimizer=GradientDescent(rate), scale=scale, **fields)


@functools.partial(jax.jit, static_argnames="network")
def of_each(params, batch, *, network: Network):
    """Loss and its derivative by the logits of each image, by an engine that passes over none."""

    def one(inputs, rest, labels, _):
        logits = network.forward(inputs, rest).logits
        losses, back = jax.vjp(lambda logits: network.losses(logits, labels), logits)
        return losses, back(jnp.ones_like(losses))[0]

    return PLAIN.map_rows(one, params, batch)


@functools.partial(jax.jit, static_argnames="network")
def is_settled(state, batch, *, network: Network):
    return screening.is_settled(network, state.params, batch, state.bounds)


def steps_of(program: Program, dataset: Dataset):
    """(parameters, whether an image of the split is passed over) before each step."""
    placed = placement.place_for(program, SCREENED, dataset, CPU)
    run, network = trainer.Run(program, placed), Network.of(program)
    state, members = run.state, np.asarray(placed.train.images.members)
    for _ in range(program.steps):
        passed = np.empty(len(members), bool)
        passed[members] = is_settled(state, placed.train, network=network)
        yield jax.device_get(state.params), passed
        state, _ = trainer.step(state, placed.train, engine=placed.engine, recipe=run.recipe)


def assert_exact(program: Program, dataset: Dataset) -> int:
    """How many images were passed over, none of which has a bit of loss or gradient."""
    network, count, batch = Network.of(program), 0, PLAIN.place(dataset.train, CPU)
    for params, passed in steps_of(program, dataset):
        losses, grads = (np.asarray(array) for array in of_each(params, batch, network=network))
        assert not losses[passed].any()
        assert not grads[passed].any()
        count += passed.sum()
    return count


def test_what_is_passed_over_on_mnist_has_no_loss_and_no_gradient(mnist):
    first = 2_000
    few = mnist._replace(train=Split(mnist.train.images[:first], mnist.train.labels[:first]))
    assert assert_exact(program_of((64,), steps=40), few) > 2 * first


@pytest.mark.parametrize("run", range(3))
def test_nothing_with_a_loss_is_passed_over_whatever_the_program_even_where_it_diverges(digits, rng, run):
    rng = np.random.default_rng([int(rng.integers(2**31)), run])
    program = program_of(
        [(8,), (24,), (9, 1, 8), (24, 17)][rng.integers(4)],
        10.0 ** rng.uniform(-2, 1.5),
        10.0 ** rng.uniform(-7, 3),
        str(rng.choice(ACTIVATIONS)),
        int(rng.choice([1, 255])),
        loss=(Program().loss, SparseSoftmaxCrossEntropy())[run % 2],
        seed=int(rng.integers(2**31)),
        steps=6,
    )
    assert_exact(program, digits)


@pytest.mark.parametrize(("widths", "activation"), [((), "relu"), ((24,), "softplus"), ((24, 17), "selu")])
def test_much_is_passed_over_where_margins_are_wide(digits, widths, activation):
    program = program_of(widths, 3.0, 1e-9, activation, steps=4)
    count = assert_exact(program, digits)
    batch, params = PLAIN.place(digits.train, CPU), jax.device_put(trainer.init(program, 10).params)
    _, grads = of_each(params, batch, network=Network.of(program))
    right = (~np.asarray(grads).any(axis=1)).sum()
    assert count > 0.5 * right * (program.steps - 1)


def test_a_run_is_the_run_that_passes_over_nothing(digits, rng):
    program = program_of((40,), rate=1e-6, steps=12, seed=int(rng.integers(2**31)))
    runs = [
        trainer.Run(program, placement.place_for(program, Execution("staircase", "float32", 30, how), digits, CPU))
        for how in ("on", "off")
    ]
    one, other = (list(run) for run in runs)
    assert isinstance(runs[0].placed.engine, Screening)
    assert not isinstance(runs[1].placed.engine, Screening)
    np.testing.assert_allclose([r.loss for r in one], [r.loss for r in other], rtol=1e-3)
    np.testing.assert_allclose([r.train_accuracy for r in one], [r.train_accuracy for r in other], atol=1)
    np.testing.assert_allclose(runs[0].state.params[0].weights, runs[1].state.params[0].weights, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("activation", ["relu", "softplus"])
def test_what_images_are_taken_for_changes_no_sum_only_its_cost(digits, rng, activation):
    """Near ones are computed at once; the others are looked at, and computed if they may have a gradient."""
    program = program_of((24,), 3.0, activation=activation, seed=int(rng.integers(2**31)))
    engine, network = select(SCREENED, CPU, 300), Network.of(program)
    batch, params = engine.place(digits.train, CPU), trainer.init(program, 10).params
    unknown = engine.unknown(params, batch)
    right = engine.sum_grads(network.loss, params, batch)
    _, grads = of_each(params, PLAIN.place(digits.train, CPU), network=network)
    with_gradient = np.asarray(grads).any(axis=1)[np.asarray(batch.images.members)]
    assert 0 < with_gradient.sum() < batch.size
    for near in (np.zeros(300, bool), np.ones(300, bool), rng.integers(0, 2, 300).astype(bool), ~with_gradient):
        totals, grads, after = stepped(params, batch, unknown._replace(near=near), engine=engine, network=network)
        np.testing.assert_allclose(totals.loss, right[0].loss, rtol=1e-5)
        assert totals.correct == right[0].correct
        for got, wanted in zip(jax.tree.leaves(grads), jax.tree.leaves(right[1]), strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-5 * float(np.abs(wanted).max()))
        assert (np.asarray(after.near) >= with_gradient).all()


class Case:
    """Some images and one change of the weights: the bounds, and what is true in float64."""

    def __init__(self, split: Split, network: Network, before, after):
        self.engine = select(SCREENED, CPU, len(split.labels))
        self.batch, self.network = self.engine.place(split, CPU), network
        self.before, self.after = before, after
        images, labels = (np.asarray(a)[np.asarray(self.batch.images.members)] for a in split)
        (self.first, _), (self.then, self.hidden) = (_exact(network, p, images, labels) for p in (before, after))

    def seen(self):
        """Every other image is only looked at, unless it then turns out to have a gradient."""
        bounds = self.engine.unknown(self.before, self.batch)
        bounds = bounds._replace(near=np.arange(self.batch.size) % 2 > 0)
        return jax.device_get(stepped(self.before, self.batch, bounds, engine=self.engine, network=self.network)[2])

    def lowered(self):
        return jax.device_get(screening.lowered(self.network, self.seen(), self.before, self.after, self.batch))


@functools.partial(jax.jit, static_argnames=("engine", "network"))
def stepped(params, batch, bounds, *, engine, network):
    return engine.screened(network.loss, network, params, batch, bounds)


def _exact(network: Network, params, images, labels):
    """Margins [N, C] and the lengths of hidden outputs [N, L], in float64."""
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda a: jnp.asarray(np.asarray(a, np.float64)), params)
        made = network.forward(jnp.asarray(images, jnp.float64) @ wide[0].weights, (wide[0], *wide[1:]))
        logits = np.asarray(made.logits)
        lengths = [np.linalg.norm(np.asarray(outputs), axis=1) for outputs in made.hidden]
    own = logits[np.arange(len(labels)), labels][:, None]
    return own - logits, np.stack(lengths, axis=1) if lengths else np.zeros((len(labels), 0))


def drawn(rng, widths, stddev, classes=10):
    shapes = itertools.pairwise((784, *widths, classes))
    return tuple(Layer(*(rng.normal(0, stddev, s).astype(np.float32) for s in (shape, shape[1:]))) for shape in shapes)


def moved(rng, params, size):
    return tuple(
        Layer(*(np.float32(a + rng.normal(0, size, a.shape) * np.abs(a).max()) for a in one)) for one in params
    )


@pytest.mark.parametrize(
    ("widths", "activation"), [((), "relu"), ((12,), "relu"), *(((12, 7), name) for name in ACTIVATIONS)]
)
def test_bounds_hold_in_float64_after_any_change_of_the_weights(digits, rng, widths, activation):
    network = Network.of(program_of(widths, activation=activation, scale=int(rng.choice([1, 255]))))
    for size in 10.0 ** rng.uniform(-6, 0.5, 3):
        before = drawn(rng, widths, 10.0 ** rng.uniform(-2, 1))
        case = Case(digits.train, network, before, moved(rng, before, size))
        seen, after = case.seen(), case.lowered()
        other = np.asarray(seen.margins) < FAR
        assert other.sum() == 9 * len(digits.train.labels)
        assert (np.asarray(seen.margins, np.float64)[other] <= case.first[other]).all()
        assert (np.asarray(after.margins, np.float64)[other] <= case.then[other]).all()
        assert (np.asarray(after.hidden, np.float64) >= case.hidden).all()


def worst(rng, part: str):
    """A single image and the change of one part of the weights that lowers its margin most: what the bound is made for.

    Returns (split, before, after).
    """
    image = rng.integers(0, 256, (1, 784)).astype(np.uint8)
    x = image[0].astype(np.float64) / np.linalg.norm(image[0].astype(np.float64))
    gap = rng.normal(0, 1, 6)  # of the columns of the last weights
    rise = np.abs(gap) / np.linalg.norm(gap)
    first = Layer(np.outer(x, 50 * np.ones(6)), np.ones(6))  # units that are on
    last = Layer(np.stack([np.abs(gap), np.zeros(6)], axis=1), np.zeros(2))
    change = Layer(np.zeros((784, 6)), np.zeros(6)), Layer(np.zeros((6, 2)), np.zeros(2))
    if part == "first weights":
        change[0].weights[:] = -np.outer(x, rise)
    elif part == "first biases":
        change[0].biases[:] = -rise
    elif part == "last weights":
        outputs = np.linalg.norm(image[0].astype(np.float64)) * 50 + 1
        change[1].weights[:, 0] = -outputs * np.ones(6) / outputs
    else:
        change[1].biases[0] = -1.0
    before = tuple(Layer(*(np.float32(a) for a in one)) for one in (first, last))
    after = tuple(
        Layer(*(np.float32(a + 5 * b) for a, b in zip(*both, strict=True)))
        for both in zip((first, last), change, strict=True)
    )
    return Split(image, np.zeros(1, np.uint8)), before, after


PARTS = ("first weights", "first biases", "last weights", "last biases")


def fall_and_bound(rng, part: str) -> tuple[float, float]:
    case = Case(*_with_network(worst(rng, part)))
    bound = float(case.seen().margins[0, 1]) - float(case.lowered().margins[0, 1])
    return float((case.first - case.then)[0, 1]), bound


def _with_network(given):
    split, before, after = given
    return split, Network(), before, after


@pytest.mark.parametrize("part", PARTS)
def test_the_bound_is_tight_for_the_worst_change_so_that_a_smaller_one_would_not_hold(rng, part):
    fall, bound = fall_and_bound(rng, part)
    assert fall > 0
    assert fall <= bound <= 1.1 * fall


def smaller(function, by=0.9):
    return lambda *given: by * function(*given)


MUTANTS = {
    "the reach of a change, 10 % too small": (Lengths, "moved", smaller, "first weights"),
    "gaps between columns, 10 % too small": (screening, "gaps", smaller, "last weights"),
    "forgotten hidden biases": (screening, "length", lambda right: lambda biases: 0.0, "first biases"),
    "forgotten last biases": (screening, "_between", lambda right: smaller(right, 0.0), "last biases"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_bound_that_is_too_small_is_found(rng, monkeypatch, name):
    where, function, change, part = MUTANTS[name]
    monkeypatch.setattr(where, function, change(getattr(where, function)))
    fall, bound = fall_and_bound(rng, part)
    assert bound < fall


def test_a_product_bounds_what_a_change_does_to_every_image_and_tightly_to_one_outside_the_directions(digits, rng):
    batch = select(SCREENED, CPU, 300).place(digits.train, CPU)
    images = digits.train.images[np.asarray(batch.images.members)].astype(np.float64)
    directions = np.asarray(batch.measured.directions, np.float64)
    lengths = batch.lengths(jnp.zeros((), jnp.float32))
    for change in (rng.normal(size=(784, 8)), np.outer(rng.normal(size=784), rng.normal(size=8))):
        change = change.astype(np.float32)
        right = np.linalg.norm(images @ change.astype(np.float64), axis=1)
        assert (np.asarray(lengths.moved(change)) >= right).all()
    left = images - images @ directions @ directions.T
    i = int(np.linalg.norm(left, axis=1).argmax())
    change = np.outer(left[i] / np.linalg.norm(left[i]), rng.normal(size=8)).astype(np.float32)
    right = np.linalg.norm(images[i] @ change.astype(np.float64))
    assert right <= np.asarray(lengths.moved(change))[i] <= 1.02 * right


def test_spectral_norms_are_bounded_from_above_and_by_no_more_than_half_again(rng):
    for shape in ((30, 50), (70, 20), (1, 9), (40, 40)):
        matrix = (rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 3)).astype(np.float32)
        right = np.linalg.norm(matrix.astype(np.float64), 2)
        assert right <= float(spectral(matrix)) <= 1.5 * right


def test_a_margin_at_the_limit_is_computed_and_one_above_it_and_the_error_is_not(digits):
    engine = select(SCREENED, CPU, 300)
    batch, program = engine.place(digits.train, CPU), program_of((24,))
    params, network = trainer.init(program, 10).params, Network.of(program)
    unknown = engine.unknown(params, batch)
    assert not screening.is_settled(network, params, batch, unknown).any()
    at = unknown._replace(margins=jnp.full_like(unknown.margins, screening.LIMITS["float32"]))
    assert not screening.is_settled(network, params, batch, at).any()
    above = at._replace(margins=at.margins * 1e6)
    assert screening.is_settled(network, params, batch, above).all()
    nan = at._replace(margins=at.margins * 1e6 + jnp.where(jnp.arange(10) == 3, jnp.nan, 0))
    assert not screening.is_settled(network, params, batch, nan).any()


def test_images_that_are_passed_over_count_as_right(digits):
    program = program_of((24,), 3.0, 1e-9, steps=2)
    run = trainer.Run(program, placement.place_for(program, SCREENED, digits, CPU))
    first, second = run
    assert 0 < first.train_accuracy < 100
    assert first.train_accuracy == pytest.approx(second.train_accuracy, abs=1)


def test_auto_screens_raw_pixels_under_wide_weights_and_nothing_that_keeps_a_loss(digits):
    many = digits._replace(train=Split(*(np.concatenate([a] * 7)[:2000] for a in digits.train)))

    def screened(program: Program, dataset: Dataset = many, execution: Execution = AUTO) -> str:
        return placement.place_for(program, execution, dataset, CPU).execution.screening

    wide = (1024,)
    assert screened(program_of(wide)) == "on"
    assert screened(program_of((64,))) == "off", "too short a step"
    assert screened(program_of(wide, scale=255, stddev=0.1)) == "off"
    assert screened(program_of(wide), digits) == "off", "too few images"
    assert screened(program_of(wide, loss=MeanSquaredError("softmax"))) == "off"
    assert screened(program_of(wide), execution=Execution(screening="off")) == "off"
    assert screened(program_of(wide), execution=Execution("dense")) == "off"
    assert screened(dataclasses.replace(program_of(wide), batching=Batching(20))) == "off"


@pytest.mark.parametrize(
    "program",
    [
        program_of((8,), loss=MeanSquaredError("softmax")),
        program_of((8,), batching=Batching(20)),
        Program((Dense(8, keep_prob=0.5),)),
        Program((Dense(8),), Output(activation="relu")),
        Program((Dense(8),), input_keep_prob=0.5),
    ],
)
def test_screening_on_is_refused_where_a_loss_never_is_zero(digits, program):
    with pytest.raises(ConfigError, match="screening = 'on' is impossible"):
        placement.place_for(program, SCREENED, digits, CPU)


def test_dense_cannot_be_screened():
    with pytest.raises(ConfigError, match="layout must be staircase or auto"):
        Execution("dense", screening="on")


def test_adam_moves_weights_far_and_nothing_with_a_loss_is_passed_over(digits, rng):
    rate = 10.0 ** rng.uniform(-4, 1)
    program = dataclasses.replace(program_of((24,), 0.3, steps=12), optimizer=Adam(rate))
    assert_exact(program, digits)


def test_in_float64_a_loss_is_zero_only_far_beyond_the_limit_of_float32(digits):
    program = program_of((24,), 3.0, 1e-9, steps=3)
    with jax.enable_x64(True):
        placed = placement.place_for(program, SCREENED, digits, CPU)
        params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), trainer.init(program, 10).params)
        network, bounds = Network.of(program), placed.engine.unknown(params, placed.train)
        moved = jax.tree.map(lambda a: a * (1 + 1e-7), params)
        for weights, after in ((params, moved), (moved, params)):
            batch = placed.train
            _, _, bounds = placed.engine.screened(network.loss, network, weights, batch, bounds)
            bounds = screening.lowered(network, bounds, weights, after, batch)
        settled = screening.is_settled(network, params, placed.train, bounds)
        losses, grads = of_each(params, PLAIN.place(digits.train, CPU), network=network)
        passed = np.empty(len(settled), bool)
        passed[np.asarray(placed.train.images.members)] = settled
        assert passed.any()
        assert not np.asarray(losses)[passed].any()
        assert not np.asarray(grads)[passed].any()
        assert (np.asarray(bounds.margins)[np.asarray(settled)] > 800).all()
