"""The programs of a sweep: their order, what is drawn, and what is no grid."""

import itertools
import math

import pytest
from bases import Base

from jaxmlp.errors import ConfigError
from jaxmlp.run import grid
from jaxmlp.run.grid import Range

BASE = Base()


def test_a_product_goes_through_the_last_field_first(rng):
    words = {name: [str(n) for n in rng.permutation(100)[: rng.integers(1, 4)] + 1] for name in ("layers", "steps")}
    texts = [f"{name}={','.join(own)}" for name, own in words.items()]
    settings = grid.product(grid.axes(BASE, texts))
    assert [tuple(one.values()) for one in settings] == list(itertools.product(*words.values()))
    points = grid.points(BASE, settings, [4, 2])
    assert [(p.program.layers[0].units, p.program.steps, p.program.seed) for p in points] == [
        (int(layers), int(steps), seed) for layers, steps in itertools.product(*words.values()) for seed in (4, 2)
    ]
    assert [p.settings for p in points[::2]] == settings


def test_one_seed_is_set_too():
    assert [p.program.seed for p in grid.points(BASE, [{"layers": "3"}], [7])] == [7]
    assert [p.program.seed for p in grid.points(Base(seed=5), [{"layers": "3"}], [])] == [5]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["learning-rate"], "holds no values: learning-rate=1e-4,1e-3 is right"),
        (["learning-rate="], "holds no values"),
        (["learning-rate=1,,2"], "holds no values"),
        (["=1"], "holds no values"),
        (["learning-rate=1", "learning_rate=2"], "--grid names learning-rate twice"),
        (["learning-rate=1,2,1"], "has 1 twice"),
        (["learning-rates=1"], "did you mean learning-rate?"),
    ],
)
def test_what_is_no_grid_is_refused_by_name(texts, said):
    with pytest.raises(ConfigError, match=said):
        grid.axes(BASE, texts)


@pytest.mark.parametrize(
    ("settings", "seeds", "said"),
    [
        ([{"learning-rate": "1e-4"}, {"learning-rate": "0.0001"}], [], "one program: learning-rate 1e-4, seed 0 and"),
        ([{"layers": "3"}], [1, 1], "one program: layers 3, seed 1 and layers 3, seed 1"),
        ([{"seed": "3"}], [1], "contradict each other"),
    ],
)
def test_the_same_program_twice_is_refused(settings, seeds, said):
    with pytest.raises(ConfigError, match=said):
        grid.points(BASE, settings, seeds)


RANGES = ["learning-rate=1e-6:1e-1", "layers=10:1000", "output.kernel.stddev=0.5:1", "layers.activation=relu,tanh"]


def test_draws_are_repeated_by_their_seed_only(rng):
    seed = int(rng.integers(2**31))
    ranges = grid.ranges(BASE, RANGES)
    drawn = grid.drawn(BASE, ranges, 20, seed)
    assert drawn == grid.drawn(BASE, ranges, 20, seed)
    assert drawn[:5] == grid.drawn(BASE, ranges, 5, seed), "more draws begin with the fewer"
    assert drawn != grid.drawn(BASE, ranges, 20, seed + 1)


def test_draws_lie_in_their_ranges_and_are_what_their_field_is(rng):
    for settings in grid.drawn(BASE, grid.ranges(BASE, RANGES), 200, int(rng.integers(2**31))):
        assert list(settings) == [text.partition("=")[0] for text in RANGES]
        assert 1e-6 <= float(settings["learning-rate"]) <= 1e-1
        assert 10 <= int(settings["layers"]) <= 1000
        assert 0.5 <= float(settings["output.kernel.stddev"]) <= 1
        assert settings["layers.activation"] in ("relu", "tanh")


def test_a_wide_range_is_drawn_from_evenly_in_its_logarithm(rng):
    # Half of the draws lie below the middle: of 400 at least 140, but once in 10**9 (binomial).
    for text, middle, words in (("learning-rate=1e-6:1e-2", 1e-4, float), ("learning-rate=0.3:2.9", 1.6, float)):
        drawn = grid.drawn(BASE, grid.ranges(BASE, [text]), 400, int(rng.integers(2**31)))
        below = sum(words(settings["learning-rate"]) < middle for settings in drawn)
        assert 140 <= below <= 260


def test_every_whole_number_of_a_range_is_drawn_and_not_one_more():
    for text in ("layers=3:7", "layers=1:20"):
        low, high = (int(end) for end in text.partition("=")[2].split(":"))
        ranges = grid.ranges(BASE, [text])
        drawn = grid.drawn(BASE, ranges, high - low + 1, 0)
        assert sorted(int(settings["layers"]) for settings in drawn) == list(range(low, high + 1))
        with pytest.raises(ConfigError, match=f"random = {high - low + 2} is impossible: it must be at most"):
            grid.drawn(BASE, ranges, high - low + 2, 0)


def test_the_ends_of_the_unit_interval_stay_in_the_range():
    class Fixed:
        def __init__(self, u: float):
            self.u = u

        def random(self) -> float:
            return self.u

    last = math.nextafter(1, 0)
    for one in (Range(1e-6, 0.1, False), Range(0.12345678, 0.9, False), Range(1, 3, True), Range(5, 500, True)):
        assert float(one.draw(Fixed(0.0))) >= one.low  # pyright: ignore[reportArgumentType]
        assert float(one.draw(Fixed(last))) <= one.high  # pyright: ignore[reportArgumentType]
    assert Range(0, 0, False, ("a", "b")).draw(Fixed(last)) == "b"  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning-rate=1e-1:1e-3", "'1e-1:1e-3' is impossible: its first number must be below its second"),
        ("learning-rate=1:1", "its first number must be below its second"),
        ("learning-rate=1:b", "must be two numbers"),
        ("learning-rate=1:2:3", "must be two numbers"),
        ("learning-rate=1:inf", "its first number must be below its second"),
        ("layers=1:3.5", "must be two whole numbers"),
        ("layers.activation=1:3", "layers.activation is no number; list its values by commas"),
        ("layrs=1:3", "did you mean layers?"),
        ("layers=", "--range 'layers=' holds no values"),
    ],
)
def test_what_is_no_range_is_refused_by_name(text, said):
    with pytest.raises(ConfigError, match=said):
        grid.ranges(BASE, [text])
