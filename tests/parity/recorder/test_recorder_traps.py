"""What a recording gets wrong when it is made carelessly: each trap that was met."""

import numpy as np
import pytest

from parity.compare.recorded.raw import of_folder

FLOAT32 = np.float32


def test_what_an_update_merely_reads_is_the_variable_as_it_was_before(record):
    raw = record("raw_weights_adam.py")
    assert raw.program["updates"][0]["inputs"]["beta1_power"] == {"variable": "beta1_power"}
    power = FLOAT32(0.9)
    for step in (0, 1, 2):
        assert raw.step("before", step)["beta1_power"] == power
        power = FLOAT32(power * FLOAT32(0.9))
        assert raw.step("after", step)["beta1_power"] == power


def test_a_variable_that_is_the_logits_itself_is_not_told_as_a_fetch_shows_it_after_the_update(record, tmp_path):
    source = """
import tensorflow as tf
weights = tf.Variable(tf.ones([4]))
loss = -tf.log(tf.nn.softmax(weights)[1])
train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
sess = tf.Session()
sess.run(tf.global_variables_initializer())
for step in range(3): sess.run(train)
"""
    raw = record.text(source, tmp_path / "x")
    assert not np.array_equal(raw.step("before")["Variable"], raw.step("after")["Variable"])
    assert raw.step("logits") == {}
    assert "a mere read of a variable, it is not recorded: logits Variable/read:0" in raw.notes
    assert raw.step("gradient").keys() == {"Variable"}


def test_recorded_gradients_and_rate_make_the_recorded_step_to_the_bit(record):
    raw = record("two_models.ipynb")
    (update,) = raw.about["programs"][0]["updates"]
    for step in (0, 1, 2):
        rate = raw.step("number", step)[update["op"] + "/alpha"]
        before, after = raw.step("before", step)["Variable"], raw.step("after", step)["Variable"]
        assert rate == FLOAT32(0.25)
        assert np.array_equal(after, before - rate * raw.step("arriving", step)["Variable"])
        assert not np.array_equal(after, before)


def test_recording_adds_no_op(record):
    plain, recorded = record("naive_log_loss.py", plain=True), record("naive_log_loss.py")
    assert plain.said.splitlines()[-1].endswith("ops")
    assert plain.said.splitlines()[-1] == recorded.said.splitlines()[-1]
    assert f"{len(recorded.about['graphs'][0]['nodes'])} ops" in recorded.said


def test_averages_counters_metrics_and_batch_statistics_are_no_training(record):
    raw = record("ema_l2_decay.py")
    assert {one["variable"] for one in raw.program["updates"]} == {f"Variable{n}" for n in ("", "_1", "_2", "_3")}
    assert "Variable_4" in {one["variable"] for one in raw.program["side"]}
    assert "Variable/ExponentialMovingAverage" in {one["variable"] for one in raw.program["side"]}
    statistics = {one["variable"] for one in record("cond_batch_norm.py").program["side"]}
    assert statistics == {"batch_normalization/moving_mean", "batch_normalization/moving_variance"}
    assert "dense/kernel" in record("cond_batch_norm.py").program["trainable"]


def test_backprop_by_hand_is_training_and_its_trainable_counter_is_not(record):
    raw = record("backprop_by_hand.py")
    names = ["Variable", "Variable_1", "Variable_2", "Variable_3"]
    assert [one["variable"] for one in raw.program["updates"]] == names
    assert [one["variable"] for one in raw.program["side"]] == ["Variable_4"]
    assert np.array_equal(raw.step("after")["Variable"], raw.step("arriving")["Variable"])


def test_a_gradient_is_told_as_it_was_and_as_it_arrives_clipped(record):
    raw = record("app_flags.py")
    found, arriving = raw.step("gradient"), raw.step("arriving")
    norm = np.sqrt(sum(np.sum(np.square(one, dtype=np.float64)) for one in found.values()))
    assert norm > 0.02
    for name, gradient in found.items():
        assert np.allclose(arriving[name], gradient * (0.01 / norm), rtol=1e-4, atol=1e-12)


def test_a_sparse_gradient_is_told_by_its_rows_and_as_the_whole_one_that_it_stands_for(record):
    raw = record("embedding_rows.py")
    (call,), shape = raw.program["calls"], (30, 6)
    assert call["indices"].keys() == call["gradients"].keys() == {"Variable", "Variable_1", "Variable_2"}
    rows, indices = raw.step("gradient")["Variable"], raw.step("indices")["Variable"]
    assert np.array_equal(indices, raw.step("feed")["Placeholder:0"])
    assert len(set(indices.tolist())) < len(indices) == len(rows)  # some come twice
    whole = of_folder(record.folder("embedding_rows.py")).program().trace.steps[0].got
    expected = np.zeros(shape, FLOAT32)
    for row, index in zip(rows, indices, strict=True):
        expected[index] += row
    assert np.array_equal(whole["grads/Variable"].array, expected)
    assert np.array_equal(whole["arriving/Variable"].array, expected)


