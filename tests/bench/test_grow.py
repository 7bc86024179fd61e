"""How cost grows: the fitted power, and that many at once compute what each computes alone."""

import numpy as np
import pytest

from bench import grow
from bench.grow import Point, Scale
from bench.peers import ours_many
from bench.peers.protocol import load
from bench.workload import first
from jaxmlp.data.generated import generated_digits


def test_exponent_is_the_power_of_the_law():
    points = [Point(value, 3e-4 * value**1.3, 1, 1) for value in (10, 100, 5000)]
    assert grow.exponent(points) == pytest.approx(1.3)


def test_members_trained_at_once_have_the_losses_they_have_in_turn_and_rates_of_their_own(problem):
    options = ("members=3", "how=at_once"), ("members=3", "how=in_turn")
    at_once, in_turn = (ours_many.start(load(problem, option))(4) for option in options)
    np.testing.assert_allclose(at_once, in_turn, rtol=1e-5)
    alone = ours_many.start(load(problem, ("members=1", "how=in_turn")))(4)
    assert abs(alone[0][0] - in_turn[0][0]) > 1  # the other members' weights are other ones


@pytest.mark.full
def test_sweeps_measure_every_value_and_at_once_agrees_with_in_turn(workload):
    scale = Scale(images=(100, 400), hidden=(8, 32), seeds=(1, 2), member_images=100)
    growth = grow.measure(first(generated_digits(300), None), workload, scale, 2)
    assert [[point.value for point in sweep.points] for sweep in growth.sweeps] == [[100, 400], [8, 32], [1, 2]]
    assert all(point.seconds > 0 and point.peak_rss_bytes > 20e6 for sweep in growth.sweeps for point in sweep.points)
    one, two = growth.sweeps[2].points
    assert two.flop == 2 * one.flop
    ratio = growth.at_once.ratio
    assert 0 < ratio.min <= ratio.median <= ratio.max
