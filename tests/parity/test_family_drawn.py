"""Programs drawn over the family: all of it among forty, the same for the same seed; and shrunk to their smallest."""

import dataclasses
import itertools
from typing import get_args

import numpy as np
import pytest
from small_runs import first

from jaxmlp import program as parts
from jaxmlp.program import (
    ACTIVATIONS,
    L2,
    ORDERS,
    Adam,
    Batching,
    ClipByNorm,
    Dense,
    ExponentialDecay,
    GlorotUniform,
    GradientDescent,
    Output,
    Program,
    Zeros,
)
from jaxmlp.program.initializers import Bias, Initializer
from parity.family import drawn
from parity.family.decks import deck
from parity.family.features import covered, features
from parity.family.gradient import first_gradient
from parity.family.shrink import shrunk

COUNT = 40


def kinds(union):
    return {one.kind for one in get_args(union)}


@pytest.fixture
def without_gradients(monkeypatch):
    """Numbers about a gradient that takes no time; 3 of every element."""
    monkeypatch.setattr(drawn, "first_gradient", lambda program, dataset: ([np.full(9, 3.0)], [np.ones(9)]))


@pytest.mark.parametrize("run", range(5))
def test_forty_programs_show_all_of_the_family(without_gradients, digits, rng, run):
    seed = int(rng.integers(2**31)) + run
    many = list(itertools.islice(drawn.programs(seed, digits, 3), COUNT))
    found = covered(many)
    assert set(found["activation"]) | set(found["output activation"]) >= set(ACTIVATIONS)
    assert {value.split()[0] for value in found["optimizer"]} == kinds(parts.Optimizer)
    assert {value.split()[0] for value in found["rate"]} == {"a", *kinds(parts.Schedule)}
    assert {value.split()[0] for value in found["loss"]} == kinds(parts.Loss)
    assert {value.split()[0] for value in found["kernel"]} == kinds(Initializer)
    assert set(found["biases"]) == {"none", *kinds(Bias)}
    assert set(found["batches"]) == {"the whole set", *ORDERS}
    assert set(found["clipping"]) == {"none", *kinds(parts.Clipping)}
    assert set(found["penalty"]) == {"none", "of weights", "of weights and biases"}
    assert set(found["hidden layers"]) == set("01234")
    assert {"momentum nesterov", "rmsprop centered"} <= set(found["optimizer"])
    dropped = {f"of {of}, by a {how}" for of in ("pixels", "units") for how in ("number", "placeholder")}
    assert {"none", *dropped} == set(found["dropout"])
    assert set(found["units"]) == {"1", "1000 or more", "a multiple of 8", "no multiple of 8"}
    assert all(program.steps == 3 and program.report_every for program in many)


def test_the_same_seed_draws_the_same_programs(digits, rng):
    seed, few = int(rng.integers(2**31)), first(digits, 80)
    one, again = (list(itertools.islice(drawn.programs(seed, few, 3), 4)) for _ in range(2))
    assert one == again
    assert one != list(itertools.islice(drawn.programs(seed + 1, few, 3), 4))
    assert all(Program.from_dict(program.as_dict()) == program for program in one)


def test_a_first_step_is_a_small_part_of_the_weights(digits, rng):
    """A number that is drawn about the gradient is: no step of gradient descent leaves for elsewhere."""
    few = first(digits, 80)
    for program in itertools.islice(drawn.programs(int(rng.integers(2**31)), few, 3), 6):
        if isinstance(program.optimizer, GradientDescent):
            rate = program.optimizer.learning_rate
            grads, weights = first_gradient(program, few)
            moved, long = (
                np.sqrt(sum(np.square(a, dtype=np.float64).sum() for a in some)) for some in (grads, weights)
            )
            number = rate if isinstance(rate, float) else rate.learning_rate
            assert number * moved <= 0.3 * max(long, 1)


def test_a_deck_deals_each_before_any_again(rng):
    dealt = list(itertools.islice(deck(rng, range(7)), 21))
    assert [sorted(dealt[i : i + 7]) for i in (0, 7, 14)] == [list(range(7))] * 3


def test_a_program_is_shrunk_to_what_disagrees():
    """Here: Adam on a penalized loss, which nothing else matters to."""
    large = Program(
        (Dense(30, activation="tanh", keep_prob=0.5), Dense(7, GlorotUniform(), None)),
        Output(Zeros(), None, "relu"),
        Adam(ExponentialDecay(0.01, 2, 0.5), 0.8, epsilon=1e-4),
        seed=9,
        loss=parts.Hinge(),
        l2=L2(0.1),
        clipping=ClipByNorm(3.0),
        batching=Batching(9, "shuffled", 4),
        input_keep_prob=0.7,
        evaluation_draws=True,
    )
    asked = []

    def first_of(programs):
        asked.append(len(programs))
        bad = (i for i, one in enumerate(programs) if isinstance(one.optimizer, Adam) and one.l2 is not None)
        return next(bad, None)

    small = shrunk(large, first_of)
    glorot = GlorotUniform()
    assert small == Program((), Output(glorot), Adam(0.01), report_every=1, l2=L2(0.1))
    assert len(asked) < 30


def test_a_disagreement_of_a_whole_layer_keeps_it():
    large = Program((Dense(300, activation="selu"), Dense(40, activation="elu", keep_prob=0.5)), seed=4, scale=255)

    def first_of(programs):
        elu = (i for i, one in enumerate(programs) if any(layer.activation == "elu" for layer in one.layers))
        return next(elu, None)

    small = shrunk(large, first_of)
    assert small == dataclasses.replace(
        large,
        layers=(Dense(1, GlorotUniform(), activation="elu"),),
        output=Output(GlorotUniform()),
        seed=0,
        report_every=1,
    )


def test_features_are_what_a_program_has():
    program = Program((Dense(8, keep_prob=0.5),), optimizer=GradientDescent(ExponentialDecay(0.1, 2, 0.5, True)))
    found = features(program)
    assert ("rate", "exponential_decay staircase") in found
    assert ("dropout", "of units, by a number") in found
    assert ("units", "a multiple of 8") in found
    assert ("batches", "the whole set") in found
