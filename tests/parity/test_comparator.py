"""The comparator tests itself: what must never pass for agreement fails loudly, by name."""

import dataclasses

import numpy as np
import pytest
from parity.admissible import require_comparable
from parity.sketch import Whole, sample, sketch
from parity.tiers import compare

from parity.errors import CannotCompare


def with_step(trace, **changes):
    """The trace with its step 0 changed."""
    return trace._replace(steps={0: trace.steps[0]._replace(**changes)})


def with_grad(trace, name, array):
    update = trace.steps[0].update
    return with_step(trace, update=update._replace(grads={**update.grads, name: Whole(array)}))


def failed(checks):
    return {(check.tier, check.tensor) for check in checks if not check.passed}


def test_a_trace_agrees_with_itself(small):
    reference, trace, ground = small
    require_comparable(reference, trace)
    assert not failed(compare(reference, trace, ground))


@pytest.mark.parametrize("side", [0, 1])
def test_a_nan_on_one_side_is_refused(small, side, rng):
    traces = list(small[:2])
    bad = traces[side].steps[0].update.grads["weights_1"].array.copy()
    bad[tuple(rng.integers(bad.shape))] = np.nan
    traces[side] = with_grad(traces[side], "weights_1", bad)
    with pytest.raises(CannotCompare, match="gradient of weights_1 of step 0 are not finite"):
        require_comparable(*traces)


def test_a_nan_never_passes_a_check(small):
    reference, trace, ground = small
    bad = with_grad(trace, "biases_2", np.full(10, np.nan, np.float32))
    assert ("T2", "biases_2") in failed(compare(reference, bad, ground))


@pytest.mark.parametrize("side", [0, 1])
def test_a_run_cut_short_is_refused(small, side):
    traces = list(small[:2])
    free = traces[side].free
    traces[side] = traces[side]._replace(free=free._replace(losses=free.losses[:-1]))
    with pytest.raises(CannotCompare, match="steps of the free run differ"):
        require_comparable(*traces)


def test_a_missing_step_is_refused(small):
    reference, trace, _ = small
    with pytest.raises(CannotCompare, match="steps from given weights differ"):
        require_comparable(reference, trace._replace(steps={1: trace.steps[0]}))


def test_an_empty_trace_is_refused(small):
    reference, trace, _ = small
    empty = reference.free._replace(losses=reference.free.losses[:0])
    with pytest.raises(CannotCompare, match="empty"):
        require_comparable(reference._replace(free=empty), trace._replace(free=empty))
    with pytest.raises(CannotCompare, match="empty"):
        require_comparable(reference._replace(steps={}), trace._replace(steps={}))


def test_swapped_sides_are_refused(small):
    reference, trace, _ = small
    with pytest.raises(CannotCompare, match="sides are swapped"):
        require_comparable(trace, reference)


def test_another_dtype_is_refused(small):
    reference, trace, _ = small
    wide = trace.steps[0].update.grads["weights_2"].array.astype(np.float64)
    with pytest.raises(CannotCompare, match="dtypes of gradient of weights_2"):
        require_comparable(reference, with_grad(trace, "weights_2", wide))


def test_another_shape_is_refused(small):
    reference, trace, _ = small
    flat = trace.steps[0].update.grads["weights_2"].array.T
    with pytest.raises(CannotCompare, match="shapes of gradient of weights_2"):
        require_comparable(reference, with_grad(trace, "weights_2", flat))


def test_another_name_is_refused(small):
    reference, trace, _ = small
    update = trace.steps[0].update
    renamed = {name.replace("weights_1", "kernel_1"): tensor for name, tensor in update.grads.items()}
    with pytest.raises(CannotCompare, match="kernel_1"):
        require_comparable(reference, with_step(trace, update=update._replace(grads=renamed)))


def test_a_transposed_square_matrix_fails_though_shape_and_norm_agree(small):
    reference, trace, ground = small
    grad = trace.steps[0].update.grads["weights_1"].array
    assert grad.shape == (784, 784)
    transposed = with_grad(trace, "weights_1", np.ascontiguousarray(grad.T))
    require_comparable(reference, transposed)
    assert ("T2", "weights_1") in failed(compare(reference, transposed, ground))


@pytest.mark.parametrize("name", ["train pixels", "test labels", "initial weights_2"])
def test_other_inputs_fail_t0(small, name):
    reference, trace, ground = small
    other = trace._replace(digests={**trace.digests, name: "0" * 64})
    assert failed(compare(reference, other, ground)) == {("T0", name)}


def test_agreement_at_the_last_step_alone_fails(small):
    from parity.budget import budget

    reference, trace, ground = small
    allowed = budget(reference.free, {"itself": reference.free})
    losses = trace.free.losses * np.array([1.001, 1.001, 1], np.float32)
    late = trace._replace(free=trace.free._replace(losses=losses))
    assert late.free.losses[-1] == reference.free.losses[-1]
    assert failed(compare(reference, late, ground, allowed)) == {("T4", "loss")}


def test_one_changed_element_shows_in_a_sketch(rng):
    array = rng.normal(size=(300, 40)).astype(np.float32)
    kept = sketch(array, sample(3, 300))
    assert kept.difference_norm(array) == 0
    changed = array.copy()
    changed[tuple(rng.integers(array.shape))] += 1
    assert kept.difference_norm(changed) == pytest.approx(1, rel=1e-6)


def test_a_sketch_estimates_a_differences_norm_to_a_few_percent(rng):
    array = rng.normal(size=(500, 100)).astype(np.float32)
    other = array + rng.normal(size=array.shape).astype(np.float32) * 1e-3
    estimate = sketch(array, sample(3, 500)).difference_norm(other)
    assert estimate == pytest.approx(Whole(array).difference_norm(other), rel=0.1)


def test_the_benign_ensemble_sets_the_horizon(small):
    from parity.budget import budget

    free = small[0].free
    apart = free._replace(losses=free.losses.astype(np.float64) * np.array([1, 1 + 2e-6, 1 + 1e-4]))
    allowed = budget(free, {"same": free, "apart": apart})
    assert allowed.horizon == 1
    assert allowed.loss_limits == pytest.approx([2e-6, 6e-6, 3e-4], rel=1e-3)


def test_the_benign_ensemble_walks_side_by_side_and_stops_where_it_parts(cpu):
    from jaxmlp.config import Config
    from parity.budget import budget, ensemble

    from jaxmlp.data.generated import generated
    from parity import port

    config, dataset = Config(seed=5, hidden=16, steps=4, report_every=2), generated(40, 5)
    base = port.port(config, dataset, cpu, "dense", "float32")
    faster = dataclasses.replace(config, learning_rate=config.learning_rate * 1.01)
    said = []
    together = ensemble(base, [port.port(config, dataset, cpu, "staircase", "float32")], said.append)
    assert budget(*together).horizon == 3
    assert len(said) == 4
    apart = ensemble(base, [port.port(faster, dataset, cpu, "dense", "float32")], said.append)
    assert budget(*apart).horizon == 0
    assert [len(run.losses) for run in (apart[0], *apart[1].values())] == [2, 2]
    assert list(apart[0].test_corrects) == [0]
