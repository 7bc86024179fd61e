"""T0 … T4: what must agree between the reference's trace and the subject's, how closely, and why.

A `Check` is one comparison of one tensor at one step; before any number come names, shapes, dtypes and finiteness
(`comparable.py`). T5 needs many seeds: `noise/equivalence.py`. The tiers know roles; the names they find in the trace.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from parity.compare.limits import (
    DELTA,
    DELTA_RMS,
    GRADIENT,
    KINK,
    LONG,
    LOSS,
    TINY,
    Budget,
    Noise,
    StepNoise,
    relative_difference,
)
from parity.compare.rules import Rule, followed
from parity.compare.tensor import Tensor
from parity.compare.trace import StepTrace, Trace, step_name, tests

WORDS = {  # beside a tier's code
    "T0": "inputs",
    "T1": "loss",
    "T1b": "forward",
    "T2": "gradient",
    "T2b": "backward",
    "T3": "update",
    "T4": "trajectory",
    "T5": "distribution",
}


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

    @property
    def when(self) -> str:
        """The step as a label."""
        return "–" if self.step is None else step_name(self.step).removeprefix("the ")

    @property
    def place(self) -> str:
        """Tier, tensor and step in one line."""
        return f"{self.tier} {self.tensor}, {self.when}"


def compare(
    reference: Trace, subject: Trace, noises: Mapping[int, Noise], rule: Rule, budget: Budget | None = None
) -> list[Check]:
    """All checks of one subject: T0, then step by step T1, T1b, T2, T2b, T3, then T4 where there is a budget."""
    checks = list(same_inputs(reference, subject))
    for step, expected in reference.steps.items():
        checks += step_checks(step, expected, subject.steps[step], noises[step], rule)
    return checks + (list(free_checks(reference.series, subject.series, budget)) if budget else [])


def own_rule(reference: Trace, rule: Rule) -> list[Check]:
    """T3 of the reference by itself: whether the rule the subject is held to is the one TensorFlow follows."""
    return [check for step, one in reference.steps.items() for check in update_checks(step, one, rule)]


def same_inputs(reference: Trace, subject: Trace) -> Iterator[Check]:
    """T0: pixels, labels and initial weights are the same bits."""
    for name, digest in reference.header["digests"].items():
        yield Check("T0", name, None, float(subject.header["digests"][name] != digest), 0, "SHA-256 differs")


def step_checks(step: int, expected: StepTrace, got: StepTrace, noise: Noise, rule: Rule) -> Iterator[Check]:
    """T1 to T3 of one step from the same weights."""
    delta = DELTA * noise.largest_logit
    yield from _loss(step, expected, got, noise.near_ties(delta))
    yield from _logits(step, expected, got, noise.largest_logit)
    yield from unit_checks(step, expected, got, noise)
    for name in expected.of_role("grads"):
        grad, ours = expected.of_role("grads")[name], got.of_role("grads")[name]
        float32 = GRADIENT * grad.norm() + LONG * (noise.kinks[name] + noise.summation[name])
        yield _gradient("T2", name, step, grad, ours, float32 + 2 * delta * noise.ties[name])
        yield _gradient("T2b", name, step, expected.of_role("backward")[name], got.of_role("backward")[name], float32)
    yield from update_checks(step, got, rule)
    if got.following:
        yield from update_checks(step, got.following, rule, ", second step")


def update_checks(step: int, one: StepTrace, rule: Rule, suffix: str = "") -> Iterator[Check]:
    """T3: how far what a step leaves behind is from the optimizer's own rule, at worst, as a share of its bound.

    New weights, slots ("m of weights_1"), Adam's powers, and clipped gradients ("clipped weights_1").
    """
    for tensor, got, right in followed(step, one, rule):
        yield Check("T3", tensor + suffix, step, right.ratio(got), 1, "of the bound")


def _loss(step: int, expected: StepTrace, got: StepTrace, ties: int) -> Iterator[Check]:
    theirs, ours = float(expected.number("loss")), float(got.number("loss"))
    yield Check("T1", "loss", step, abs(ours - theirs) / max(abs(theirs), TINY), LOSS, "relative")
    # A count is whole: one image more than there are near ties is over the limit, as many as there are is not.
    apart = abs(int(got.number("correct")) - int(expected.number("correct")))
    yield Check("T1", "correct", step, apart, ties + 0.5, "images")


def _logits(step: int, expected: StepTrace, got: StepTrace, largest: float) -> Iterator[Check]:
    theirs, ours = expected.got["logits/logits"], got.got["logits/logits"].array
    rows, values = theirs.exact_rows()
    apart = np.abs(ours[rows].astype(np.float64) - values).max()
    yield Check("T1b", "logits", step, float(apart) / largest, DELTA, "of the largest")
    together = theirs.difference_norm(ours) / math.sqrt(ours.size)
    yield Check("T1b", "logits, rms", step, together / largest, DELTA_RMS, "of the largest")


def unit_checks(step: int, expected: StepTrace, got: StepTrace, noise: Noise | StepNoise) -> Iterator[Check]:
    """T1b: units one side has on and the other off: their input must be within rounding of the kink."""
    for layer, packed in expected.of_role("units").items():
        rows, bits = packed.exact_rows()
        units = expected.start[f"weights/weights_{layer}"].array.shape[1]
        differs = np.unpackbits(np.bitwise_xor(got.got[f"units/{layer}"].array[rows], bits), axis=1, count=units)
        distance = noise.kink_distance(int(layer), rows, differs.astype(bool))
        yield Check("T1b", f"active units {layer}", step, distance, KINK, "scales of rounding")


def _gradient(tier: str, name: str, step: int, expected: Tensor, got: Tensor, limit: float) -> Check:
    norm = max(expected.norm(), TINY)
    return Check(tier, name, step, expected.difference_norm(got.array) / norm, limit / norm, "of the norm")


def free_checks(theirs: Mapping[str, np.ndarray], ours: Mapping[str, np.ndarray], budget: Budget) -> Iterator[Check]:
    """T4: the free runs, up to the horizon the benign ensemble allows; the step nearest its limit speaks for all."""
    end = min(budget.horizon + 1, len(theirs["losses"]))
    if end == 0:
        return
    loss = relative_difference(theirs["losses"], ours["losses"])
    yield _nearest("loss", loss[:end], budget.loss_limits, "relative")
    corrects = np.abs(theirs["corrects"] - ours["corrects"])
    yield _nearest("training accuracy", corrects[:end], budget.correct_limits, "images")
    for step in [step for step in tests(theirs) if step < end]:
        apart = abs(tests(theirs)[step] - tests(ours)[step])
        yield Check("T4", "test accuracy", step, apart, budget.test_limits[step], "images")


def _nearest(name: str, apart: np.ndarray, limits: np.ndarray, unit: str) -> Check:
    worst = int(np.argmax(np.nan_to_num(apart / limits[: len(apart)], nan=np.inf)))
    return Check("T4", name, worst, float(apart[worst]), float(limits[worst]), unit)
