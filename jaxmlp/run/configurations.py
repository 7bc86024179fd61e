"""The cells of one configuration, which differ in their seeds alone: mean and spread, and which is the best."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxmlp.run.cells import Cell
from jaxmlp.run.rows import columns


class Configuration(NamedTuple):
    """Settings, and a cell a seed."""

    settings: dict[str, str]
    cells: tuple[Cell, ...]

    @property
    def accuracies(self) -> list[float]:
        """Of the test images, in percent, of the seeds that trained to their end."""
        return [cell.test_accuracy for cell in self.cells if cell.test_accuracy is not None]

    @property
    def mean(self) -> float | None:
        """Their mean; None where a seed has none, for a mean of the others would flatter."""
        found = self.accuracies
        return sum(found) / len(found) if len(found) == len(self.cells) else None

    def told(self) -> str:
        """The settings in words."""
        return ", ".join(f"{name} {word}" for name, word in self.settings.items()) or "the program as it is"

    def outcome(self) -> str:
        """For example `86.40 %, from 86.21 to 86.60`, or how many seeds diverged."""
        found, mean = self.accuracies, self.mean
        if mean is not None:
            spread = f", from {min(found):.2f} to {max(found):.2f}" if len(found) > 1 else ""
            return f"{mean:.2f} %{spread}"
        diverged = sum(cell.diverged_at is not None for cell in self.cells)
        ends = [(diverged, "diverged"), (len(self.cells) - len(found) - diverged, "failed")]
        others = f"; the others {min(found):.2f} to {max(found):.2f} %" if found else ""
        return ", ".join(f"{count} of {len(self.cells)} {what}" for count, what in ends if count) + others


def configurations(cells: Sequence[Cell]) -> list[Configuration]:
    """The cells by their settings, in their order."""
    found: dict[tuple[tuple[str, str], ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(tuple(cell.settings.items()), []).append(cell)
    return [Configuration(dict(settings), tuple(own)) for settings, own in found.items()]


def best(found: Sequence[Configuration]) -> Configuration | None:
    """That of the highest mean, the first of several; None where no configuration has one."""
    trained = [one for one in found if one.mean is not None]
    return max(trained, key=lambda one: one.mean or 0.0, default=None)


def summary(found: Sequence[Configuration]) -> str:
    """A line a configuration: its test accuracy's mean, lowest and highest over its seeds."""
    names = list(dict.fromkeys(name for one in found for name in one.settings))
    table = [names, *([one.settings.get(name, "") for name in names] for one in found)]
    outcomes = ["test accuracy, mean and spread over the seeds", *(one.outcome() for one in found)]
    return "\n".join("  ".join([*line, told]) for line, told in zip(columns(table), outcomes, strict=True))
