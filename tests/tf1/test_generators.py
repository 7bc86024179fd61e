"""Uniform values drawn on the device against `random`, which has TensorFlow's bits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp.tf1 import generators
from jaxmlp.tf1.random import Stream, random_uniform, stream

WIDTHS = [1, 2, 3, 4, 6, 9]  # of a row: a block of four words ends in it anywhere


@pytest.fixture
def source(rng) -> Stream:
    seeds = (int(rng.integers(2**62)), int(rng.integers(2**62)))
    return Stream(*seeds, blocks=int(rng.choice([0, 5, 2**32 - 3, 2**63 + 12345, 2**64 - 2])))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_uniform_has_the_bits_of_random_and_moves_on_as_far(dtype, source, rng):
    shape, kind = tuple(int(side) for side in rng.integers(1, 40, 2)), jnp.dtype(dtype)
    values, following = jax.jit(lambda of: generators.uniform(of, shape, dtype=kind))(generators.generator(source))
    np.testing.assert_array_equal(values, random_uniform(shape, source, dtype=kind))
    np.testing.assert_array_equal(following.counter, generators.generator(source.after(shape)).counter)


def test_uniform_between_bounds_rounds_twice_under_jit(source, rng):
    low, high = sorted(rng.uniform(-3, 3, 2).tolist())
    values, _ = jax.jit(lambda of: generators.uniform(of, 999, low, high))(generators.generator(source))
    np.testing.assert_array_equal(values, random_uniform(999, source, low, high))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_x64_the_bits_are_the_same(dtype, source, rng):
    with jax.enable_x64(True):
        shape, bound = (13, 7), np.asarray(rng.uniform(0.1, 0.9), dtype)
        drawn = random_uniform(shape, source, dtype=dtype)
        of = generators.generator(source)
        np.testing.assert_array_equal(jax.jit(lambda: generators.uniform(of, shape, dtype=dtype)[0])(), drawn)
        np.testing.assert_array_equal(jax.jit(lambda: generators.at_least(of, shape, bound)[0])(), drawn >= bound)


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_alone_are_the_rows_of_the_whole(width, source, rng):
    shape, rows = (50, width), rng.integers(0, 50, 17).astype(np.int32)
    of, bound = generators.generator(source), np.float32(0.4)
    drawn = random_uniform(shape, source)
    alone = jax.jit(lambda of, rows: generators.uniform(of, shape, rows=rows)[0])(of, rows)
    kept = jax.jit(lambda of, rows: generators.at_least(of, shape, bound, rows=rows)[0])(of, rows)
    np.testing.assert_array_equal(alone, drawn[rows])
    np.testing.assert_array_equal(kept, drawn[rows] >= bound)


def test_rows_far_beyond_32_bits_of_values_have_their_own_place(source):
    width, row = 1_000_003, 2**31 - 5
    shift, blocks = (row * width) % 4, (row * width) // 4
    alone, _ = generators.uniform(generators.generator(source), (2**31 - 1, width), rows=jnp.array([row], jnp.int32))
    there = random_uniform(width + shift, source._replace(blocks=(source.blocks + blocks) % 2**64))
    np.testing.assert_array_equal(alone[0], there[shift:])


def test_generators_can_be_mapped_over_seeds(rng):
    sources = [stream(int(seed), 7) for seed in rng.integers(0, 2**31, 5)]
    many = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(generators.generator, sources))
    values, _ = jax.vmap(lambda of: generators.uniform(of, (3, 5)))(many)
    np.testing.assert_array_equal(values, [random_uniform((3, 5), source) for source in sources])


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), 5])
def test_any_shape_can_be_drawn(shape, source):
    values, _ = generators.uniform(generators.generator(source), shape)
    np.testing.assert_array_equal(values, random_uniform(shape, source))


def test_what_cannot_be_drawn_is_refused_by_name(source):
    of = generators.generator(source)
    with pytest.raises(ValueError, match=r"runs = 3.*stream\.after"):
        generators.generator(source._replace(runs=3))
    with pytest.raises(ValueError, match="int32"):
        generators.uniform(of, 3, dtype=jnp.int32)
    with pytest.raises(ValueError, match="scalar"):
        generators.uniform(of, (), rows=jnp.zeros(1, jnp.int32))
