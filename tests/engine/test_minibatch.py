"""Minibatches of a pool: pixels that are blank in all images are left out, and nothing else changes."""

import dataclasses
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import any_program, of_kind

from jaxmlp import placement, trainer
from jaxmlp import program as parts
from jaxmlp.data.dataset import PIXELS, Split
from jaxmlp.engine import minibatch
from jaxmlp.errors import ConfigError
from jaxmlp.execution import Execution
from jaxmlp.method import method_of, slots_of, stays_without_gradient
from jaxmlp.model import Layer
from jaxmlp.program import (
    L2,
    Adadelta,
    Adagrad,
    Adam,
    Batching,
    ClipByGlobalNorm,
    ClipByValue,
    Dense,
    Ftrl,
    GradientDescent,
    Momentum,
    Output,
    Program,
    RMSProp,
)
from jaxmlp.run.console import introduction

STAYING = (
    GradientDescent(0.1),
    Momentum(0.1, 0.9),
    Momentum(0.1, 0.5, use_nesterov=True),
    Adam(0.01),
    RMSProp(0.01, momentum=0.5),
    RMSProp(0.01, centered=True),
    Adagrad(0.1),
    Adadelta(0.5),
)


def program_of(optimizer: parts.Optimizer, rng: np.random.Generator, **fixed) -> Program:
    """A small one, in minibatches; its first two layers have weights of one shape."""
    glorot = parts.GlorotUniform()
    fixed = {"scale": 255, "steps": 12, "report_every": 5, "seed": int(rng.integers(2**31)), **fixed}
    layers = (Dense(24, glorot), Dense(24, glorot))
    return Program(layers, Output(glorot), optimizer, batching=Batching(int(rng.integers(5, 50))), **fixed)


def with_blank(digits, rng, some: int = 300):
    """The digits with so many pixels blank in all training images, and ink there in those of the test set."""
    images = digits.train.images.copy()
    images[:, rng.choice(PIXELS, some, replace=False)] = 0
    return digits._replace(train=Split(images, digits.train.labels))


def trained(program, placed) -> tuple[trainer.Run, list[trainer.Report]]:
    run = trainer.Run(program, placed)
    return run, list(run)


@pytest.mark.parametrize("optimizer", STAYING, ids=lambda one: f"{one.kind}")
def test_weights_and_slots_of_blank_pixels_are_those_of_a_run_that_computes_them_to_the_bit(
    digits, rng, cpu, optimizer
):
    program, dataset = program_of(optimizer, rng), with_blank(digits, rng)
    pool = placement.place_for(program, Execution(), dataset, cpu)
    assert 0 < pool.train.left_out == PIXELS - pool.train.images.shape[1]
    assert f", {pool.train.left_out} blank pixels left out" in introduction(program, pool, dataset)
    narrow, told = trained(program, pool)
    plain, expected = trained(program, placement.place(Execution(), dataset, cpu, "all"))
    blank = ~dataset.train.images.any(axis=0)
    first, initial = narrow.state.params[0].weights, trainer.init(program, 10).params[0].weights
    np.testing.assert_array_equal(first[blank], initial[blank])
    assert (np.asarray(first)[~blank] != np.asarray(initial)[~blank]).any()
    for ours, theirs in zip(_slots(narrow), _slots(plain), strict=True):
        np.testing.assert_array_equal(ours[blank], theirs[blank])
    np.testing.assert_allclose([one.loss for one in told], [one.loss for one in expected], rtol=1e-4)
    for ours, theirs in zip(jax.tree.leaves(narrow.state), jax.tree.leaves(plain.state), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-3)


def _slots(run: trainer.Run) -> list[np.ndarray]:
    """Of the first layer's weights."""
    shape = run.state.params[0].weights.shape
    return [np.asarray(leaf) for leaf in jax.tree.leaves(run.state.slots) if np.shape(leaf) == shape]


@pytest.mark.parametrize("kind", get_args(parts.Optimizer), ids=lambda kind: kind.kind)
def test_weights_stay_where_it_is_said_that_they_do(rng, kind):
    """Any program's method, on rows that never have a gradient beside others that do."""
    for _ in range(8):
        program = any_program(rng, optimizer=of_kind(rng, kind))
        if rng.random() < 0.5:
            program = dataclasses.replace(program, l2=None)
        if not stays_without_gradient(program):
            continue
        params = tuple(Layer(_normal(rng, shape), _normal(rng, shape[1:])) for shape in ((6, 5), (5, 3)))
        method, slots, before = method_of(program), slots_of(program, params), params
        for _ in range(5):
            grads = jax.tree.map(lambda array: _normal(rng, array.shape), params)
            first = grads[0]._replace(weights=grads[0].weights.at[:3].set(0))
            params, slots = method((first, *grads[1:]), slots, params)
        np.testing.assert_array_equal(params[0].weights[:3], before[0].weights[:3])


