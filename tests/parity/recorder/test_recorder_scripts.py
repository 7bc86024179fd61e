"""Every kind of script is recorded, and recording it changes no bit of what it ends with."""

import numpy as np
import pytest

KINDS = {  # script: (training runs of each program, who makes them, the update ops)
    "raw_weights_adam.py": ([9], "Session.run", "ApplyAdam"),
    "layers_dropout.py": ([9], "Session.run", "ApplyAdam"),
    "monitored_session.py": ([8], "Session.run", "ApplyMomentum"),
    "estimator.py": ([6], "Session.run", "ApplyGradientDescent"),
    "keras_fit.py": ([9], "Session.callable", "ResourceApplyAdam"),
    "dataset_iterator.py": ([10], "Session.run", "ApplyAdagrad"),
    "cond_batch_norm.py": ([7], "Session.run", "ApplyRMSProp"),
    "ema_l2_decay.py": ([8], "Session.run", "ApplyGradientDescent"),
    "naive_log_loss.py": ([8], "InteractiveSession.run", "ApplyGradientDescent"),
    "backprop_by_hand.py": ([7], "Session.run", "Assign"),
    "embedding_rows.py": ([8], "Session.run", "SparseApplyAdagrad"),
    "recurrent_lengths.py": ([8], "Session.run", "ApplyAdam"),
    "feed_queue.py": ([7], "Session.run", "ApplyAdam"),
    "app_flags.py": ([7], "Session.run", "ApplyGradientDescent"),
    "packaged.train": ([7], "Session.run", "ApplyFtrl"),
    "two_models.ipynb": ([7, 3], "Session.run", "ApplyGradientDescent"),
}
every_kind = pytest.mark.parametrize("name", KINDS)


@every_kind
def test_every_training_run_is_seen_and_the_wanted_ones_are_recorded(record, name):
    raw, (runs, kind, update) = record(name), KINDS[name]
    assert raw.about["status"] == "ended", raw.about["failure"]
    assert [program["runs"] for program in raw.about["programs"]] == runs
    assert raw.about["programs"][0]["kinds"] == {kind: runs[0]}
    assert raw.about["programs"][0]["updates"][0]["type"] == update
    for program in raw.about["programs"]:
        assert program["steps"] == [step for step in (0, 1, 2, 5) if step < program["runs"]]


@every_kind
def test_recording_changes_no_bit_of_any_final_variable(record, name):
    recorded, plain = record(name), record(name, plain=True)
    for number in range(len(KINDS[name][0])):
        finals = plain.finals(number)
        assert finals
        assert finals.keys() == recorded.finals(number).keys()
        for variable, value in finals.items():
            assert value.tobytes() == recorded.finals(number)[variable].tobytes(), variable


@every_kind
def test_each_moved_variable_has_its_gradient_unless_there_is_no_loss(record, name):
    raw = record(name)
    for number, program in enumerate(raw.about["programs"]):
        moved = {update["variable"] for update in program["updates"]}
        assert moved == program["arriving"].keys() == raw.step("arriving", 0, number).keys()
        if name == "backprop_by_hand.py":
            assert (program["losses"], program["gradients"]) == ([], {})
        else:
            assert raw.step("gradient", 0, number).keys() == program["gradients"].keys() == moved
            (loss,) = program["losses"]
            assert np.isfinite(raw.step("loss", 0, number)[loss])


@pytest.mark.parametrize("name", ["raw_weights_adam.py", "monitored_session.py", "estimator.py", "keras_fit.py"])
def test_the_losses_that_the_script_fetched_are_kept_for_every_run(record, name):
    raw = record(name)
    losses = raw.arrays["0|losses"]
    assert losses.shape == (raw.program["runs"],)
    for step in raw.program["steps"]:
        assert losses[step] == raw.step("loss", step)[raw.program["losses"][0]]


@every_kind
def test_what_the_first_runs_were_given_is_kept_as_their_own_rows_and_their_loss_with_it(record, name):
    """Of runs 3 and 4; 0 to 2 are recorded whole. That it changes nothing the test of the final variables says."""
    raw = record(name)
    for number, program in enumerate(raw.about["programs"]):
        head = f"{number}|given|"
        given = [key.removeprefix(head).partition("|") for key in raw.arrays if key.startswith(head)]
        by_run = {step: {rest for one, _, rest in given if one == step} for step, _, _ in given}
        whole = {f"{role}|{key}" for role in ("feed", "draw", "source") for key in raw.step(role, 0, number)}
        assert by_run == {str(step): whole for step in (3, 4) if step < program["runs"]}
        if program["losses"]:
            assert np.isfinite(raw.arrays[f"{number}|losses"][3:5]).all()
        for key in whole & by_run.get("3", set()):
            first, told = (
                raw.step(key.partition("|")[0], 0, number)[key.partition("|")[2]],
                raw.arrays[f"{head}3|{key}"],
            )
            rows = raw.arrays.get(f"{number}|rows|{key}")
            again = told if rows is None else rows[told]
            assert (again.dtype, again.shape[1:]) == (first.dtype, first.shape[1:])
