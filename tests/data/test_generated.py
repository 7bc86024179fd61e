"""Digits that the program draws: deterministic, prefix-stable, and much like MNIST's."""

import hashlib
import time

import numpy as np
import pytest

from jaxmlp.data.generated import TEST, TRAIN, draw, generated_digits
from jaxmlp.data.glyphs import glyphs
from jaxmlp.errors import DataError
from jaxmlp.progress import Progress


@pytest.fixture(scope="module")
def digits():
    return draw(6000, seed=3)


def test_shapes_types_and_names_are_those_of_mnist():
    data = generated_digits(600, seed=1)
    assert data.train.images.shape == (600, 784)
    assert data.test.images.shape == (100, 784)
    assert {array.dtype for array in (*data.train, *data.test)} == {np.dtype(np.uint8)}
    assert data.train.labels.shape == (600,)
    assert data.class_names == ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    assert data.source == "600 generated digits, seed 1"
    assert not data.synthetic


@pytest.mark.parametrize(("shorter", "longer"), [(1, 2), (7, 500), (499, 501), (500, 1000), (730, 1601)])
def test_a_larger_set_continues_a_smaller_one(shorter, longer):
    small, large = draw(shorter, seed=11), draw(longer, seed=11)
    np.testing.assert_array_equal(small.images, large.images[:shorter])
    np.testing.assert_array_equal(small.labels, large.labels[:shorter])


def test_a_seed_gives_the_same_digits_again_and_another_seed_others():
    first, again, other = draw(50, seed=4), draw(50, seed=4), draw(50, seed=5)
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert not np.array_equal(first.labels, other.labels)


def test_digits_of_seed_0_are_those_of_every_earlier_release():
    """Labels come from integers alone and must never change; pixels may move by a rounding from machine to machine."""
    few = draw(1200, seed=0)
    assert hashlib.sha256(few.labels).hexdigest().startswith("1f3884e2ffca34e6")
    assert int(few.images.sum(dtype=np.int64)) == pytest.approx(31_192_873, rel=1e-5)


def test_no_test_digit_is_a_training_digit():
    train, test = draw(2000, seed=2, stream=TRAIN), draw(2000, seed=2, stream=TEST)
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}


def test_no_two_digits_are_alike(digits):
    assert len({image.tobytes() for image in digits.images}) == len(digits.images)


def test_every_digit_is_about_as_frequent_as_any_other(digits):
    assert np.bincount(digits.labels, minlength=10).min() > 500
    assert len(np.bincount(digits.labels)) == 10


def test_ink_share_and_brightness_are_near_those_of_mnist(digits):
    inked = digits.images > 0
    assert 0.17 < inked.mean() < 0.21  # MNIST: 0.191
    assert 28 < digits.images.mean() < 39  # MNIST: 33.3
    assert (digits.images == 255).any(axis=1).mean() > 0.95
    assert (inked & (digits.images < 255)).any(axis=1).all()


def test_ink_keeps_away_from_the_edges_and_its_mass_is_in_the_middle(digits):
    images = digits.images.reshape(-1, 28, 28).astype(float)
    edges = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert (edges == 0).all(axis=1).mean() > 0.99  # MNIST: 0.986
    mass = images.sum(axis=(1, 2))
    for axis in (1, 2):
        centre = (images.sum(axis=3 - axis) * np.arange(28)).sum(axis=1) / mass
        assert abs(centre - 13.5).max() < 2


def test_digits_can_be_told_apart_by_their_nearest_neighbour(digits):
    train, test = digits.images[:3000].astype(np.float32), draw(300, seed=3, stream=TEST)
    distance = (train**2).sum(axis=1) - 2 * test.images.astype(np.float32) @ train.T
    guess = digits.labels[distance.argmin(axis=1)]
    assert (guess == test.labels).mean() > 0.93
    assert all((guess[test.labels == digit] == digit).mean() > 0.7 for digit in range(10))


def test_every_way_of_writing_is_drawn_without_gaps():
    table = glyphs()
    step = np.hypot(*np.moveaxis(np.diff(table.points, axis=2), 1, 0)) * table.joined
    assert step.max() < 1.5 * step[step > 0].mean()
    assert table.count.sum() == len(table.points)


def test_a_negative_seed_is_a_seed_like_any_other():
    assert draw(3, seed=-1).images.any()


def test_more_digits_than_memory_holds_is_one_line():
    with pytest.raises(DataError, match=r"digits need \d+ GB") as caught:
        generated_digits(10**16)
    assert "\n" not in str(caught.value)


def test_how_many_digits_are_drawn_is_told_where_it_takes_long(capsys, monkeypatch):
    said, update = [], Progress.update

    def slow(progress, pieces):
        update(progress, pieces)
        line, deadline = "", time.monotonic() + 60
        while "\n" not in line and time.monotonic() < deadline:
            time.sleep(0.01)
            line += capsys.readouterr().err
        said.append(line)

    monkeypatch.setattr("jaxmlp.progress.INTERVAL", 0.01)
    monkeypatch.setattr(Progress, "update", slow)
    draw(2000, seed=1)
    told = "".join(said).splitlines()
    assert len(told) >= 4
    assert all(line.startswith("… drawing digits: ") and " of 2,000 digits in " in line for line in told)
    assert not told[-1].startswith("… drawing digits: 0 of")
