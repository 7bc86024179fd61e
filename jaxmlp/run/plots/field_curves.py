"""The test accuracy of a sweep's runs over each field that was set."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxmlp.run.configurations import Configuration, best
from jaxmlp.run.plots import style
from jaxmlp.run.plots.style import ACCENT, INK, MUTED, PALE

WIDE = 10  # a factor between the smallest and the largest value, all above 0, from which an axis is logarithmic


def field_curves(found: Sequence[Configuration], source: str, path: Path) -> None:
    """A panel a field: a point a run that trained to its end, a curve through the means where there is one field."""
    names = list(found[0].settings)
    figure, axes = style.figure(1, len(names), figsize=(2.6 + 3.2 * len(names), 4), sharey=True, squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        _panel(axis, found, name)
        axis.grid(True, which="major", color=PALE, linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=MUTED, which="both")
        axis.set_xlabel(name)
    axes[0, 0].set(ylabel="test accuracy (%)")
    if len(names) == 1:
        means = [(_at(found, names[0], one), one.mean) for one in found if one.mean is not None]
        axes[0, 0].plot(*zip(*sorted(means), strict=True) if means else ((), ()), color=INK, linewidth=1.6)
    figure.suptitle(_headline(found, source), color=INK)
    style.save(figure, path)


def _headline(found: Sequence[Configuration], source: str) -> str:
    unfinished = sum(one.mean is None for one in found)
    ended = f"; {unfinished} of {len(found)} diverged or failed" if unfinished else ""
    return f"{source}{ended}" + ("\nred: the best" if best(found) else "")


def _panel(axis: Any, found: Sequence[Configuration], name: str) -> None:
    chosen = best(found)
    for one in found:
        colour, above = (ACCENT, 3) if one is chosen else (MUTED, 2)
        places = [_at(found, name, one)] * len(one.accuracies)
        axis.plot(places, one.accuracies, "o", color=colour, markersize=5, alpha=0.8, zorder=above)
    values = _values(found, name)
    if values is None:
        words = _words(found, name)
        axis.set_xticks(range(len(words)), words)
        axis.set_xlim(-0.5, len(words) - 0.5)
    elif min(values) > 0 and max(values) / min(values) >= WIDE:
        axis.set_xscale("log")


def _at(found: Sequence[Configuration], name: str, one: Configuration) -> float:
    """Where a configuration stands: its number, or the place of its word."""
    word = one.settings[name]
    return _words(found, name).index(word) if _values(found, name) is None else float(word)


def _words(found: Sequence[Configuration], name: str) -> list[str]:
    return list(dict.fromkeys(one.settings[name] for one in found))


def _values(found: Sequence[Configuration], name: str) -> list[float] | None:
    """The field's numbers; None where not every word is one."""
    try:
        values = [float(word) for word in _words(found, name)]
    except ValueError:
        return None
    return values if all(map(math.isfinite, values)) else None
