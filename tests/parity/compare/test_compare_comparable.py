"""What must never pass for agreement is refused before any number is compared, by name."""

import numpy as np
import pytest
from textbook import DEPTHS, pair, with_got

from parity.compare.comparable import require_comparable
from parity.compare.probe import PROBE
from parity.compare.tensor import Whole, sample, sketch
from parity.errors import CannotCompare


def without(trace, *keys):
    """The trace whose step 0 lacks what it got of these."""
    got = {key: tensor for key, tensor in trace.steps[0].got.items() if key not in keys}
    return trace._replace(steps={**trace.steps, 0: trace.steps[0]._replace(got=got)})


def with_series(trace, **changes):
    return trace._replace(series={**trace.series, **changes})


@pytest.mark.parametrize("units", DEPTHS)
def test_two_sides_of_any_depth_are_comparable(rng, units):
    require_comparable(*pair(rng, units)[:2])


@pytest.mark.parametrize("role", ["grads", "backward", "weights"])
@pytest.mark.parametrize("side", [0, 1])
def test_a_nan_on_one_side_is_refused(small, side, role, rng):
    traces = list(small[:2])
    bad = traces[side].steps[0].got[f"{role}/weights_1"].array.copy()
    bad[tuple(rng.integers(bad.shape))] = np.nan
    traces[side] = with_got(traces[side], **{f"{role}__weights_1": bad})
    with pytest.raises(CannotCompare, match=r"1 of the 1296 values of .*weights_1 of step 0 are not finite"):
        require_comparable(*traces)


def test_a_nan_in_a_rows_or_sums_of_a_sketch_is_refused(small):
    reference, subject, _ = small
    bad = reference.steps[0].got["grads/weights_1"].array.copy()
    bad[7, 7] = np.nan  # in a row that is not kept, so that only the sums show it
    kept = sketch(bad, np.array([0, 1]))
    one = reference.steps[0]
    steps = {**reference.steps, 0: one._replace(got={**one.got, "grads/weights_1": kept})}
    with pytest.raises(CannotCompare, match="gradient of weights_1 of step 0 are not finite"):
        require_comparable(reference._replace(steps=steps), subject)


@pytest.mark.parametrize("name", ["losses", "loss"])
def test_an_infinite_loss_is_refused(small, name):
    reference, subject, _ = small
    losses = np.full(3, np.inf, np.float32)
    one = with_got(subject, loss__loss=np.array(losses[0]))
    subject = with_series(subject, losses=losses) if name == "losses" else one
    with pytest.raises(CannotCompare, match=r"loss.* are not finite"):
        require_comparable(reference, subject)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("losses", "steps of the free run"),
        ("corrects", "training counts of the free run"),
        ("test_steps", "steps with a test accuracy"),
        ("test_corrects", "test counts of the free run"),
    ],
)
def test_a_run_cut_short_is_refused(small, side, name, said):
    traces = list(small[:2])
    traces[side] = with_series(traces[side], **{name: traces[side].series[name][:-1]})
    with pytest.raises(CannotCompare, match=f"the {said} differ"):
        require_comparable(*traces)


def test_a_missing_step_is_refused(small):
    reference, subject, _ = small
    with pytest.raises(CannotCompare, match="steps from given weights differ"):
        require_comparable(reference, subject._replace(steps={1: subject.steps[0], PROBE: subject.steps[PROBE]}))


def test_an_empty_trace_is_refused(small):
    reference, subject, _ = small
    none = np.zeros(0)
    with pytest.raises(CannotCompare, match="empty"):
        require_comparable(*(with_series(trace, losses=none, corrects=none) for trace in (reference, subject)))
    with pytest.raises(CannotCompare, match="empty"):
        require_comparable(reference._replace(steps={}), subject._replace(steps={}))


def test_swapped_sides_are_refused(small):
    reference, subject, _ = small
    with pytest.raises(CannotCompare, match="sides are swapped: a subject was given for the reference"):
        require_comparable(subject, reference)


def test_other_images_and_other_digests_are_refused(small):
    reference, subject, _ = small
    with pytest.raises(CannotCompare, match="the images differ: the reference has 60, the subject has 59"):
        require_comparable(reference, subject._replace(header={**subject.header, "images": 59}))
    with pytest.raises(CannotCompare, match="what was digested differ"):
        require_comparable(reference, subject._replace(header={**subject.header, "digests": {}}))


def test_another_dtype_is_refused(small):
    reference, subject, _ = small
    wide = subject.steps[0].got["grads/weights_2"].array.astype(np.float64)
    with pytest.raises(CannotCompare, match="dtypes of gradient of weights_2"):
        require_comparable(reference, with_got(subject, grads__weights_2=wide))
    with pytest.raises(CannotCompare, match="dtypes of loss of step 0"):
        require_comparable(reference, with_got(subject, loss__loss=np.float64(1)))


def test_another_shape_is_refused(small):
    reference, subject, _ = small
    turned = subject.steps[0].got["grads/weights_2"].array.T
    with pytest.raises(CannotCompare, match="shapes of gradient of weights_2"):
        require_comparable(reference, with_got(subject, grads__weights_2=turned))


def test_another_name_is_refused(small):
    reference, subject, _ = small
    one = subject.steps[0]
    got = {key.replace("grads/weights_1", "grads/kernel_1"): tensor for key, tensor in one.got.items()}
    with pytest.raises(CannotCompare, match="kernel_1"):
        require_comparable(reference, subject._replace(steps={**subject.steps, 0: one._replace(got=got)}))


def test_a_tensor_that_both_sides_lack_is_refused(small):
    reference, subject, _ = small
    for key in reference.steps[0].got:
        with pytest.raises(CannotCompare, match=r"the reference lacks .* of step 0"):
            require_comparable(without(reference, key), without(subject, key))
    bare = [trace._replace(steps={0: trace.steps[0]._replace(start={}, got={})}) for trace in (reference, subject)]
    with pytest.raises(CannotCompare, match="no weights to start step 0 from"):
        require_comparable(*bare)


def test_a_sketch_stands_in_for_the_whole(small):
    reference, subject, _ = small
    for key, tensor in reference.steps[0].got.items():
        if np.ndim(tensor.array) == 2:
            one = reference.steps[0]
            kept = sketch(tensor.array, sample(3, len(tensor.array)))
            got = {**one.got, key: kept}
            require_comparable(reference._replace(steps={**reference.steps, 0: one._replace(got=got)}), subject)
            assert isinstance(one.got[key], Whole)
