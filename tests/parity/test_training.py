"""A recorded program trains on, on the script's own data: as long as rounding explains it, the losses agree."""

import dataclasses
import json

import numpy as np
import pytest
from like_tensorflow import Like
from test_judge import port

from parity.compare.recorded import runs
from parity.noise.training import trained
from parity.oracle.py37.recorder import rows
from parity.oracle.py37.recorder.rows import Rows
from parity.report import curves

STEPS = 7
SGD, ADAM = Like("ApplyGradientDescent", rate=0.5, steps=(0, 3)), Like(steps=(0, 3))


def held(like, folder, rng):
    """A program of which steps 0 and 3 are recorded, and of the first 7 runs what they were given."""
    whole = dataclasses.replace(like, steps=tuple(range(STEPS))).recording(folder, rng).programs[0]
    given = {
        step: runs.Given(
            *(
                {k.partition("/")[2]: t.array for k, t in one.start.items() if k.startswith(role)}
                for role in ("batch/", "draws/")
            )
        )
        for step, one in whole.trace.steps.items()
    }
    steps = {step: whole.trace.steps[step] for step in like.steps}
    return whole._replace(trace=whole.trace._replace(steps=steps)), given


def silent(told):
    pass


@pytest.mark.parametrize("like", [SGD, ADAM, dataclasses.replace(ADAM, keep=0.7)], ids=["SGD", "Adam", "dropout"])
def test_the_losses_of_a_right_step_agree_to_the_end(like, tmp_path, rng):
    program, given = held(like, tmp_path, rng)
    made = trained(port(like, order=rng.permutation(like.batch)), program, given, STEPS, silent)
    assert made
    assert made.steps == list(range(STEPS))
    assert made.agreed == STEPS - 1
    assert made.verdict.startswith(
        f"the loss curves agree to the end, step {STEPS - 1}, within the noise of an ensemble"
    )
    assert 0 < made.limits.max() < 1e-3


def test_a_step_that_moves_a_thousandth_too_far_parts_at_its_second_loss(tmp_path, rng):
    program, given = held(SGD, tmp_path, rng)
    made = trained(port(dataclasses.replace(SGD, rate=0.5005)), program, given, STEPS, silent)
    assert made
    assert made.agreed == 0
    assert made.verdict.startswith(f"the loss curves agree up to step 0 of {STEPS - 1}, ")


def test_training_ends_where_it_is_not_known_what_a_run_was_given(tmp_path, rng):
    program, given = held(SGD, tmp_path, rng)
    del given[2]
    made = trained(port(SGD), program, given, STEPS, silent)
    assert made
    assert made.steps == [0, 1]


def test_losses_that_the_script_never_fetched_are_not_compared(tmp_path, rng):
    program, given = held(SGD, tmp_path, rng)
    losses = np.full(STEPS, np.nan)
    program = program._replace(trace=program.trace._replace(series={"losses": losses}))
    made = trained(port(SGD), program, given, STEPS, silent)
    assert made
    assert np.isfinite(made.theirs).nonzero()[0].tolist() == [0, 3]  # those of the recorded steps
    told = json.loads(curves.to_json(made))
    assert len(told["ours"]) == len(told["limits"]) == STEPS
    png = curves.png(made, "a program")
    assert png
    assert png.startswith(b"\x89PNG")


def test_rows_that_come_again_are_kept_once_and_every_batch_comes_back(tmp_path, rng):
    images, labels = rng.random((50, 8)).astype(np.float32), rng.integers(0, 9, 50)
    kept, batches = Rows(), {}
    for step in range(12):
        order = rng.integers(0, 50, 20)
        batches[step] = {"feed|x:0": images[order], "feed|y:0": labels[order], "draw|mask:0": rng.random((20, 3))}
        for name, array in {**batches[step], "feed|rate:0": np.float32(step)}.items():
            kept.keep(step, name, np.asarray(array))
    arrays = kept.arrays()
    assert len(arrays["rows|feed|x:0"]) <= 50
    (tmp_path / "raw.json").write_text(json.dumps({"programs": [{"steps": []}, {"steps": [0]}]}))
    np.savez(tmp_path / "raw.npz", **{f"1|{key}": array for key, array in arrays.items()})  # pyright: ignore[reportArgumentType]
    (found,) = runs.of_folder(tmp_path)
    assert list(found) == list(range(12))
    for step, one in batches.items():
        np.testing.assert_array_equal(found[step].batch["x:0"], one["feed|x:0"])
        np.testing.assert_array_equal(found[step].batch["y:0"], one["feed|y:0"])
        np.testing.assert_array_equal(found[step].draws["mask:0"], one["draw|mask:0"])
        assert found[step].batch["rate:0"] == step


def test_what_would_not_fit_into_memory_is_not_kept_on(rng, monkeypatch):
    monkeypatch.setattr(rows, "MOST", 4000)
    kept = Rows()
    kept.keep(0, "feed|x:0", rng.random((4, 100)))
    assert not kept.full
    kept.keep(1, "feed|x:0", rng.random((4, 100)))
    assert kept.full
