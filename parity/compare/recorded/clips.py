"""What lies between the gradients of a program and those that reach its updates, found from recorded pairs of both.

No op says "clipped by norm": the pairs do. Each way of clipping is tried on all recorded steps, and taken only where it
gives what TensorFlow got, to rounding. Its limit is a constant of the graph where one is near enough.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from parity.compare.rounded import Rounded
from parity.compare.rules.clipping import clip_of
from parity.compare.tensor import Named

NEAR = 1e-5  # relative, how well a limit is known from gradients alone


class Clipping(NamedTuple):
    """One of `compare/rules/clipping.py`, by its fields there; or none, where the gradient arrives as it is."""

    fields: Mapping[str, Any] | None

    def arriving(self, grads: Named) -> dict[str, Rounded]:
        """What arrives of these gradients, all of the program's."""
        clip = clip_of({"clipping": self.fields})
        return clip(grads) if clip else {name: Rounded.of(grad) for name, grad in grads.items()}


Pair = tuple[Named, Named]  # gradients and what arrives, by variable, of one step


def clipping_of(pairs: Sequence[Pair], constants: Iterable[float]) -> Clipping | None:
    """None where gradients are missing, or something else than clipping lies between."""
    if not pairs or any(grads.keys() != arriving.keys() or not grads for grads, arriving in pairs):
        return None
    if all(np.array_equal(grads[name], arriving[name]) for grads, arriving in pairs for name in grads):
        return Clipping(None)
    known = sorted({float(np.float32(one)) for one in constants})
    return next((one for one in map(Clipping, _candidates(pairs, known)) if _explains(one, pairs)), None)


def _candidates(pairs: Sequence[Pair], known: Sequence[float]) -> Iterable[dict[str, Any]]:
    yield from _values(pairs)
    for kind in ("global_norm", "norm"):
        yield from ({"kind": kind, "clip_norm": norm} for norm in _norms(pairs, kind, known))


def _values(pairs: Sequence[Pair]) -> Iterable[dict[str, Any]]:
    cut = [
        arriving[name][arriving[name] != grads[name]].astype(np.float64) for grads, arriving in pairs for name in grads
    ]
    values = np.unique(np.concatenate([one.reshape(-1) for one in cut]))
    if len(values) == 1:  # only one end was met; the other is beyond all gradients
        far = max(float(np.abs(grad).max(initial=0)) for grads, _ in pairs for grad in grads.values())
        ends = sorted([float(values[0]), -float(np.sign(values[0])) * max(far, abs(float(values[0])))])
        yield {"kind": "value", "clip_value_min": ends[0], "clip_value_max": ends[1]}
    if len(values) == 2:
        yield {"kind": "value", "clip_value_min": float(values[0]), "clip_value_max": float(values[1])}


def _norms(pairs: Sequence[Pair], kind: str, known: Sequence[float]) -> list[float]:
    """What the clipped gradients' norm comes to, and constants of the graph that are as good as equal, those first."""
    grads, arriving = next((g, a) for g, a in pairs if any(not np.array_equal(g[name], a[name]) for name in g))
    changed = next(name for name in grads if not np.array_equal(grads[name], arriving[name]))
    parts = list(arriving.values()) if kind == "global_norm" else [arriving[changed]]
    norm = float(np.sqrt(sum(np.square(part.astype(np.float64)).sum() for part in parts)))
    return [one for one in known if abs(one - norm) <= NEAR * norm] + [norm]


def _explains(one: Clipping, pairs: Sequence[Pair]) -> bool:
    return all(
        right.ratio(arriving[name]) <= 1 for grads, arriving in pairs for name, right in one.arriving(grads).items()
    )
