"""`Rounded` bounds what float32 may make of an expression, whatever it skips, and is exact where nothing is rounded."""

import numpy as np
import pytest

from parity.compare.limits import TINY
from parity.compare.rounded import HALF_ULP, Rounded, maximum, number, power, soft_threshold, sqrt


def wide(rng, count, low=-8, high=8):
    """Either sign, over many decades."""
    return (rng.choice([-1, 1], count) * 10 ** rng.uniform(low, high, count)).astype(np.float32)


def near(rng, x):
    """Numbers that all but cancel with x."""
    return (x * (1 + rng.choice([-1, 1], len(x)) * 10 ** rng.uniform(-7, 0, len(x)))).astype(np.float32)


def test_a_sum_of_products_is_bounded_rounded_fused_and_cancelling(rng):
    a, b, c = (wide(rng, 500) for _ in range(3))
    d = near(rng, a * b / c)
    bound = Rounded.of(a) * Rounded.of(b) - Rounded.of(c) * Rounded.of(d)
    exact = a.astype(np.float64) * b
    fused = (exact - (c * d).astype(np.float64)).astype(np.float32)
    for got in (a * b - c * d, fused):
        assert bound.ratio(got) <= 1
    assert bound.ratio((a * b - c * d) * np.float32(1 + 1e-3)) > 1


def test_a_quotient_is_bounded_by_its_divisors_error_and_its_reciprocal_passes(rng):
    a, b, c = (wide(rng, 500) for _ in range(3))
    d = near(rng, b)
    top, under = Rounded.of(a) + Rounded.of(c), Rounded.of(b) - Rounded.of(d)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        quotients = [(a + c) / (b - d), (a + c) * (1 / (b - d))]
        bound = top / under
    for got in quotients:
        held = np.isfinite(got)
        assert Rounded(bound.value[held], bound.error[held]).ratio(got[held]) <= 1


def test_a_divisor_that_may_be_zero_leaves_no_bound_and_a_nan_still_fails(rng):
    x = wide(rng, 9, -3, 3)
    unknown = Rounded(rng.choice([0, 1e-7, -1e-7], 9), np.full(9, 1e-6))
    bound = Rounded.of(x) / unknown
    assert np.isinf(bound.error).all()
    assert bound.ratio(x) == 0
    assert np.isnan(bound.ratio(x * np.float32(np.nan)))
    none = Rounded.of(0 * x)
    for nothing in (none / unknown, none * bound):
        assert (nothing.value == 0).all()
        assert (nothing.error == 0).all()


def test_a_root_near_zero_is_off_by_the_root_of_its_error_at_most(rng):
    value, error = 10 ** rng.uniform(-9, 0, 500), 10 ** rng.uniform(-12, -3, 500)
    root = sqrt(Rounded(value, error))
    for end in (np.maximum(value - error, 0), value + error):
        assert root.ratio(np.sqrt(end)) <= 1
    small = np.sqrt(error) + 16 * HALF_ULP * np.sqrt(value + error)
    assert (root.error <= small).all()
    sharp = value > 10 * error
    assert (root.error[sharp] <= 0.53 * error[sharp] / np.sqrt(value[sharp]) + 16 * HALF_ULP).all()


def test_a_root_may_be_three_ulp_off_and_ten_are_too_many(rng):
    x = 10 ** rng.uniform(-30, 30, 500).astype(np.float32)
    right = np.sqrt(x.astype(np.float64)).astype(np.float32)
    for ulps, holds in ((3, True), (10, False)):
        assert (sqrt(Rounded.of(x)).ratio(right + ulps * np.spacing(right)) <= 1) == holds


@pytest.mark.parametrize(("x", "got"), [(2.0**-130, 0.0), (2.0**-125.5, 2.0**-62.5), (2.0**126.5, 2.0**62.5)])
def test_beyond_where_tensorflows_root_is_good_the_bound_says_so(x, got):
    assert sqrt(Rounded.of(np.float32(x))).ratio(np.float32(got)) <= 1


def test_a_power_is_bounded(rng):
    x, y = (10 ** rng.uniform(-9, 9, 500).astype(np.float32) for _ in range(2))
    for exponent in (0.0, 0.3, 1.0, 1.3):
        got = np.power(x + y, np.float32(exponent))
        assert power(Rounded.of(x) + Rounded.of(y), exponent).ratio(got) <= 1
        carried = power(Rounded(x.astype(np.float64), 0.01 * x), exponent)
        for end in (0.99, 1.01):
            assert carried.ratio((end * x.astype(np.float64)) ** float(np.float32(exponent))) <= 1
        assert (carried.error <= (0.0102 * exponent + 1e-6) * carried.value).all()
    assert power(Rounded.of(x), 0.7).ratio(np.power(x, np.float32(0.7001))) > 10


def test_a_soft_threshold_is_continuous_and_exactly_zero_below(rng):
    x = np.float32(0.1) * wide(rng, 500, -3, 0)
    threshold = np.float32(0.03) * np.float32(0.7)
    bound = soft_threshold(Rounded.of(x) * 0.3, number(0.03) * 0.7)
    p = x * np.float32(0.3)
    assert bound.ratio(np.sign(p) * np.maximum(np.abs(p) - threshold, 0)) <= 1
    below = np.abs(p) < 0.99 * threshold
    assert (bound.error[below] == 0).all()
    assert bound.ratio(p) > 10
    just_below = soft_threshold(Rounded(np.float64(0.5 - 1e-7), np.float64(2e-7)), number(0.5))
    assert just_below.value == 0
    assert just_below.ratio(np.float32(1e-7)) <= 1


def test_flushed_denormals_pass_on_the_way_in_and_out():
    small = Rounded.of(np.float32([1e-40, -1e-40, 1e-20]))
    for got in ([0, 0, 1e-20], [1e-40, -1e-40, 1e-20]):
        assert small.ratio(np.float32(got)) <= 1
        assert (small * small).ratio(np.float32([0, 0, 0])) <= 1
    assert (small * small).ratio(np.float32([0, 0, 2 * TINY])) > 1


def test_what_rounds_nothing_has_no_error(rng):
    double = rng.normal(size=9)
    assert Rounded.of(double).ratio(double) == 0
    assert Rounded.of(double).ratio(double.astype(np.float32)) == np.inf
    x, y = (wide(rng, 9) for _ in range(2))
    larger = maximum(Rounded.of(x), -Rounded.of(y))
    np.testing.assert_array_equal(larger.value, np.maximum(x, -y))
    assert larger.error.sum() == 0
    assert larger.ratio(np.maximum(x, -y)) == 0
    assert larger.ratio(np.nextafter(np.maximum(x, -y), np.float32(0))) == np.inf


def test_the_larger_of_two_may_be_off_as_far_as_either():
    larger = maximum(Rounded(np.float64(1), np.float64(0.1)), Rounded(np.float64(0.9), np.float64(0.3)))
    for got, holds in ((1.2, True), (0.9, True), (1.4, False)):
        assert (larger.ratio(np.float64(got)) <= 1) == holds


def test_python_numbers_are_cast_to_float32():
    assert number(0.1).value == np.float32(0.1)
    assert (1 - number(0.999)).ratio(np.float32(1) - np.float32(0.999)) <= 1
    assert (1 - number(0.999)).ratio(np.float32(0.001)) > 100
    assert (2 / number(3.0)).ratio(np.float32(2) / np.float32(3)) <= 1
