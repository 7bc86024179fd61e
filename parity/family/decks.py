"""Decks: values dealt by chance, but so that each comes up before any comes up again."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def deck(rng: np.random.Generator, values: Sequence[T]) -> Iterator[T]:
    """The values in an order by chance, then in another, without end."""
    while True:
        for i in rng.permutation(len(values)):
            yield values[i]


def some(rng: np.random.Generator, *values: T) -> T:
    """One of them."""
    return values[rng.integers(len(values))]


def rounded(value: float) -> float:
    """To two digits: what is drawn is read by people, and must not hang on a last bit."""
    return float(f"{value:.2g}")


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number of two digits; of many orders of magnitude each is as likely."""
    return rounded(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
