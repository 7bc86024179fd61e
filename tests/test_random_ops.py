"""A step's masks: each dropout from its own stream of TensorFlow's, moved on by every run, evaluations too if asked."""

import jax.numpy as jnp
import numpy as np

from jaxmlp import model, random_ops
from jaxmlp.model import Layer
from jaxmlp.network import Network
from jaxmlp.program import Dense, Program
from jaxmlp.random_ops import draws_of, evaluated, masks
from jaxmlp.tf1 import dropout
from jaxmlp.tf1.generators import generator
from jaxmlp.tf1.random import stream

PIXELS, C, N, TESTS = 12, 10, 7, 5


def _program(rng, **fields) -> Program:
    layers = (Dense(9, keep_prob=0.5), Dense(6), Dense(5, keep_prob=0.9))
    return Program(layers, seed=int(rng.integers(2**31)), input_keep_prob=0.8, **fields)


def _params():
    return tuple(Layer(np.zeros(shape, np.float32), None) for shape in ((PIXELS, 9), (9, 6), (6, 5), (5, C)))


def test_masks_are_tensorflows_of_each_op_and_run(rng):
    program = _program(rng)
    network, draws = Network.of(program), draws_of(program, PIXELS, C)
    generators = [generator(stream(program.seed, seed)) for seed in model.op_seeds(program, PIXELS, C).dropouts]
    for _ in range(3):
        drawn, draws = masks(network, _params(), draws, N)
        for i, (mine, units, keep) in enumerate(
            zip((drawn.pixels, *drawn.hidden), (PIXELS, 9, 5), (0.8, 0.5, 0.9), strict=True)
        ):
            np.testing.assert_array_equal(mine, dropout.mask(generators[i], (N, units), 1 - keep))
            generators[i] = generators[i].after((N, units))


def test_an_evaluation_moves_the_streams_as_a_run_of_its_size_does(rng):
    program = _program(rng, evaluation_draws=True)
    network, before = Network.of(program), draws_of(program, PIXELS, C)
    _, by_run = masks(network, _params(), before, TESTS)
    for mine, theirs in zip(evaluated(network, _params(), before, TESTS), by_run, strict=True):
        np.testing.assert_array_equal(mine.counter, theirs.counter)


def test_a_placeholder_has_other_op_seeds_than_a_number(rng):
    number, placeholder = _program(rng), _program(rng, evaluation_draws=True)
    assert model.op_seeds(number, PIXELS, C).dropouts != model.op_seeds(placeholder, PIXELS, C).dropouts


def test_a_mask_drawn_by_blocks_of_rows_is_the_mask(rng, monkeypatch):
    program = _program(rng)
    network, draws = Network.of(program), draws_of(program, PIXELS, C)
    whole, _ = masks(network, _params(), draws, 50)
    monkeypatch.setattr(random_ops, "MOST", 30)
    blocks, _ = masks(network, _params(), draws, 50)
    for one, other in zip((whole.pixels, *whole.hidden), (blocks.pixels, *blocks.hidden), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == jnp.bool_


def test_a_program_without_dropout_draws_nothing(rng):
    program = Program((Dense(9),))
    drawn, draws = masks(Network.of(program), _params()[:1], draws_of(program, PIXELS, C), N)
    assert (drawn.pixels, drawn.hidden, draws) == (None, (), ())
