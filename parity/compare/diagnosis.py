"""Where two traces first part, and what that usually means."""

import io
from collections.abc import Sequence

import numpy as np

from parity.compare.probe import PROBE
from parity.compare.tiers import WORDS, Check
from parity.compare.trace import Trace

MEANINGS = {  # of the first of these tiers that failed
    "T0": "the two sides started from different data or weights; nothing after it means anything",
    "T1b": "the forward pass differs: a matmul's precision, a layer's wiring, or a tensor's layout",
    "T2b": "same logits, but the layers send gradients back differently: a ReLU's derivative, a backward matmul",
    "T2": "the layers agree both ways; the loss's derivative by the logits does not: labels, mean, or images left out",
    "T1": "same logits and gradients, another loss or count: a different formula, or measured at another moment",
    "T3": "same gradient, another update: the rate, the sign, a decay, or a tensor left out",
    "T4": "every single step agrees and the run does not: something between steps, or measured at another moment",
    "T5": "the ends of many runs differ: something that only shows over hundreds of steps",
}
SECOND_STEP = "the first update is right and the second is not: the optimizer remembers something, as momentum does"


def first_divergence(checks: Sequence[Check]) -> Check | None:
    """The failed check of the earliest step, and of the lowest tier within it; inputs come first, the free run last."""
    failed = [check for check in checks if not check.passed]
    return min(failed, key=_earliness) if failed else None


def _earliness(check: Check) -> tuple[int, float, int]:
    """Inputs, then single steps (the probe after them), then the free run."""
    kind = {"T0": 0, "T4": 2, "T5": 3}.get(check.tier, 1)
    when = float("inf") if check.step == PROBE else -1 if check.step is None else check.step
    return kind, when, list(WORDS).index(check.tier)


def meaning(checks: Sequence[Check]) -> str:
    """What a pattern of failures usually comes from."""
    failed = [check for check in checks if not check.passed]
    tier = next(tier for tier in MEANINGS if tier in {check.tier for check in failed})
    updates = [check.tensor.endswith("second step") for check in failed if check.tier == "T3"]
    return SECOND_STEP if tier == "T3" and all(updates) else MEANINGS[tier]


def tensors_bytes(step: int | None, reference: Trace, subject: Trace) -> bytes:
    """Both sides' tensors of a step as an npz; what a recording knows only in part is NaN elsewhere."""
    arrays: dict[str, np.ndarray] = {}
    for side, trace in (("reference", reference), ("subject", subject)):
        arrays.update({f"{side}/losses": trace.series["losses"]} if "losses" in trace.series else {})
        if step is not None and step in trace.steps:
            got = trace.steps[step].arrays("got")
            arrays.update((f"{side}/{key}", array) for key, array in got.items() if not key.startswith("units/"))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()