def test_steps_are_counted_by_program_over_all_its_sessions(record):
    first, second = record("two_models.ipynb").about["programs"]
    assert (first["sessions"], first["runs"], first["steps"]) == ([4, 3], 7, [0, 1, 2, 5])
    assert (second["sessions"], second["graph"]) == ([3], 1)


def test_feeds_come_in_their_placeholders_dtype_and_as_they_were_fed(record):
    raw = record("layers_dropout.py")
    images = np.random.RandomState(5).rand(60, 10)
    for step in (0, 1, 2):
        feeds = raw.step("feed", step)
        assert {name: feed.dtype.name for name, feed in feeds.items()} == {
            "x:0": "float32",
            "y:0": "int64",
            "keep_prob:0": "float32",
        }
        assert np.array_equal(feeds["x:0"], images[step * 20 : step * 20 + 20].astype(FLOAT32))  # not the buffer's -1


def test_the_drawn_numbers_are_those_of_the_step(record):
    raw = record("layers_dropout.py")
    draws = [raw.step("draw", step) for step in (0, 1)]
    assert all(len(one) == 1 for one in draws)
    first, second = (next(iter(one.values())) for one in draws)
    assert first.shape == (20, 16)
    assert not np.array_equal(first, second)


def test_draws_behind_a_switch_are_recorded_where_the_run_takes_their_branch(record):
    raw = record("cond_batch_norm.py")
    assert [len(raw.step("draw", step)) for step in (0, 1, 2)] == [1, 0, 1]
    assert next(iter(raw.step("draw").values())).shape == (36, 12)


def test_kerass_hyperparameters_are_variables_and_its_learning_phase_a_feed(record):
    raw = record("keras_fit.py")
    rate = raw.program["updates"][0]["inputs"]["lr"]["variable"]
    assert rate.endswith("Adam/learning_rate")
    assert raw.step("before")[rate] == FLOAT32(0.001)
    assert any("learning_phase" in name for name in raw.program["feeds"])
    assert len(raw.step("draw")) == 1


@pytest.mark.parametrize(("name", "count"), [("dataset_iterator.py", 2), ("feed_queue.py", 2)])
def test_what_iterators_and_queues_hand_out_is_recorded(record, name, count):
    sources = [record(name).step("source", step) for step in (0, 1)]
    assert [len(one) for one in sources] == [count, count]
    assert any(not np.array_equal(value, sources[1][key]) for key, value in sources[0].items())


def test_a_data_set_that_an_iterator_hands_out_is_not_kept_and_one_that_is_computed_with_is(record):
    def sizes(name: str) -> set[int]:
        return {array.size for key, array in record(name).arrays.items() if key.startswith("const|")}

    assert 50 * 7 not in sizes("dataset_iterator.py")
    assert 20 in sizes("packaged.train")


def test_a_resource_variable_is_read_beside_a_ref_variable(record):
    raw = record("packaged.train")
    assert {"tower/kernel", "tower/out"} <= raw.step("before").keys()
    assert not np.array_equal(raw.step("before")["tower/out"], raw.step("after")["tower/out"])
    rates = [raw.step("feed", step)["Placeholder_1:0"] for step in (0, 1)]
    assert rates == [FLOAT32(0.1), FLOAT32(0.05)]


def test_magics_are_dropped_and_listed_and_code_that_looks_like_one_stays(record):
    raw = record("two_models.ipynb")
    dropped = {note for note in raw.notes if "dropped" in note}
    lines = ("%matplotlib inline", "!pip list", "images?", "%%time", "%time plt.show()")
    assert dropped == {f"magic dropped: {line}" for line in lines} | {"cell dropped: %%bash"}
    assert "loss 0." in raw.said
    assert any("two_models.ipynb cell 3" in (node["where"] or "") for node in raw.about["graphs"][0]["nodes"])


def test_names_of_tensorflow_0_are_taken_with_the_shim_and_told(record):
    raw = record("old_names.py", shim=True)
    assert raw.program["runs"] == 7, raw.about["failure"]
    used = {note for note in raw.notes if note.startswith("shim: ")}
    names = ("mul", "scalar_summary", "merge_all_summaries", "SummaryWriter")
    assert {f"shim: {name}" for name in names} <= used
    assert "shim: the axis comes first in concat" in used
    assert "shim: inputs before labels in nce_loss" in used
    without = record("old_names.py")
    assert without.about["shimmable"]
    assert not without.about["programs"]


def test_downloads_are_answered_and_the_script_gets_its_arguments(record, tmp_path):
    elsewhere = tmp_path / "made"
    raw = record("app_flags.py", arguments=["--elsewhere", str(elsewhere), "--learning_rate=0.5"])
    assert len(raw.about["downloads"]["served"]) == 4
    assert raw.about["elsewhere"] == [[str(elsewhere), False]]
    (rate,) = {float(value) for value in raw.step("number").values()}
    assert rate == 0.5


def test_it_stops_at_the_limit_of_steps_with_what_stands_then(record):
    raw = record("raw_weights_adam.py", max_steps=2)
    assert (raw.about["status"], raw.program["runs"]) == ("stopped at --max-steps", 2)
    whole = record("raw_weights_adam.py")
    for name, value in raw.finals().items():
        assert np.array_equal(value, whole.step("after", 1)[name])
