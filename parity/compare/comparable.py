"""Whether two traces can be compared at all, asked before any number is: sides, names, shapes, dtypes, steps, NaNs.

A comparison that skips this passes on an empty trace, on a run cut short, and on a NaN that `>` lets through.
"""

from collections.abc import Mapping

import numpy as np

from parity.compare.tensor import Tensor
from parity.compare.trace import StepTrace, Trace, of_role, step_name
from parity.errors import CannotCompare

WORDS = {"grads": "gradient of", "weights": "updated", "backward": "backward gradient of", "units": "active units"}


def require_comparable(reference: Trace, subject: Trace) -> None:
    """Raises `CannotCompare` naming the first thing that keeps the two apart."""
    theirs, ours = reference.header, subject.header
    swapped = f"the sides are swapped: {theirs['who']} was given for the reference, {ours['who']} for the subject"
    _require((theirs["side"], ours["side"]) == ("reference", "subject"), swapped)
    _require(len(reference.series["losses"]) > 0, "the reference's trace is empty: no step of its free run is in it")
    _require(len(reference.steps) > 0, "the reference's trace is empty: no step from given weights is in it")
    _same("images", theirs["images"], ours["images"])
    _same("what was digested", sorted(theirs["digests"]), sorted(ours["digests"]))
    _same_series(reference.series, subject.series)
    _same("steps from given weights", list(reference.steps), list(subject.steps))
    for trace in (reference, subject):
        _finite(trace.series["losses"], trace, "the free run's losses")
        for step, one in trace.steps.items():
            _step_finite(trace, step, one)
    for step in reference.steps:
        _require_complete(step, reference.steps[step])
        require_same_tensors(step, reference.steps[step].got, subject.steps[step].got)


def told(key: str) -> str:
    """How a tensor is called in a sentence, by its "role/name"."""
    role, _, name = key.partition("/")
    return role if role == name else f"{WORDS.get(role, role)} {name}"


def _same_series(theirs: Mapping[str, np.ndarray], ours: Mapping[str, np.ndarray]) -> None:
    _same("steps of the free run", len(theirs["losses"]), len(ours["losses"]))
    _same("training counts of the free run", len(theirs["corrects"]), len(ours["corrects"]))
    _same("steps with a test accuracy", theirs["test_steps"].tolist(), ours["test_steps"].tolist())
    _same("test counts of the free run", len(theirs["test_corrects"]), len(ours["test_corrects"]))


def _step_finite(trace: Trace, step: int, one: StepTrace) -> None:
    for key, tensor in one.got.items():
        what = f"{told(key)} of {step_name(step)}"
        _finite(tensor.values, trace, what)
        _finite(np.asarray(tensor.norm()), trace, what)


def _require_complete(step: int, one: StepTrace) -> None:
    """Two sides that both leave a tensor out agree about nothing."""
    names = list(of_role(one.start, "weights"))
    _require(len(names) > 0, f"the reference has no weights to start {step_name(step)} from")
    layers = sum(name.startswith("weights_") for name in names)
    needed = ["loss/loss", "correct/correct", "logits/logits", *(f"units/{i}" for i in range(1, layers))]
    needed += [f"{role}/{name}" for role in ("grads", "backward", "weights") for name in names]
    missing = [told(key) for key in needed if key not in one.got]
    _require(not missing, f"the reference lacks {', '.join(missing)} of {step_name(step)}")


def require_same_tensors(step: int, theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> None:
    """Raises `CannotCompare` where two steps have not the same names, shapes and dtypes."""
    where = step_name(step)
    _same(f"tensors of {where}", sorted(theirs), sorted(ours))
    for key, tensor in theirs.items():
        _same(f"shapes of {told(key)} of {where}", tuple(tensor.shape), tuple(ours[key].shape))
        _same(f"dtypes of {told(key)} of {where}", tensor.values.dtype, ours[key].values.dtype)


def _finite(array: np.ndarray, trace: Trace, what: str) -> None:
    wrong = int(np.size(array) - np.isfinite(array).sum())
    _require(not wrong, f"{trace.header['who']}: {wrong} of the {np.size(array)} values of {what} are not finite")


def _same(what: str, expected: object, got: object) -> None:
    _require(expected == got, f"the {what} differ: the reference has {expected}, the subject has {got}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise CannotCompare(message)
