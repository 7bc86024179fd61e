"""Where two traces part first is named by the earliest step and the lowest tier; both sides' tensors can be kept."""

import io

import numpy as np
import pytest

from parity.compare.diagnosis import first_divergence, meaning, tensors_bytes
from parity.compare.probe import PROBE
from parity.compare.tiers import Check


def check(tier, step=0, tensor="weights_1", measured=2.0):
    return Check(tier, tensor, step, measured, 1, "")


@pytest.mark.parametrize(
    ("checks", "first"),
    [
        ([check("T4", 0), check("T2", PROBE), check("T3", 2), check("T2", 2)], ("T2", 2)),
        ([check("T1", 0), check("T0", None)], ("T0", None)),
        ([check("T4", 0), check("T2b", PROBE)], ("T2b", PROBE)),
        ([check("T1b", 0, measured=0.5), check("T3", 5)], ("T3", 5)),
    ],
)
def test_the_first_divergence_is_the_earliest_and_most_basic(checks, first):
    found = first_divergence(checks)
    assert found is not None
    assert (found.tier, found.step) == first


def test_no_failure_is_no_divergence():
    assert first_divergence([check("T1", measured=1.0)]) is None


def test_a_pattern_of_failures_is_put_into_words():
    assert "remembers something" in meaning([check("T3", tensor="weights_1, second step")])
    assert "another update" in meaning([check("T3"), check("T3", tensor="weights_1, second step")])
    assert "forward pass" in meaning([check("T1b"), check("T2"), check("T1")])
    assert "different data or weights" in meaning([check("T0"), check("T1b")])
    assert len({meaning([check(tier)]) for tier in ("T0", "T1", "T1b", "T2", "T2b", "T3", "T4", "T5")}) == 8


def test_both_sides_tensors_of_a_step_are_kept(small):
    reference, subject, _ = small
    with np.load(io.BytesIO(tensors_bytes(0, reference, subject)), allow_pickle=False) as npz:
        for side, trace in (("reference", reference), ("subject", subject)):
            grad = npz[f"{side}/grads/weights_1"]
            np.testing.assert_array_equal(grad, trace.steps[0].got["grads/weights_1"].array)
            np.testing.assert_array_equal(npz[f"{side}/losses"], trace.series["losses"])
    with np.load(io.BytesIO(tensors_bytes(None, reference, subject)), allow_pickle=False) as npz:
        assert npz.files == ["reference/losses", "subject/losses"]
