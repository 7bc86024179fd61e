"""Monte Carlo arithmetic: exact where nothing is rounded, and else as much wider than float32 as it says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import any_program

from jaxmlp import model
from jaxmlp.engine.base import apart
from jaxmlp.network import Network, activation
from jaxmlp.program import ACTIVATIONS
from parity.noise.monte_carlo import BITS, Arithmetic

WIDER = 5.7  # times float32's rounding to nearest, in the root mean square


def rms(x):
    return float(np.sqrt(np.mean(np.square(np.asarray(x, np.float64)))))


def sampled(function, *arguments, count=20):
    """Samples of the function's one result, float64 [count, …], and it without rounding."""
    traced = jax.make_jaxpr(function)(*arguments)
    (exact,) = Arithmetic(None).run(traced, arguments)
    return np.stack([Arithmetic(np.random.default_rng(i)).run(traced, arguments)[0] for i in range(count)]), exact


def test_a_product_is_rounded_up_or_down_to_so_many_bits_and_right_in_the_mean(rng):
    x, y = rng.normal(size=(2, 4000)).astype(np.float32)
    samples, exact = sampled(jnp.multiply, x, y)
    unit = 2.0 ** (np.floor(np.log2(np.abs(exact))) + 1 - BITS)
    assert (np.abs(samples - exact) <= unit).all()
    assert (samples / unit == np.rint(samples / unit)).all()
    assert abs(((samples - exact) / unit).mean()) < 6 * 0.41 / np.sqrt(samples.size)


def test_a_product_loses_so_many_times_what_float32_loses(rng):
    x, y = rng.normal(size=(2, 4000)).astype(np.float32)
    samples, exact = sampled(jnp.multiply, x, y)
    assert rms(samples - exact) / rms(x * y - exact) == pytest.approx(WIDER, rel=0.1)


def test_what_float32_holds_in_few_bits_stays_exact(rng):
    mask, x = rng.integers(0, 2, 500).astype(np.float32), rng.integers(-1000, 1000, 500).astype(np.float32)
    samples, _ = sampled(lambda mask, x: jnp.where(x > 0, mask * 0.5 * x + 1, x - x), mask, x)
    np.testing.assert_array_equal(samples, np.broadcast_to(np.where(x > 0, mask * 0.5 * x + 1, 0), samples.shape))


def test_equal_numbers_are_rounded_alike_and_other_ones_apart(rng):
    x = np.repeat(rng.normal(size=50).astype(np.float32), 40).reshape(50, 40)
    samples, exact = sampled(lambda x: jnp.exp(x) * x, x)
    assert (samples == samples[:, :, :1]).all()
    assert len(np.unique((samples - exact)[:, :, 0] > 0, axis=1)) > 1


@pytest.mark.parametrize("offset", [0, 1])
def test_a_sum_loses_about_what_float32_loses_that_adds_one_after_the_other(offset, rng):
    """Of terms whose signs change, and of such that are all positive: a random walk, and a way straight up."""
    x = (rng.normal(size=(300, 500)) + offset * rng.uniform(1, 3)).astype(np.float32)
    samples, exact = sampled(lambda x: x.sum(axis=0), x)
    lost = np.vstack([np.zeros((1, 500), np.float32), x]).sum(axis=0) - x.astype(np.float64).sum(axis=0)
    assert WIDER / 3 < rms(samples - exact) / rms(lost) < WIDER * 3


def test_a_matrix_product_loses_at_least_what_xla_loses_and_not_much_more(rng):
    x, w = rng.normal(size=(200, 300)).astype(np.float32), rng.normal(size=(300, 100)).astype(np.float32)
    samples, exact = sampled(lambda x, w: jnp.matmul(x, w, precision=jax.lax.Precision.HIGHEST), x, w)
    real = np.asarray(jnp.matmul(x, w, precision=jax.lax.Precision.HIGHEST)) - exact
    assert 2 < rms(samples - exact) / rms(real) < 60


def test_blank_pixels_are_no_terms(rng):
    x = rng.normal(size=(40, 300)).astype(np.float32)
    x[:, 1:] = 0
    samples, exact = sampled(lambda x, w: x @ w, x, rng.normal(size=(300, 20)).astype(np.float32))
    np.testing.assert_array_equal(samples, np.broadcast_to(exact, samples.shape))


@pytest.mark.parametrize("run", range(3))
def test_exact_evaluation_is_what_jax_computes_of_any_network_in_float64(run, rng):
    program = any_program(np.random.default_rng([int(rng.integers(2**31)), run]), evaluation_draws=False)
    network, params = Network.of(program).evaluating(), model.init(program, 784, 10)
    images, labels = rng.integers(0, 256, (17, 784)).astype(np.float64), rng.integers(0, 10, 17).astype(np.uint8)

    def step(params):
        first, rest = apart(params)
        return jax.value_and_grad(lambda rest: network.loss(images @ first, rest, labels).loss)(rest)

    with jax.enable_x64(True):
        wide = jax.tree.map(lambda array: np.asarray(array * 0.05, np.float64), params)
        expected = jax.tree.leaves(jax.jit(step)(wide))
        got = Arithmetic(None).run(jax.make_jaxpr(step)(wide), jax.tree.leaves(wide))
    for one, other in zip(got, map(np.asarray, expected), strict=True):
        if np.isfinite(other).all():  # a naive loss is not, where a probability underflows
            assert np.linalg.norm(one - other) <= 1e-6 * np.linalg.norm(other) + 1e-9


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_exact_evaluation_of_tensorflows_polynomials_is_their_value(name, rng):
    """In float32 they are made of bits, which float64 has not; within what they are off themselves."""
    x = rng.uniform(-8, 8, (30, 16)).astype(np.float32)
    traced = jax.make_jaxpr(lambda x: jax.vjp(activation(name), x)[1](jnp.ones_like(x))[0] + activation(name)(x))(x)
    value, back = jax.vjp(activation(name), x)
    (got,) = Arithmetic(None).run(traced, [x])
    np.testing.assert_allclose(got, np.asarray(back(jnp.ones_like(x))[0] + value), rtol=3e-6, atol=3e-6)


def test_a_primitive_that_is_not_known_is_named():
    with pytest.raises(NotImplementedError, match=r"^cos is no primitive"):
        Arithmetic(None).run(jax.make_jaxpr(jnp.cos)(np.ones(3, np.float32)), [np.ones(3, np.float32)])


def test_float32_ends_where_it_ends(rng):
    samples, _ = sampled(lambda x: jnp.exp(x), np.array([-100, -88, 0, 89], np.float32))
    np.testing.assert_array_equal(samples, np.broadcast_to([0, 0, 1, np.inf], samples.shape))


def test_a_probability_that_float32_makes_1_stays_so_and_none_is_above(rng):
    logits = np.zeros((50, 10), np.float32)
    logits[:, 0] = rng.uniform(25, 200, 50)
    kept = jax.make_jaxpr(lambda x: (e := jnp.exp(x - x.max(1, keepdims=True))) / e.sum(1, keepdims=True))(logits)
    for seed in rng.integers(2**31, size=10):
        (sampled,) = Arithmetic(np.random.default_rng(seed)).run(kept, [logits])
        assert (sampled[logits[:, 0] > 45, 0] == 1).all()
        assert (sampled[:, 0] <= 1).all()
