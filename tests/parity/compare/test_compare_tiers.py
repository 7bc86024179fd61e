"""The comparator tests itself: honest rounding passes at any depth, and each kind of mistake fails at its own tier."""

import numpy as np
import pytest
from textbook import DEPTHS, checks, data, failed, pair, program, starts, trace, with_got

from parity.compare.comparable import require_comparable
from parity.compare.limits import Budget, relative_difference
from parity.compare.probe import PROBE
from parity.compare.rules import rule_of
from parity.compare.tensor import Whole, sample, sketch
from parity.compare.tiers import WORDS, Check, own_rule


def allowed(steps=3, horizon=2):
    """A budget as an ensemble gives it whose members all agree."""
    return Budget(horizon, np.full(steps, 2e-6), np.full(steps, 3.5), {0: 3.5, 2: 3.5}, np.zeros(steps), ("itself",))


def with_weights(one, **changes):
    """A step with other tensors after its update."""
    return one._replace(got={**one.got, **{f"weights/{name}": Whole(array) for name, array in changes.items()}})


def bits_flipped(subject, layer, image, unit):
    packed = subject.steps[0].got[f"units/{layer}"].array.copy()
    packed[image, unit // 8] ^= 128 >> unit % 8
    return with_got(subject, **{f"units__{layer}": packed})


@pytest.mark.parametrize("units", DEPTHS)
def test_a_trace_agrees_with_itself_and_with_one_that_rounds_otherwise(rng, units):
    reference, subject, noises = pair(rng, units)
    assert not failed(reference, reference, noises)
    assert not failed(reference, subject, noises)
    assert any(check.measured > 0 for check in checks(reference, subject, noises) if check.tier == "T2")


def test_every_tensor_of_every_layer_has_its_checks(rng):
    names = {check.tensor for check in checks(*pair(rng, (12, 9))) if check.step == PROBE}
    weights = {f"{kind}_{i}" for kind in ("weights", "biases") for i in (1, 2, 3)}
    units = {"active units 1", "active units 2"}
    told = {"loss", "correct", "logits", "logits, rms"} | units
    assert names == told | weights | {f"{name}, second step" for name in weights}


def test_a_nan_never_passes_a_check(small):
    reference, subject, noises = small
    nans = np.full(10, np.nan, np.float32)
    for key, check in (("grads", "T2"), ("backward", "T2b"), ("weights", "T3")):
        assert (check, "biases_2") in failed(reference, with_got(subject, **{f"{key}__biases_2": nans}), noises)
    bad = with_got(subject, loss__loss=np.array(np.nan, np.float32))
    assert ("T1", "loss") in failed(reference, bad, noises)
    assert not Check("T1", "loss", 0, float("nan"), 1.0, "").passed


def test_a_transposed_square_matrix_fails_though_shape_and_norm_agree(small):
    reference, subject, noises = small
    grad = subject.steps[0].got["grads/weights_1"].array
    assert grad.shape == (36, 36)
    transposed = with_got(subject, grads__weights_1=np.ascontiguousarray(grad.T))
    require_comparable(reference, transposed)
    assert ("T2", "weights_1") in failed(reference, transposed, noises)


@pytest.mark.parametrize("name", ["train pixels", "train labels", "test pixels", "test labels", "initial weights_2"])
def test_other_inputs_fail_t0(small, name):
    reference, subject, noises = small
    header = {**subject.header, "digests": {**subject.header["digests"], name: "0" * 64}}
    assert failed(reference, subject._replace(header=header), noises) == {("T0", name)}


def test_another_loss_and_another_count_fail_t1(small):
    reference, subject, noises = small
    got = subject.steps[0].got
    assert failed(reference, with_got(subject, loss__loss=got["loss/loss"].array * np.float32(1 + 4e-6)), noises) == {
        ("T1", "loss")
    }
    ties = noises[0].near_ties(6e-6 * noises[0].largest_logit)
    for more, fails in ((ties, set()), (ties + 1, {("T1", "correct")})):
        correct = np.asarray(reference.steps[0].got["correct/correct"].array + more)
        assert failed(reference, with_got(subject, correct__correct=correct), noises) == fails


def test_logits_fail_t1b_where_one_is_off_and_where_all_are_a_little(small):
    reference, subject, noises = small
    logits, largest = reference.steps[0].got["logits/logits"].array, noises[0].largest_logit
    one = logits.copy()
    one[5, 3] += np.float32(8e-6 * largest)
    assert failed(reference, with_got(subject, logits__logits=one), noises) == {("T1b", "logits")}
    everywhere = logits + np.float32(2e-6 * largest)
    assert failed(reference, with_got(subject, logits__logits=everywhere), noises) == {("T1b", "logits, rms")}


@pytest.mark.parametrize("layer", [1, 2])
def test_a_unit_may_differ_within_rounding_of_its_kink_only(rng, layer):
    reference, subject, noises = pair(rng, (12, 9))
    inputs = noises[0].inputs[layer - 1]
    image, unit = np.unravel_index(np.abs(inputs).argmax(), inputs.shape)
    off = bits_flipped(reference, layer, image, unit)
    assert failed(reference, off._replace(header=subject.header), noises) == {("T1b", f"active units {layer}")}
    noises[0].inputs[layer - 1][image, unit] = 0  # as if it had been at the kink
    assert not failed(reference, off._replace(header=subject.header), noises)


@pytest.mark.parametrize("name", ["weights_1", "biases_1", "weights_3", "biases_3"])
@pytest.mark.parametrize(("role", "tier"), [("grads", "T2"), ("backward", "T2b")])
def test_a_wrong_gradient_of_any_layer_fails_by_its_name(rng, role, tier, name):
    reference, subject, noises = pair(rng, (12, 9))
    wrong = subject.steps[PROBE].got[f"{role}/{name}"].array * np.float32(1 + 3e-5)
    # T3 goes by the subject's own gradient, which is another now.
    found = failed(reference, with_got(subject, PROBE, **{f"{role}__{name}": wrong}), noises)
    assert found - {("T3", name)} == {(tier, name)}


def test_limits_give_what_ties_kinks_and_long_sums_may_move(small):
    reference, subject, noises = small
    grad = subject.steps[0].got["grads/biases_2"].array
    norm = float(np.linalg.norm(grad))
    wrong = with_got(subject, grads__biases_2=grad * np.float32(1 + 1e-4))
    assert ("T2", "biases_2") in failed(reference, wrong, noises)
    for told, per_unit in (("kinks", 4), ("summation", 4), ("ties", 2 * 6e-6 * noises[0].largest_logit)):
        kept = getattr(noises[0], told)
        setattr(noises[0], told, {**kept, "biases_2": 1.1e-4 * norm / per_unit})
        assert ("T2", "biases_2") not in failed(reference, wrong, noises)
        setattr(noises[0], told, kept)


@pytest.mark.parametrize("name", ["weights_1", "biases_2"])
def test_an_update_off_by_two_units_in_the_last_place_fails_t3(small, name):
    reference, subject, noises = small
    new = subject.steps[0].got[f"weights/{name}"].array
    up = np.nextafter(np.nextafter(new, np.float32(np.inf)), np.float32(np.inf))
    assert failed(reference, with_got(subject, **{f"weights__{name}": 2 * up - new}), noises) == {("T3", name)}


def test_an_optimizer_that_remembers_fails_at_the_second_step_only(small):
    reference, subject, noises = small
    one = subject.steps[0]
    second = one.following
    drifted = second.got["weights/weights_1"].array - np.float32(1e-5) * one.got["grads/weights_1"].array
    steps = {**subject.steps, 0: one._replace(following=with_weights(second, weights_1=drifted))}
    assert failed(reference, subject._replace(steps=steps), noises) == {("T3", "weights_1, second step")}


def test_a_side_without_a_second_step_has_no_check_of_it(small):
    reference, subject, noises = small
    steps = {step: one._replace(following=None) for step, one in subject.steps.items()}
    found = checks(reference, subject._replace(steps=steps), noises)
    assert not [check for check in found if "second step" in check.tensor]


def test_the_references_own_rule_is_checked_on_its_own_numbers(small):
    reference = small[0]
    assert all(check.passed for check in own_rule(reference, rule_of(program())))
    assert not all(check.passed for check in own_rule(reference, rule_of({"optimizer": {"learning_rate": 1.01e-4}})))
    assert {check.tier for check in own_rule(reference, rule_of(program()))} == {"T3"}


def test_agreement_at_the_last_step_alone_fails_t4(small):
    reference, subject, noises = small
    theirs = reference.series["losses"]
    losses = theirs * np.array([1.001, 1.001, 1], np.float32)
    late = subject._replace(series={**reference.series, "losses": losses})
    assert late.series["losses"][-1] == theirs[-1]
    assert failed(reference, late, noises, allowed()) == {("T4", "loss")}
    assert not failed(reference, late, noises, allowed(horizon=-1))


@pytest.mark.parametrize(("series", "tensor"), [("corrects", "training accuracy"), ("test_corrects", "test accuracy")])
def test_counts_of_the_free_run_fail_t4_beyond_three_images(small, series, tensor):
    reference, subject, noises = small
    for more, fails in ((3, set()), (4, {("T4", tensor)})):
        off = {**reference.series, series: reference.series[series] + more}
        assert failed(reference, subject._replace(series=off), noises, allowed()) == fails


def test_a_step_beyond_the_horizon_is_not_asserted(small):
    reference, subject, noises = small
    off = {**reference.series, "losses": reference.series["losses"] * np.array([1, 1, 2], np.float32)}
    assert not failed(reference, subject._replace(series=off), noises, allowed(horizon=1))
    assert failed(reference, subject._replace(series=off), noises, allowed(horizon=2)) == {("T4", "loss")}


def test_a_wrong_gradient_fails_against_a_sketch_of_the_right_one(small):
    reference, subject, noises = small
    one = reference.steps[0]
    kept = {
        key: sketch(tensor.array, sample(4, len(tensor.array))) if tensor.array.ndim == 2 else tensor
        for key, tensor in one.got.items()
    }
    recorded = reference._replace(steps={0: one._replace(got=kept), PROBE: reference.steps[PROBE]})
    assert not failed(recorded, subject, noises)
    wrong = subject.steps[0].got["grads/weights_1"].array.copy()
    row = next(row for row in range(36) if row not in kept["grads/weights_1"].rows)
    wrong[row] *= 1.01  # one pixel's row, and not one of those kept exactly
    assert ("T2", "weights_1") in failed(recorded, with_got(subject, grads__weights_1=wrong), noises)


def test_another_network_fails_from_the_forward_pass_on_and_follows_the_rule_still(small, rng):
    reference, _, noises = small
    moved = {step: {**weights, "biases_1": weights["biases_1"][::-1].copy()} for step, weights in starts().items()}
    tiers = {tier for tier, _ in failed(reference, trace("subject", program(), data(rng), moved), noises)}
    assert tiers == {"T0", "T1", "T1b", "T2", "T2b"}


def test_relative_difference_is_infinite_only_where_nothing_was_expected():
    found = relative_difference(np.array([0, 0, 2, np.nan]), np.array([0, 1, 1, 1]))
    np.testing.assert_array_equal(found, [0, np.inf, 0.5, np.nan])


def test_every_tier_has_a_word_and_a_check_says_where_it_stands():
    assert list(WORDS) == ["T0", "T1", "T1b", "T2", "T2b", "T3", "T4", "T5"]
    check = Check("T3", "weights_1", PROBE, 2.0, 0, "ulp")
    assert (check.place, check.ratio) == ("T3 weights_1, probe", float("inf"))
    assert check._replace(step=None, measured=0).ratio == 0
