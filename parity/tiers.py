"""T0 … T4: what must agree between the reference's trace and the port's, how closely, and why.

Every number here is derived in docs/parity.md. A `Check` is one comparison of one tensor at one step; before any number
come names, shapes, dtypes and finiteness (`admissible.py`). T5 needs many seeds: `equivalence.py`.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxmlp.data.dataset import Split
from parity.budget import Budget, relative_difference
from parity.exact import Exact, kink_distance, near_ties
from parity.sketch import Tensor
from parity.trace import TENSORS, StepTrace, Trace, Update

LOSS = 2e-6  # T1: 17 units in the last place at 7e4; a float32 sum over the images uses up to 5 of them
DELTA = 6e-6  # T1b: three times sqrt(1024) 2^-24, a random walk over the hidden units, of the largest logit
DELTA_RMS = 1e-6  # T1b: the same of all logits together, where no extreme is looked for
KINK = 3  # T1b: how many times its reach from the kink a unit may be and come out either sign
GRADIENT = 1e-5  # T2, T2b: of the gradient's own norm, before what ties, kinks and long sums add
TINY = 2.0**-126  # the smallest normal float32: keeps a quotient by nothing finite
LONG = 4  # how many times the kinks' and the long sums' own estimate is allowed: a sum meets its estimate

Tensors = dict[str, Tensor]


class Check(NamedTuple):
    """One comparison."""

    tier: str
    tensor: str
    step: int | None  # None: the whole run
    measured: float
    limit: float
    unit: str  # what measured and limit are counted in

    @property
    def passed(self) -> bool:
        return self.measured <= self.limit  # False for a NaN

    @property
    def ratio(self) -> float:
        """How many times its limit the measured value is; infinite where nothing is allowed and something was found."""
        if self.limit > 0:
            return self.measured / self.limit
        return 0.0 if self.measured == 0 else math.inf


class Ground(NamedTuple):
    """What both sides stand on, and what the limits are derived from."""

    train: Split
    rate: float  # the learning rate
    exacts: dict[int, Exact]  # by step, from the weights both sides start that step from


def compare(reference: Trace, port: Trace, ground: Ground, budget: Budget | None = None) -> list[Check]:
    """All checks of one port: T0, then step by step T1, T1b, T2, T2b, T3, then T4 where there is a budget."""
    checks = list(same_inputs(reference, port))
    for step, expected in reference.steps.items():
        checks += step_checks(step, expected, port.steps[step], ground)
    return checks + (list(free_checks(reference, port, budget)) if budget else [])


def own_rule(reference: Trace, ground: Ground) -> list[Check]:
    """T3 of the reference by itself: whether the rule the port is held to is the one TensorFlow follows."""
    return [
        Check("T3", name, step, ulps(one.update, name, ground.rate), 1, "ulp")
        for step, one in reference.steps.items()
        for name in TENSORS
    ]


def same_inputs(reference: Trace, port: Trace) -> Iterator[Check]:
    """T0: pixels, labels and initial weights are the same bits."""
    for name, digest in reference.digests.items():
        yield Check("T0", name, None, float(port.digests[name] != digest), 0, "SHA-256 differs")


def step_checks(step: int, expected: StepTrace, got: StepTrace, ground: Ground) -> Iterator[Check]:
    """T1 to T3 of one step from the same weights."""
    exact = ground.exacts[step]
    delta = DELTA * float(np.abs(exact.logits).max())
    yield from _loss(step, expected, got, near_ties(exact.logits, ground.train.labels, delta))
    yield from _logits(step, expected, got, exact)
    yield _active(step, expected, got, ground.train)
    for name in TENSORS:
        norm = expected.update.grads[name].norm()
        float32 = GRADIENT * norm + LONG * (exact.kinks[name] + exact.summation[name])
        yield _gradient(
            "T2", name, step, expected.update.grads, got.update.grads, float32 + 2 * delta * exact.ties[name]
        )
        yield _gradient("T2b", name, step, expected.backward, got.backward, float32)
    for name in TENSORS:
        yield Check("T3", name, step, ulps(got.update, name, ground.rate), 1, "ulp")
        if got.second:
            yield Check("T3", f"{name}, second step", step, ulps(got.second, name, ground.rate), 1, "ulp")


def _loss(step: int, expected: StepTrace, got: StepTrace, ties: int) -> Iterator[Check]:
    relative = abs(float(got.loss) - float(expected.loss)) / max(abs(float(expected.loss)), TINY)
    yield Check("T1", "loss", step, relative, LOSS, "relative")
    # A count is whole: one image more than there are near ties is over the limit, as many as there are is not.
    yield Check("T1", "correct", step, abs(got.correct - expected.correct), ties + 0.5, "images")


def _logits(step: int, expected: StepTrace, got: StepTrace, exact: Exact) -> Iterator[Check]:
    rows, values = expected.logits.exact_rows()
    largest = float(np.abs(exact.logits).max())
    apart = np.abs(got.logits.array[rows].astype(np.float64) - values).max()
    yield Check("T1b", "logits", step, float(apart) / largest, DELTA, "of the largest")
    together = expected.logits.difference_norm(got.logits.array) / math.sqrt(got.logits.array.size)
    yield Check("T1b", "logits, rms", step, together / largest, DELTA_RMS, "of the largest")


def _active(step: int, expected: StepTrace, got: StepTrace, train: Split) -> Check:
    """Units one side has on and the other off: their input must be within rounding of the kink."""
    rows, packed = expected.active.exact_rows()
    units = len(expected.update.weights["biases_1"])
    differs = np.unpackbits(np.bitwise_xor(got.active.array[rows], packed), axis=1, count=units).astype(bool)
    known = Split(train.images[rows], train.labels[rows])
    distance = kink_distance(expected.update.weights, known, differs)
    return Check("T1b", "active units", step, distance, KINK, "of a rounding's reach")


def _gradient(tier: str, name: str, step: int, expected: Tensors, got: Tensors, limit: float) -> Check:
    norm = max(expected[name].norm(), TINY)
    return Check(tier, name, step, expected[name].difference_norm(got[name].array) / norm, limit / norm, "of the norm")


def ulps(update: Update, name: str, rate: float) -> float:
    """T3: how far the new weights are from fl(θ - ηG), at worst, in units in the last place.

    The unit is that of the largest of |θ|, |ηG| and |θ - ηG|: whether or not a compiler fuses product and difference,
    each is rounded once or not at all, and the result lies within one such unit.
    """
    theta, grad, new = update.weights[name], update.grads[name], update.new[name]
    rows, new_values = new.exact_rows()
    old = theta[rows].astype(np.float64)
    moved = float(np.float32(rate)) * grad.array[rows].astype(np.float64)
    right = (old - moved).astype(np.float32).astype(np.float64)
    unit = np.spacing(np.max([np.abs(old), np.abs(moved), np.abs(right)], axis=0).astype(np.float32)).astype(np.float64)
    return float((np.abs(new_values.astype(np.float64) - right) / unit).max())


def free_checks(reference: Trace, port: Trace, budget: Budget) -> Iterator[Check]:
    """T4: the free runs, up to the horizon the benign ensemble allows; the step nearest its limit speaks for all."""
    end = min(budget.horizon + 1, len(reference.free.losses))
    if end == 0:
        return
    loss = relative_difference(reference.free.losses, port.free.losses)
    yield _nearest("loss", loss[:end], budget.loss_limits, "relative")
    corrects = np.abs(reference.free.corrects - port.free.corrects)
    yield _nearest("training accuracy", corrects[:end], budget.correct_limits, "images")
    for step, correct in reference.free.test_corrects.items():
        if step < end:
            apart = abs(correct - port.free.test_corrects[step])
            yield Check("T4", "test accuracy", step, apart, budget.test_limits[step], "images")


def _nearest(name: str, apart: np.ndarray, limits: np.ndarray, unit: str) -> Check:
    worst = int(np.argmax(np.nan_to_num(apart / limits[: len(apart)], nan=np.inf)))
    return Check("T4", name, worst, float(apart[worst]), float(limits[worst]), unit)