@pytest.mark.parametrize("optimizer", STAYING, ids=lambda one: f"{one.kind}")
def test_plain_optimizers_stay_and_what_moves_a_still_weight_does_not(rng, optimizer):
    program = program_of(optimizer, rng)
    assert stays_without_gradient(program)
    assert stays_without_gradient(dataclasses.replace(program, clipping=ClipByGlobalNorm(0.5)))
    assert stays_without_gradient(dataclasses.replace(program, clipping=ClipByValue(-1, 1)))
    assert not stays_without_gradient(dataclasses.replace(program, clipping=ClipByValue(0.001, 1)))
    assert not stays_without_gradient(dataclasses.replace(program, l2=L2(1e-4)))


@pytest.mark.parametrize(
    "optimizer",
    [
        Adam(epsilon=0.0),
        Adam(epsilon=1e-60),
        Adam(beta1=1.0),
        Adam(beta2=1 - 1e-12),
        RMSProp(0.01, epsilon=0.0),
        Adadelta(epsilon=0.0),
        Ftrl(0.01),
    ],
)
def test_an_optimizer_that_would_divide_by_nothing_or_make_weights_anew_keeps_all_pixels(digits, rng, cpu, optimizer):
    program = program_of(optimizer, rng)
    pool = placement.place_for(program, Execution(), with_blank(digits, rng), cpu).train
    assert pool.inked is None
    assert pool.images.shape[1] == PIXELS


def test_pixels_that_dropout_draws_for_are_all_kept(digits, rng, cpu):
    program = program_of(Adam(), rng, input_keep_prob=0.8)
    assert placement.place_for(program, Execution(), with_blank(digits, rng), cpu).train.inked is None


def test_a_set_with_ink_everywhere_or_almost_is_kept_whole(rng, cpu):
    images = rng.integers(1, 256, (20, PIXELS), dtype=np.uint8)
    for blank in (0, 1):
        images[:, :blank] = 0
        assert minibatch.place(Split(images, np.zeros(20, np.uint8)), cpu, inked_only=True).inked is None


def test_a_set_without_any_ink_trains_its_biases(digits, rng, cpu):
    dataset = digits._replace(train=Split(np.zeros_like(digits.train.images), digits.train.labels))
    program = program_of(Momentum(0.1), rng)
    run, reports = trained(program, placement.place_for(program, Execution(), dataset, cpu))
    initial = trainer.init(program, 10).params
    np.testing.assert_array_equal(run.state.params[0].weights, initial[0].weights)
    assert reports[-1].loss < reports[0].loss or (run.state.params[-1].biases != initial[-1].biases).any()


def test_what_was_narrowed_comes_back(digits, rng, cpu):
    """A gradient whose blank rows are alike, and whatever else stands in a tree."""
    dataset = with_blank(digits, rng)
    inked = minibatch.place(dataset.train, cpu, inked_only=True).inked
    assert inked is not None
    blank = ~dataset.train.images.any(axis=0)
    weights = rng.normal(size=(PIXELS, 3)).astype(np.float32)
    weights[blank] = weights[blank][0]
    tree = {"m": (Layer(jnp.asarray(weights), jnp.ones(3)), Layer(jnp.ones((PIXELS, 3)), None)), "step": jnp.ones(())}
    narrow = inked.narrowed(tree)
    assert narrow["m"][0].weights.shape == ((~blank).sum() + 1, 3)
    assert narrow["m"][1].weights.shape == (PIXELS, 3)
    jax.tree.map(np.testing.assert_array_equal, inked.spread(narrow), tree)


def test_a_placement_without_blank_pixels_is_refused_for_a_program_that_moves_them(digits, rng, cpu):
    placed = placement.place_for(program_of(Adam(), rng), Execution(), with_blank(digits, rng), cpu)
    with pytest.raises(ConfigError, match="placed for another program"):
        trainer.Run(program_of(Ftrl(0.01), rng), placed)


def _normal(rng, shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)
