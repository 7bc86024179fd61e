"""Whether two traces can be compared at all, asked before any number is: sides, names, shapes, dtypes, steps, NaNs.

A comparison that skips this passes on an empty trace, on a run cut short, and on a NaN that `>` lets through.
"""

import numpy as np

from parity.errors import CannotCompare
from parity.sketch import Tensor
from parity.trace import TENSORS, StepTrace, Trace, Update, step_name


def require_comparable(reference: Trace, port: Trace) -> None:
    """Raises `CannotCompare` naming the first thing that keeps the two apart."""
    if (reference.side, port.side) != ("reference", "port"):
        raise CannotCompare(
            f"the sides are swapped: {reference.who} was given for the reference, {port.who} for the port"
        )
    _require(len(reference.free.losses) > 0, "the reference's trace is empty: no step of its free run is in it")
    _require(len(reference.steps) > 0, "the reference's trace is empty: no step from given weights is in it")
    _same("images", reference.images, port.images)
    _same("what was digested", sorted(reference.digests), sorted(port.digests))
    _same("steps of the free run", len(reference.free.losses), len(port.free.losses))
    _same("training counts of the free run", len(reference.free.corrects), len(port.free.corrects))
    _same("steps with a test accuracy", sorted(reference.free.test_corrects), sorted(port.free.test_corrects))
    _same("steps from given weights", list(reference.steps), list(port.steps))
    for trace in (reference, port):
        _finite(trace.free.losses, trace, "the free run's losses")
        for step, one in trace.steps.items():
            _step_finite(trace, step, one)
    for step in reference.steps:
        _same_tensors(step, reference.steps[step], port.steps[step])


def _step_finite(trace: Trace, step: int, one: StepTrace) -> None:
    where = f" of {step_name(step)}"
    _finite(np.asarray(one.loss), trace, "loss" + where)
    _finite(one.logits.exact_rows()[1], trace, "logits" + where)
    for name, tensor in _tensors(one).items():
        _finite(tensor.exact_rows()[1], trace, name + where)
        _finite(np.asarray(tensor.norm()), trace, name + where)


def _same_tensors(step: int, expected: StepTrace, got: StepTrace) -> None:
    _same(f"dtypes of the loss of {step_name(step)}", np.asarray(expected.loss).dtype, np.asarray(got.loss).dtype)
    theirs, ours = _tensors(expected), _tensors(got)
    _same(f"tensors of {step_name(step)}", sorted(theirs), sorted(ours))
    for name, tensor in theirs.items():
        _same(f"shapes of {name} of {step_name(step)}", _shape(tensor), _shape(ours[name]))
        _same(f"dtypes of {name} of {step_name(step)}", _dtype(tensor), _dtype(ours[name]))


def _tensors(one: StepTrace) -> dict[str, Tensor]:
    """Every tensor both sides must have, by a name that says which it is."""
    named = {"logits": one.logits, "active units": one.active}
    for kind, tensors in _kinds(one.update, one.backward).items():
        _same(f"tensors among the {kind}", sorted(tensors), sorted(TENSORS))
        named.update((f"{kind} {name}", tensor) for name, tensor in tensors.items())
    return named


def _kinds(update: Update, backward: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    return {"gradient of": update.grads, "updated": update.new, "backward gradient of": backward}


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def _dtype(tensor: Tensor) -> np.dtype:
    return tensor.exact_rows()[1].dtype


def _finite(array: np.ndarray, trace: Trace, what: str) -> None:
    wrong = int(np.size(array) - np.isfinite(array).sum())
    _require(not wrong, f"{trace.who}: {wrong} of the {np.size(array)} values of {what} are not finite")


def _same(what: str, expected: object, got: object) -> None:
    _require(expected == got, f"the {what} differ: the reference has {expected}, the port has {got}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise CannotCompare(message)
