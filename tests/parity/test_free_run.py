"""T4 of a recorded program: steps that follow each other run freely, within what an ensemble of them drifts by."""

import dataclasses

import numpy as np
import pytest
from like_tensorflow import WEIGHTS, Like
from test_judge import port

import parity
from parity.compare.recorded import file, free
from parity.noise import free as ensemble

F = np.float32
ADAM, SGD, DROPOUT = Like(), Like("ApplyGradientDescent", rate=0.5), Like("ApplyRMSProp", keep=0.7)


def adopted(like, folder, rng):
    """A recording with limits of free runs too, as it comes from its file; made in NumPy by the right step itself."""
    recording = like.recording(folder / "raw", rng)
    program = recording.programs[0]
    told = program._replace(free=ensemble.limits(port(like), program))
    (folder / file.NAME).write_bytes(file.to_bytes(recording._replace(programs=[told])))
    return parity.load(folder)


@pytest.mark.parametrize("like", [ADAM, SGD, DROPOUT], ids=lambda like: like.update)
def test_a_right_step_runs_freely_in_another_order_of_sums(like, tmp_path, rng):
    recording = adopted(like, tmp_path, rng)
    proof = parity.prove(recording, port(like, order=rng.permutation(like.batch)))
    assert proof.proven, proof.verdict
    found = [one for one in proof.checks if one.tier == "T4"]
    assert {(one.tensor, one.step) for one in found if one.tensor == "loss"} == {("loss", 1), ("loss", 2)}
    assert {one.tensor for one in found if one.step == 2} >= {"loss", *WEIGHTS, "global_step"}
    assert max(one.ratio for one in found) < 0.7
    assert max(one.limit for one in found) < 0.01


def test_a_step_with_a_state_of_its_own_is_found_where_it_runs_freely(tmp_path, rng):
    """It passes each step from its recorded start, where that state is not used yet."""
    recording, calls = adopted(ADAM, tmp_path, rng), []
    inner = port(ADAM)

    def aging(**given):
        calls.append(int(given["slots"]["global_step"]))
        made = inner(**given)
        if len(calls) > len(ADAM.steps):  # what it has gathered from call to call begins to tell
            made["weights"] = {name: array * F(0.999) for name, array in made["weights"].items()}
        return made

    proof = parity.prove(recording, aging)
    assert calls == [*ADAM.steps, 0, 1, 2]
    assert proof.first
    assert proof.first.tier == "T4"
    assert proof.different


def test_powers_that_are_written_otherwise_pass(tmp_path, rng):
    """0.001 for what float32 makes of 1 - 0.999."""
    recording, inner = adopted(ADAM, tmp_path, rng), port(ADAM)

    def written(weights, slots, batch, draws):
        made = inner(weights, slots, batch, draws)
        for name, grad in made["grads"].items():
            v = slots[f"{name}/Adam_1"]
            v = v + (grad * grad - v) * F(0.001)
            alpha = F(0.01) * np.sqrt(1 - slots["beta2_power"]) / (1 - slots["beta1_power"])
            made["slots"][f"{name}/Adam_1"] = v
            made["weights"][name] = weights[name] - made["slots"][f"{name}/Adam"] * alpha / (np.sqrt(v) + F(1e-8))
        return made

    proof = parity.prove(recording, written)
    assert proof.proven, proof.verdict
    assert [one for one in proof.checks if one.tier == "T4"]


def test_a_step_that_returns_no_slots_does_not_run_freely_and_says_so(tmp_path, rng):
    recording = adopted(SGD, tmp_path, rng)

    def little(**given):
        made = port(SGD)(**given)
        return {role: made[role] for role in ("loss", "grads", "weights")}

    proof = parity.prove(recording, little)
    assert proof.proven
    (silent,) = [one for one in proof.not_compared if one.tier == "T4"]
    assert silent.why == "your step does not return slots global_step, to run on from"
    assert not [one for one in proof.checks if one.tier == "T4"]


def test_steps_that_do_not_follow_each_other_do_not_run_freely(tmp_path, rng):
    assert free.consecutive(dataclasses.replace(SGD, steps=(0, 2, 6)).recording(tmp_path, rng).programs[0]) == []


def test_a_script_that_sets_its_weights_between_two_runs_ends_the_free_run_there(tmp_path, rng):
    program = SGD.recording(tmp_path, rng).programs[0]
    one = program.trace.steps[2]
    key = "weights/dense/bias"
    moved = one._replace(start={**one.start, key: one.start[key]._replace(array=one.start[key].array + F(1))})
    trace = program.trace._replace(steps={**program.trace.steps, 2: moved})
    assert free.consecutive(program) == [0, 1, 2]
    assert free.consecutive(program._replace(trace=trace)) == [0, 1]


def test_a_member_that_is_no_rounding_is_left_out(tmp_path, rng):
    program = SGD.recording(tmp_path, rng).programs[0]
    inner = port(SGD)

    def by_place(weights, slots, batch, draws):
        """Every row of the batch counts for its place."""
        places = np.linspace(0, 2, SGD.batch, dtype=F)[:, None]
        return inner(weights, slots, {**batch, "y:0": batch["y:0"] * places}, draws)

    assert len(list(ensemble.members(inner, program, 0))) == 6
    assert len(list(ensemble.members(by_place, program, 0))) == 4
