"""The write-up's own numbers, and where they lie among many seeds: it set none, so its table is one draw."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

TABLE = {  # step: loss, training accuracy, test accuracy in percent, as published in February 2020
    0: (73913.359375, 10.2, 10.1),
    100: (3622.128906, 79.9, 80.6),
    200: (2568.829834, 84.5, 84.8),
    300: (2103.153320, 86.6, 86.4),
}
QUANTITIES = ("loss", "training accuracy", "test accuracy")
Row = dict[str, list[float]]  # of one seed: the three quantities at each published step, by step


class Place(NamedTuple):
    """A published number among the seeds'."""

    step: int
    quantity: str
    published: float
    quantiles: tuple[float, ...]  # smallest, 5 %, median, 95 %, largest
    percentile: float  # seeds below it, ties counting half


def places(rows: Sequence[Row]) -> list[Place]:
    """Where each published number lies among the seeds."""
    found = []
    for step, numbers in TABLE.items():
        for i, (quantity, number) in enumerate(zip(QUANTITIES, numbers, strict=True)):
            seen = np.array([row[str(step)][i] for row in rows])
            rank = 100 * float(np.mean((seen < number) + 0.5 * (seen == number)))
            quantiles = tuple(float(q) for q in np.quantile(seen, (0, 0.05, 0.5, 0.95, 1)))
            found.append(Place(step, quantity, number, quantiles, rank))
    return found


def require_rows(rows: Any) -> None:
    """Raises ValueError unless it is a table of `Row` by side and seed, as `python -m parity published` keeps it."""
    for side, of_side in rows.items():
        for seed, row in of_side.items():
            if not seed.isascii() or not seed.isdigit() or row.keys() != {str(step) for step in TABLE}:
                raise ValueError(f"{side}, seed {seed} is not of a seed's steps {', '.join(map(str, TABLE))}")
            for step, numbers in row.items():
                if not _is_row(numbers):
                    raise ValueError(f"{side}, seed {seed}, step {step} is not a loss and two accuracies")


def _is_row(numbers: Any) -> bool:
    if type(numbers) is not list or [type(number) for number in numbers] != [float] * 3:
        return False
    return 0 <= numbers[0] < math.inf and all(0 <= accuracy <= 100 for accuracy in numbers[1:])


def table(rows: Sequence[Place]) -> str:
    """A line a published number."""
    head = f"{'step':>4}  {'':18}{'published':>11}{'percentile':>11}"
    lines = [head + "".join(f"{name:>11}" for name in ("smallest", "5 %", "median", "95 %", "largest"))]
    for row in rows:
        numbers = "".join(f"{value:>11.2f}" for value in row.quantiles)
        lines.append(f"{row.step:>4}  {row.quantity:18}{row.published:>11.2f}{row.percentile:>11.0f}{numbers}")
    return "\n".join(lines)
