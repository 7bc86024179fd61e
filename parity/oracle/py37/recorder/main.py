"""The recorder's command: one argument, a JSON object with the fields of `order.Order`."""

from __future__ import annotations

import sys

from . import order
from .flight import Flight
from .seeds import seed_the_rest


def main() -> None:
    """Does not return."""
    told = order.read(sys.argv.pop(1))
    flight = Flight(told)
    if told.seed is not None:
        seed_the_rest(told.seed, flight.recorder.tell)
    flight.fly()
