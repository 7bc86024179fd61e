"""A unit that rounding may put on either side of its kink is found, counted, and allowed for; no other is."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxmlp.tf1.activations import relu
from jaxmlp.tf1.kinks import clip_by_value
from parity.noise.kinks import Kinks
from parity.noise.monte_carlo import Arithmetic

SAMPLES = 8


def gradient(w, x):
    """Of one ReLU unit for each row of x, as a term a row: [N]."""
    return jax.vmap(jax.grad(lambda w, x: relu(x @ w)))(w[None].repeat(len(x), 0), x).sum(axis=1)


def evaluated(x, w, function=gradient):
    """The exact result, that with near comparisons turned, and how many there are."""
    traced = jax.make_jaxpr(function)(w, x)
    kinks = Kinks()
    (exact,) = Arithmetic(None, kinks.exact).run(traced, (w, x))
    for i in range(SAMPLES):
        Arithmetic(np.random.default_rng(i), kinks.sampled()).run(traced, (w, x))
    (turned,) = Arithmetic(None, kinks.turned()).run(traced, (w, x))
    return exact, turned, kinks.number


def rows(rng, count=40, width=30):
    """float32 [count, width] whose product with w is far from 0; and w."""
    w = rng.normal(size=width).astype(np.float32)
    x = rng.normal(size=(count, width)).astype(np.float32)
    return x + np.float32(0.5) * np.sign(x @ w)[:, None] * np.sign(w), w


def near_0(x, w, rng):
    """A row whose product with w is within float32's rounding of 0, but is not 0."""
    x = x.copy()
    largest = np.argmax(np.abs(w))
    rest = np.delete(x.astype(np.float64), largest) @ np.delete(w.astype(np.float64), largest)
    x[largest] = -rest / w[largest]
    return x


def test_units_near_their_kink_are_turned_and_all_others_stay(rng):
    x, w = rows(rng)
    for i in (3, 17):
        x[i] = near_0(x[i], w, rng)
    exact, turned, number = evaluated(x, w)
    assert number == 2
    sums = x.astype(np.float64).sum(axis=1)
    on = (x.astype(np.float64) @ w > 0).astype(float)
    np.testing.assert_allclose(exact, on * sums, rtol=1e-9)
    on[[3, 17]] = 1 - on[[3, 17]]
    np.testing.assert_allclose(turned, on * sums, rtol=1e-9)


def test_far_units_are_left_alone_and_so_are_ties_that_nothing_rounds(rng):
    """As the unit of a blank image with a bias of 0: its input is 0 on every side."""
    x, w = rows(rng)
    x[5] = 0
    exact, turned, number = evaluated(x, w)
    assert number == 0
    np.testing.assert_array_equal(exact, turned)


def test_a_value_and_its_derivative_compare_the_same_unit_once(rng):
    x, w = rows(rng)
    x[0] = near_0(x[0], w, rng)

    def both(w, x):
        y, back = jax.vjp(relu, x @ w)
        return y + back(jnp.ones_like(y))[0]

    assert evaluated(x, w, both)[2] == 1


def test_what_is_clipped_near_its_bound_may_pass_its_gradient_or_not(rng):
    x, w = rows(rng)
    x[7] = near_0(x[7], w, rng)

    def clipped(w, x):
        return jax.grad(lambda w: clip_by_value(x @ w, 0.0, 1e6).sum())(w)

    exact, turned, number = evaluated(x, w, clipped)
    assert number == 1
    np.testing.assert_allclose(np.abs(turned - exact), np.abs(x[7]), rtol=1e-9)


def test_drawn_numbers_beside_a_rate_are_never_near_it(rng):
    """Dropout compares what both sides are given: nothing rounds it."""
    drawn = rng.random((20, 30)).astype(np.float32)
    drawn[0, 0] = np.float32(0.3)
    w = rng.normal(size=30).astype(np.float32)
    assert evaluated(drawn, w, lambda w, x: jnp.where(x >= np.float32(0.3), w[None], 0).sum(axis=1))[2] == 0
