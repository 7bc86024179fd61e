"""What ours really computes: counted from tiles and from images with a gradient, against a count image by image."""

import jax
import numpy as np
import pytest

from bench.peers import arithmetic, ours
from bench.peers.protocol import load
from bench.roofline import Roofline
from bench.row import Row
from jaxmlp import model, presets, trainer
from jaxmlp.engine import Dense, Staircase, minibatch
from jaxmlp.engine.byte_matmul import PRODUCTS, skipping_settled
from jaxmlp.network import ORIGINAL

PEAKS = Roofline("gpu", "a GPU", 100.0, "JAX", 1000.0, 10.0)


@pytest.fixture
def state(problem):
    return ours.initial(load(problem))


def placed(engine, digits, cpu):
    return engine.place(digits.train, cpu)


def test_dense_computes_all_of_the_formula(state, workload, digits, cpu):
    engine = Dense(PRODUCTS["float32"], 128)
    work = workload._replace(images=len(digits.train.labels))
    counted = arithmetic.of_step(engine, ORIGINAL, state.params, placed(engine, digits, cpu))
    assert counted == {"float32": work.flop, "bfloat16": 0}


def test_three_passes_count_three_times_and_as_bfloat16(state, workload, digits, cpu):
    engine = Dense(PRODUCTS["bf16x3"], 128)
    images, hidden = len(digits.train.labels), workload.hidden
    counted = arithmetic.of_step(engine, ORIGINAL, state.params, placed(engine, digits, cpu))
    assert counted == {"float32": 6 * images * hidden * 10, "bfloat16": 3 * 4 * images * hidden * 784}


def test_minibatches_count_the_pixels_of_their_pool_and_all_other_layers(digits, cpu):
    program = presets.load("fully-connected-feed")
    params, pool = model.init(program, 784, 10), minibatch.place(digits.train, cpu, inked_only=True)
    behind, first = 6 * 100 * (128 * 32 + 32 * 10), 4 * 100 * pool.images.shape[1] * 128
    assert 0 < pool.images.shape[1] <= 784
    counted = arithmetic.of_minibatch(Dense(PRODUCTS["float32"], 128), params, pool, 100)
    assert counted == {"float32": first + behind, "bfloat16": 0}
    counted = arithmetic.of_minibatch(Dense(PRODUCTS["bf16x3"], 128), params, pool, 100)
    assert counted == {"float32": behind, "bfloat16": 3 * first}


@pytest.mark.parametrize("steps", [0, 30])
def test_staircase_counts_the_pixels_of_its_tiles_and_the_images_with_a_gradient(state, workload, digits, cpu, steps):
    engine = Staircase(skipping_settled(PRODUCTS["float32"]), 20, 2)
    batch = placed(engine, digits, cpu)
    for _ in range(steps):
        state, _ = trainer.step(state, batch, engine=engine)
    first = digits.train.images.astype(np.float32) @ state.params[0].weights
    rest = (state.params[0]._replace(weights=None), *state.params[1:])
    gradient = jax.grad(lambda inputs: ORIGINAL.loss(inputs, rest, digits.train.labels).loss)(first)
    has_one, pixels = np.asarray(gradient != 0).any(axis=1), 0
    for group in batch.tile_groups:
        for members in np.asarray(group.members):
            taken = min(size for size in (-(-len(members) // p) for p in (1, 2, 4)) if size >= has_one[members].sum())
            pixels += group.images.shape[-1] * (len(members) + taken)
    second = 6 * len(digits.train.labels) * workload.hidden * 10
    counted = arithmetic.of_step(engine, ORIGINAL, state.params, batch)
    assert counted["float32"] == pytest.approx(
        2 * workload.hidden * pixels + second, rel=0.02
    )  # roundings at the border
    assert counted["float32"] < workload._replace(images=len(digits.train.labels)).flop


def test_share_of_the_peak_is_that_of_what_was_really_computed(workload):
    rounds = [[2.0, 4.0]]
    dense = Row("dense", True, rounds=rounds)
    assert dense.peak_share(workload, PEAKS) == pytest.approx(workload.flop / 1e11 * (1 / 2 + 1 / 4) / 2)
    counted = [[{"float32": 10**11, "bfloat16": 10**12}] * 2]
    assert Row("ours", True, rounds=rounds, arithmetic=counted).peak_share(workload, PEAKS) == pytest.approx(0.75)
