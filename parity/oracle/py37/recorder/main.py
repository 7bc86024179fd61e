"""The recorder's command: one argument, a JSON object with the fields of `order.Order`."""

from __future__ import annotations

import sys

from . import order
from .flight import Flight


def main() -> None:
    """Does not return."""
    Flight(order.read(sys.argv.pop(1))).fly()
