"""What `tf.clip_by_global_norm`, `clip_by_norm` and `clip_by_value` make of a side's own gradients."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from parity.compare.limits import TINY
from parity.compare.rounded import HALF_ULP, Rounded, maximum, number, sqrt
from parity.errors import CannotCompare

Named = Mapping[str, np.ndarray]
Clip = Callable[[Named], dict[str, Rounded]]  # all gradients by tensor -> all that arrive at the optimizer

ROW = 1024  # additions that one number of a sum goes through before sums are added in pairs, see `_squares`


def clip_of(program: Mapping[str, Any]) -> Clip | None:
    """The clipping of a program, None if it has none. Raises `CannotCompare` for an unknown one or other limits."""
    clipping = program.get("clipping")
    if clipping is None:
        return None
    clip, names = KINDS.get(clipping.get("kind"), (None, ()))
    if clip is None or set(clipping) != {"kind", *names}:
        known = ", ".join(f"{kind} with {' and '.join(names)}" for kind, (_, names) in KINDS.items())
        raise CannotCompare(f"clipping is {dict(clipping)}; rules are known for {known}")
    return functools.partial(clip, **{name: number(clipping[name]) for name in names})


def _by_global_norm(grads: Named, clip_norm: Rounded) -> dict[str, Rounded]:
    """g * (clip_norm * min(1 / norm, 1 / clip_norm)), norm that of all tensors together. Not always 1 below it."""
    factor = clip_norm * (1 / maximum(sqrt(_squares(list(grads.values()))), clip_norm))
    return {name: Rounded.of(grad) * factor for name, grad in grads.items()}


def _by_norm(grads: Named, clip_norm: Rounded) -> dict[str, Rounded]:
    """g * clip_norm / max(norm, clip_norm), each tensor by its own norm."""
    norms = {name: sqrt(_squares([grad])) for name, grad in grads.items()}
    return {n: Rounded.of(grad) * clip_norm / maximum(norms[n], clip_norm) for n, grad in grads.items()}


def _by_value(grads: Named, clip_value_min: Rounded, clip_value_max: Rounded) -> dict[str, Rounded]:
    """min(max(g, clip_value_min), clip_value_max), which rounds nothing."""
    raised = {name: maximum(Rounded.of(grad), clip_value_min) for name, grad in grads.items()}
    return {name: -maximum(-grad, -clip_value_max) for name, grad in raised.items()}


def _squares(arrays: Sequence[np.ndarray]) -> Rounded:
    """The sum of all squares.

    No term is negative, so each rounding is at most half an ulp of the whole sum, and as many count as one term goes
    through. Of n terms taken one after the other these are n: 5 % of a norm at 800,000. Nobody sums so. TensorFlow's
    kernels take eight rows of up to 1,024 terms and add the rows in pairs; XLA takes windows of 32 of windows, NumPy
    eight rows of 16 and pairs. So: the shorter of n and `ROW`, pairs of what that leaves, the tensors, and the square.
    Equal terms do come near it (a fifth, in TensorFlow), since all their roundings go one way; a random walk would not.
    """
    count = sum(array.size for array in arrays)
    value = sum(float(np.square(array.astype(np.float64)).sum()) for array in arrays)
    roundings = min(count, ROW) + math.ceil(math.log2(max(count / ROW, 1))) + len(arrays) + 1
    return Rounded(np.asarray(value), np.asarray(roundings * HALF_ULP * value + count * TINY * (value > 0)))


KINDS: dict[str, tuple[Callable[..., dict[str, Rounded]], tuple[str, ...]]] = {
    "global_norm": (_by_global_norm, ("clip_norm",)),
    "norm": (_by_norm, ("clip_norm",)),
    "value": (_by_value, ("clip_value_min", "clip_value_max")),
}
