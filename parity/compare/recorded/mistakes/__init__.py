"""The usual mistakes of porting a TensorFlow 1.x program, each tried on the tensors that differ.

What a step computed is held against what it would compute with the mistake in it. One that fits is "recognised"; where
none does, the usual causes of such a difference are listed.
"""

from collections.abc import Callable, Iterator, Sequence

from parity.compare.diagnosis import MEANINGS, first_divergence
from parity.compare.recorded.mistakes.averages import of_average
from parity.compare.recorded.mistakes.gradient import of_gradient
from parity.compare.recorded.mistakes.loss import of_loss
from parity.compare.recorded.mistakes.scene import Scene
from parity.compare.recorded.mistakes.update import of_update
from parity.compare.recorded.recording import Graph, Program
from parity.compare.tiers import Check
from parity.compare.trace import Trace

TRIED: dict[str, tuple[Callable[[Scene, str], Iterator[str]], ...]] = {
    "T1": (of_loss,),
    "T1b": (of_loss,),
    "T2": (of_gradient,),
    "T3": (of_update, of_average),
}


def recognised(program: Program, graph: Graph, subject: Trace, checks: Sequence[Check]) -> list[str]:
    """A line for each mistake that fits, or what such differences usually come from; nothing where all passed."""
    first = first_divergence(checks)
    if first is None or first.step is None or first.tensor == "finite":
        return []
    found: dict[str, list[str]] = {}  # where each fits
    for check in (one for one in checks if not one.passed and one.step is not None):
        step = int(check.step or 0)
        scene = Scene(step, program, graph, subject.steps[step])
        for hint in dict.fromkeys(hint for tried in TRIED[check.tier] for hint in tried(scene, check.tensor)):
            found.setdefault(hint, []).append(check.place)
    told = [f"recognised: {hint} ({_places(at)})" for hint, at in _fewest(found)]
    return told or [f"usually: {_usual(program, first)}"]


def _fewest(found: dict[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    """The hint that fits most differences, then the one that fits most of the rest, to the last that fits any."""
    left = {place for at in found.values() for place in at}
    while left:
        hint = max(found, key=lambda one: len(left & set(found[one])))
        yield hint, found[hint]
        left -= set(found[hint])


def _places(places: Sequence[str]) -> str:
    return places[0] if len(places) == 1 else f"{places[0]} and {len(places) - 1} more"


def _usual(program: Program, first: Check) -> str:
    draws = any(key.startswith("draws/") for key in program.trace.steps[first.step or 0].start)
    dropout = "dropout that is not scaled by 1 / keep_prob, or a mask that is drawn anew; " if draws else ""
    own = {
        "T1": "another reduction (sum, mean, or by classes too), a penalty left out, softmax for sigmoid",
        "T1b": "a layer's wiring, an activation, or a transposed kernel",
        "T2": "a penalty's gradient, a derivative at a kink or a tie, or a gradient that is stopped",
        "T3": "an epsilon elsewhere, the rate of another step, a decay of the weights, or other slots than given",
    }
    return (dropout if first.tier in ("T1", "T1b", "T2") else "") + own.get(first.tier, MEANINGS[first.tier])
