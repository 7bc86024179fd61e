"""Where two traces first part, and what that usually means."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxmlp.errors import OutputError
from parity.probe import PROBE
from parity.tiers import Check
from parity.trace import Trace

ORDER = ("T0", "T1", "T1b", "T2", "T2b", "T3", "T4", "T5")


def first_divergence(checks: Sequence[Check]) -> Check | None:
    """The failed check of the earliest step, and of the lowest tier within it; inputs come first, the free run last."""
    failed = [check for check in checks if not check.passed]
    return min(failed, key=_earliness) if failed else None


def _earliness(check: Check) -> tuple[int, float, int]:
    """Inputs, then single steps (the probe after them), then the free run."""
    kind = {"T0": 0, "T4": 2, "T5": 3}.get(check.tier, 1)
    when = float("inf") if check.step == PROBE else -1 if check.step is None else check.step
    return kind, when, ORDER.index(check.tier)


def meaning(checks: Sequence[Check]) -> str:
    """What a pattern of failures usually comes from."""
    failed = {check.tier for check in checks if not check.passed}
    second_only = all(
        check.tensor.endswith("second step") for check in checks if check.tier == "T3" and not check.passed
    )
    if "T0" in failed:
        return "the two sides started from different data or weights; nothing after it means anything"
    if "T1b" in failed:
        return "the forward pass differs: a matmul's precision, a layer's wiring, or a tensor's layout"
    if "T2b" in failed:
        return "same logits, but the layers send gradients back differently: a ReLU's derivative, a backward matmul"
    if "T2" in failed:
        return (
            "the layers agree both ways; the loss's derivative by the logits does not: labels, mean, or images left out"
        )
    if "T1" in failed:
        return "same logits and gradients, another loss or count: a different formula, or measured at another moment"
    if "T3" in failed and second_only:
        return "the first update is right and the second is not: the optimizer remembers something, as momentum does"
    if "T3" in failed:
        return "same gradient, another update: the rate, the sign, a decay, or a tensor left out"
    if "T4" in failed:
        return "every single step agrees and the run does not: something between steps, or measured at another moment"
    return "the ends of many runs differ: something that only shows over hundreds of steps"


def write_tensors(path: Path, step: int | None, reference: Trace, port: Trace) -> None:
    """Both sides' tensors of a step as one npz; what a recording knows only in part is NaN elsewhere.

    Raises `OutputError`.
    """
    arrays = {}
    for side, trace in (("reference", reference), ("port", port)):
        arrays[f"{side}/losses"] = trace.free.losses
        if step in trace.steps:
            one = trace.steps[step]
            arrays[f"{side}/logits"] = one.logits.array
            for kind, tensors in (("grads", one.update.grads), ("new", one.update.new), ("backward", one.backward)):
                arrays.update((f"{side}/{kind}/{name}", tensor.array) for name, tensor in tensors.items())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
