"""Orders of images and pixels: nothing with ink is left out, and less is left to multiply."""

import itertools

import numpy as np
import pytest

from jaxmlp.engine import ink_order


@pytest.fixture
def ink(digits) -> np.ndarray:
    return digits.train.images > 0


@pytest.mark.parametrize("count", [1, 4])
def test_every_image_is_in_one_staircase_and_all_its_ink_within_its_reach(ink, count):
    found = ink_order.ink_groups(ink, count)
    assert sorted(np.concatenate([stairs.members for stairs in found])) == list(range(len(ink)))
    for stairs in found:
        assert sorted(stairs.order) == list(range(784))
        for image, reach in zip(ink[stairs.members], stairs.reach, strict=True):
            assert not image[stairs.order[reach:]].any()
            assert reach == 0 or image[stairs.order[reach - 1]], "the reach is no longer than needed"


def test_more_staircases_leave_less_to_multiply(ink):
    one, four = (np.concatenate([s.reach for s in ink_order.ink_groups(ink, n)]).mean() for n in (1, 4))
    assert ink.sum(axis=1).mean() < four < one < 0.75 * 784


def test_same_images_get_the_same_order(ink):
    for one, same in zip(ink_order.ink_groups(ink, 3), ink_order.ink_groups(ink, 3), strict=True):
        for a, b in zip(one, same, strict=True):
            np.testing.assert_array_equal(a, b)


def test_levels_are_the_cheapest_of_all(rng):
    reach = np.sort(rng.integers(0, 50, 9))

    def waste(bounds) -> int:
        return sum(int(reach[b - 1]) * (b - a) for a, b in itertools.pairwise(bounds))

    every = [(0, *cut, 9) for n in range(3) for cut in itertools.combinations(range(1, 9), n)]
    assert waste(ink_order.cheapest_levels(reach, 3)) == min(map(waste, every))


def test_tiles_of_one_reach_are_one_level():
    assert ink_order.cheapest_levels(np.full(20, 784), 10) == [0, 20]
    assert ink_order.cheapest_levels(np.repeat([100, 784], 20), 10) == [0, 20, 40]


@pytest.mark.parametrize("tiles", [1, 2, 5])
def test_there_are_no_more_levels_than_tiles(tiles):
    bounds = ink_order.cheapest_levels(np.arange(tiles), 16)
    assert bounds[0] == 0
    assert bounds[-1] == tiles
    assert all(a < b for a, b in itertools.pairwise(bounds))
