"""T0 to T3 for any program: a reference's trace of consecutive steps, and a subject that takes each from its starts.

What a step starts with and does not depend on roundings must be the same bits on both sides: before step 0 weights,
slots and scalars, at every step rate, rows and masks. The rest is allowed a tier's constant and what `StepNoise` says.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from parity.compare.comparable import require_same_tensors
from parity.compare.limits import DELTA, DELTA_RMS, GRADIENT, LOSS, TINY, StepNoise
from parity.compare.rules import Rule
from parity.compare.tensor import Tensor
from parity.compare.tiers import Check, unit_checks, update_checks
from parity.compare.trace import StepTrace, Trace
from parity.errors import CannotCompare

UNDETERMINED = 0.1  # a limit above it: the step says nothing, for rounding may move what is compared by as much
ALWAYS = ("rate", "step", "batch", "masks")  # roles of a start that are no result of the steps before


def compare_steps(reference: Trace, subject: Trace, noises: Mapping[int, StepNoise], rule: Rule) -> list[Check]:
    """All checks, to the first step at which the reference is not finite; there both sides must not be.

    Raises CannotCompare where the two have not the same tensors.
    """
    checks = list(same_data(reference, subject))
    for step, expected in reference.steps.items():
        got = subject.steps[step]
        require_same_tensors(step, expected.got, got.got)
        checks += same_start(step, expected, got)
        if not is_finite(expected):
            return [*checks, _not_finite(step, expected, got)]
        checks += step_checks(step, expected, got, noises[step])
        checks += update_checks(step, StepTrace(expected.start, got.got), rule)
    return checks


def own_rule_of_steps(reference: Trace, rule: Rule) -> list[Check]:
    """T3 of the reference by itself, as far as it is finite."""
    checks: list[Check] = []
    for step, one in reference.steps.items():
        if not is_finite(one):
            break
        checks += update_checks(step, one, rule)
    return checks


def is_finite(one: StepTrace) -> bool:
    """Whether everything that a step got is."""
    return all(np.isfinite(tensor.values).all() for tensor in one.got.values())


def undetermined(check: Check) -> bool:
    """Whether the check says nothing, though the two sides differ."""
    return (
        check.unit in ("relative", "of the norm", "of the largest")
        and check.limit > UNDETERMINED
        and check.measured > 0
    )


def same_data(reference: Trace, subject: Trace) -> Iterator[Check]:
    """T0: pixels and labels."""
    for name, digest in reference.header["digests"].items():
        if not name.startswith("initial "):  # those are of step 0's start
            yield Check("T0", name, None, float(subject.header["digests"][name] != digest), 0, "SHA-256 differs")


def same_start(step: int, expected: StepTrace, got: StepTrace) -> Iterator[Check]:
    """T0: how many values of each tensor are other bits, whole numbers or masks. Raises CannotCompare."""
    needed = {key for key in expected.start if step == 0 or key.partition("/")[0] in ALWAYS}
    if needed != set(got.start):
        apart = ", ".join(sorted(needed ^ set(got.start)))
        raise CannotCompare(f"what step {step} starts with differs: only one side has {apart}")
    for key in needed:
        theirs, ours = expected.start[key].array, got.start[key].array
        if (theirs.dtype, theirs.shape) != (ours.dtype, ours.shape):
            sides = f"the reference has {theirs.dtype} {theirs.shape}, the subject {ours.dtype} {ours.shape}"
            raise CannotCompare(f"{start_name(key)} of step {step} differ in kind: {sides}")
        differ = np.count_nonzero(_bytes(theirs) != _bytes(ours))
        yield Check("T0", start_name(key), step, float(differ), 0, "bytes differ")


def _bytes(array: np.ndarray) -> np.ndarray:
    return np.frombuffer(array.tobytes(), np.uint8)


def start_name(key: str) -> str:
    """What a person calls a tensor of a start: "rate", "mask 1", "initial weights_1", "initial m of weights_1"."""
    role, _, name = key.partition("/")
    if role == "slots":
        slot, _, tensor = name.partition("/")
        return f"initial {slot} of {tensor}"
    own = {"rate": "rate", "step": "step", "batch": "rows", "masks": f"mask {name}"}
    return own.get(role, f"initial {name}")


def step_checks(step: int, expected: StepTrace, got: StepTrace, noise: StepNoise) -> Iterator[Check]:
    """T1 to T2b of one step from the same start."""
    yield from _loss(step, expected, got, noise)
    yield from _logits(step, expected, got, noise)
    yield from unit_checks(step, expected, got, noise)
    for key, tensor in expected.got.items():
        role, _, name = key.partition("/")
        if role in ("logits_grad", "grads", "backward"):
            tier = "T2b" if role == "backward" else "T2"
            called = "logits' gradient" if role == "logits_grad" else name
            yield _norm(tier, called, step, tensor, got.got[key].array, GRADIENT, noise.norms[key])


def _loss(step: int, expected: StepTrace, got: StepTrace, noise: StepNoise) -> Iterator[Check]:
    theirs, ours = float(expected.number("loss")), float(got.number("loss"))
    size = max(abs(theirs), TINY)
    yield Check("T1", "loss", step, _number(abs(ours - theirs) / size), LOSS + noise.loss / size, "relative")
    ties = {"correct": noise.near_ties, "test": noise.test_ties}
    for role, near in ties.items():
        key = f"{role}/correct"
        if key in expected.got:
            apart = abs(int(got.got[key].array) - int(expected.got[key].array))
            yield Check(
                "T1",
                "correct" if role == "correct" else "test correct",
                step,
                apart,
                near(_delta(noise)) + 0.5,
                "images",
            )


def _delta(noise: StepNoise) -> float:
    return DELTA * noise.largest_logit


def _logits(step: int, expected: StepTrace, got: StepTrace, noise: StepNoise) -> Iterator[Check]:
    theirs, ours = expected.got["logits/logits"], got.got["logits/logits"].array
    rows, values = theirs.exact_rows()
    size = max(noise.largest_logit, TINY)
    apart = float(np.abs(ours[rows].astype(np.float64) - values).max(initial=0))
    yield Check("T1b", "logits", step, _number(apart / size), DELTA + noise.logits / size, "of the largest")
    scale = size * math.sqrt(ours.size)
    limit = DELTA_RMS + noise.norms["logits/logits"] / scale
    yield Check("T1b", "logits, rms", step, _number(theirs.difference_norm(ours) / scale), limit, "of the largest")


def _norm(tier: str, name: str, step: int, expected: Tensor, got: np.ndarray, constant: float, noise: float) -> Check:
    norm = max(expected.norm(), TINY)
    measured = _number(expected.difference_norm(got) / norm)
    return Check(tier, name, step, measured, constant * (norm > TINY) + noise / norm, "of the norm")


def _not_finite(step: int, expected: StepTrace, got: StepTrace) -> Check:
    """How many tensors are finite on one side only."""
    theirs, ours = ([bool(np.isfinite(one.got[key].values).all()) for key in expected.got] for one in (expected, got))
    return Check("T1", "finite", step, float(np.not_equal(theirs, ours).sum()), 0, "tensors")


def _number(measured: float) -> float:
    """Infinite for a NaN, which compares with nothing."""
    return measured if measured == measured else math.inf
