"""`import jaxmlp` as its user meets it: six lines train, save, load and predict; what does not fit is named."""

import contextlib
import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import jaxmlp
from jaxmlp import train
from jaxmlp.data import Split
from jaxmlp.data.checked import checked
from jaxmlp.errors import DataError, DeviceError, DivergedError, OutputError
from jaxmlp.execution import Execution
from jaxmlp.placement import place
from jaxmlp.program import GradientDescent

SMALL = jaxmlp.Program(layers=(jaxmlp.Dense(16),), optimizer=GradientDescent(1e-5), steps=3)


@pytest.fixture(scope="module")
def model(digits) -> jaxmlp.Model:
    return jaxmlp.fit(SMALL, digits)


def test_import_is_light():
    code = "import sys, jaxmlp; assert jaxmlp.__version__; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"jax", "numpy", "optax", "tyro", "jaxmlp.program"} & set(modules)


def test_every_public_name_is_there_and_no_other():
    assert {name for name in jaxmlp.__all__ if getattr(jaxmlp, name)} <= set(dir(jaxmlp))
    with pytest.raises(AttributeError, match="no attribute 'Layer'"):
        _ = jaxmlp.Layer


def test_six_lines_train_save_load_and_predict(tmp_path, digits):
    data = jaxmlp.load("generated:300")
    fitted = jaxmlp.fit(jaxmlp.Program(layers=(jaxmlp.Dense(16),), steps=5), data)
    fitted.save(tmp_path / "model.safetensors")
    loaded = jaxmlp.Model.load(tmp_path / "model.safetensors")
    assert loaded.program == fitted.program
    np.testing.assert_array_equal(loaded.predict(data.test.images[:5]), fitted.predict(data.test.images)[:5])
    loss, accuracy = loaded.evaluate(data.test)
    chosen = fitted.probabilities(data.test.images)[np.arange(50), data.test.labels].astype(np.float64)
    assert accuracy == pytest.approx(100 * np.mean(loaded.predict(data.test.images) == data.test.labels))
    assert loss >= -np.log(np.maximum(chosen, 1e-38)).mean() * (1 - 1e-5)


def test_the_loss_is_the_mean_cross_entropy(model, digits):
    (w1, b1), (w2, b2) = ((np.asarray(a, np.float64) for a in layer) for layer in model.params)
    logits = np.maximum(digits.test.images @ w1 + b1, 0) @ w2 + b2
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(logits)), digits.test.labels]
    assert model.evaluate(digits.test).loss == pytest.approx((np.log(np.exp(shifted).sum(axis=1)) - own).mean(), 1e-5)


@pytest.mark.parametrize("hidden", [(), (12, 9)], ids=["no hidden layer", "two"])
def test_any_number_of_layers_goes_to_disk_and_back(tmp_path, digits, hidden):
    fitted = jaxmlp.fit(jaxmlp.Program(layers=tuple(map(jaxmlp.Dense, hidden)), steps=2), digits)
    fitted.save(tmp_path / "m")
    loaded = jaxmlp.Model.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.probabilities(digits.test.images), fitted.probabilities(digits.test.images))


def test_a_runs_folder_predicts_as_the_run_did_to_the_bit(tmp_path, capsys):
    arguments = ["--hidden", "16", "--steps", "3", "--data", "generated:300", "--no-compilation-cache"]
    assert train.main([*arguments, "--out", str(tmp_path / "run")]) == 0
    loaded = jaxmlp.Model.load(tmp_path / "run")
    data = jaxmlp.load("generated:300")
    np.testing.assert_array_equal(
        loaded.probabilities(data.test.images), np.load(tmp_path / "run" / "test_predictions.npy")
    )
    told = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[0])
    again = jaxmlp.fit(jaxmlp.Program(layers=(jaxmlp.Dense(16),), steps=1), data)
    assert again.evaluate(data.test).accuracy == told["test_accuracy"]


def test_images_are_rows_or_squares(model, digits):
    squares = digits.test.images.reshape(-1, 28, 28)
    np.testing.assert_array_equal(model.predict(squares), model.predict(digits.test.images))
    np.testing.assert_array_equal(model.predict(squares[:1]), model.predict(squares)[:1])
    assert model.predict(squares[:0]).shape == (0,)
    square = digits._replace(train=digits.train._replace(images=digits.train.images.reshape(-1, 28, 28)))
    np.testing.assert_array_equal(jaxmlp.fit(SMALL, square).params[0].weights, model.params[0].weights)


@pytest.mark.parametrize(
    ("images", "complaint"),
    [
        (np.zeros((2, 784)), r"images is float64 \(2, 784\); uint8 \[N, 784\] or \[N, 28, 28\] is right"),
        (np.zeros(784, np.uint8), r"images is uint8 \(784,\)"),
        (np.zeros((2, 785), np.uint8), r"images is uint8 \(2, 785\)"),
        (np.zeros((2, 28, 27), np.uint8), r"images is uint8 \(2, 28, 27\)"),
        (7, r"images is int64 \(\)"),
        (np.full((2, 784), np.nan, np.float32), r"images is float32 .*; 1568 of its pixels are NaN"),
        (np.full((2, 784), 0.5), r"images is float64 .*numpy\.rint\(images \* 255\)"),
        (np.full((2, 784), 256), r"images holds 256; 0 to 255 is right \(element \[0, 0\]\)"),
        (np.full((2, 28, 28), -1), r"images holds -1"),
        (np.zeros((2, 784), bool), r"images is bool"),
    ],
)
def test_other_images_are_refused_with_their_dtype_and_shape(model, images, complaint):
    with pytest.raises(DataError, match=complaint):
        model.predict(images)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (np.zeros(2, np.float64), r"labels is float64 \(2,\); uint8 \(3,\) is right"),
        (np.zeros(2, np.uint8), r"labels is uint8 \(2,\)"),
        (np.array([0, 10, 9], np.uint8), r"labels holds 10; 0 to 9 is right \(element \[1\]\)$"),
        (np.array([1, 10, 9]), r"labels holds 10; 0 to 9 is right \(element \[1\]\): subtract 1"),
        (np.array([0, 9, -1]), r"labels holds -1; 0 to 9 is right"),
        (np.eye(10, dtype=np.uint8)[[3, 4, 5]], r"labels is uint8 \(3, 10\); .*labels\.argmax\(axis=1\)"),
        (np.zeros((3, 1), np.uint8), r"labels is uint8 \(3, 1\); .*labels\.ravel\(\)"),
        (np.array(["3", "4", "5"]), r"labels is <U1"),
        (np.zeros(3, bool), r"labels is bool"),
        (None, r"labels is object"),
        ([[1], [1, 2]], r"labels is no array"),
    ],
)
def test_other_labels_are_refused(model, digits, labels, complaint):
    split = Split(np.zeros((3, 784), np.uint8), labels)
    with pytest.raises(DataError, match=rf"split\.{complaint}"):
        model.evaluate(split)
    with pytest.raises(DataError, match=rf"train\.{complaint}"):
        jaxmlp.fit(SMALL, digits._replace(train=split))
    with pytest.raises(DataError, match=rf"test\.{complaint}"):
        jaxmlp.fit(SMALL, digits._replace(test=split))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_run_refuses_wrong_arrays_as_fit_does(digits, cpu, split):
    wrong = digits._replace(**{split: Split(digits.test.images, digits.test.labels + np.uint8(1))})
    with pytest.raises(DataError, match=rf"{split}\.labels holds 10; 0 to 9 is right"):
        place(Execution(), wrong, cpu)
    with pytest.raises(DataError, match=r"class_names names 0 classes; 1 to 256 are right"):
        place(Execution(), digits._replace(class_names=()), cpu)


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.int32, np.int64, ">i4", list])
def test_other_integers_give_the_same_model_where_they_fit(digits, model, kind):
    def taken(array):
        return array.tolist() if kind is list else array.astype(kind)

    dark = [Split(images // 2, labels) for images, labels in (digits.train, digits.test)]  # they fit even int8
    other = [Split(taken(images), taken(labels)) for images, labels in dark]
    fitted = [
        jaxmlp.fit(SMALL, digits._replace(train=train, test=test)).params[0].weights for train, test in (dark, other)
    ]
    np.testing.assert_array_equal(*fitted)
    assert model.evaluate(other[1]) == model.evaluate(dark[1])


def test_the_check_costs_next_to_nothing(rng, digits, takes_less_than):
    big = Split(rng.integers(0, 256, (60_000, 784), np.uint8), rng.integers(0, 10, 60_000).astype(np.uint8))
    assert takes_less_than(0.1, lambda: checked(digits._replace(train=big)))
    done = checked(digits._replace(train=big))
    assert done.train.images.base is big.images or done.train.images is big.images


def test_an_empty_split_is_refused(model):
    with pytest.raises(DataError, match=r"split\.images is empty"):
        model.evaluate(Split(np.zeros((0, 784), np.uint8), np.zeros(0, np.uint8)))


def test_fit_refuses_a_device_that_is_not_there_and_says_when_it_diverges(digits):
    with pytest.raises(DeviceError, match="no tpu"):
        jaxmlp.fit(SMALL, digits, device="tpu")
    with pytest.raises(DivergedError, match="last finite loss"):
        jaxmlp.fit(jaxmlp.Program(layers=(jaxmlp.Dense(16),), optimizer=GradientDescent(1e30), steps=9), digits)


def _saved(model, path, change):
    """The model's file with its tensors and metadata changed."""
    model.save(path)
    tensors, metadata = safetensors.numpy.load_file(path), {"program": json.dumps(model.program.as_dict())}
    change(tensors, metadata)
    safetensors.numpy.save_file(tensors, path, metadata=metadata)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda t, m: t.pop("biases_2"), "lacks biases_2"),
        (lambda t, m: t.update(weights_3=t["weights_2"]), "holds weights_3, which its program has not"),
        (lambda t, m: t.update(weights_1=t["weights_1"][1:]), r"weights_1 is float32 \(783, 16\); float32 \(784, 16\)"),
        (lambda t, m: t.update(biases_1=t["biases_1"][1:]), r"biases_1 is float32 \(15,\)"),
        (lambda t, m: t.update(biases_2=t["biases_2"][1:]), r"biases_2 is float32 \(9,\); float32 \(10,\)"),
        (lambda t, m: t.update(biases_2=t["biases_2"][:, None]), r"biases_2 is float32 \(10, 1\)"),
        (lambda t, m: t.update(biases_2=np.array(1, np.float32)), r"biases_2 is float32 \(\)"),
        (lambda t, m: t.update(biases_2=t["biases_2"][:0], weights_2=t["weights_2"][:, :0]), "weights_2 is float32"),
        (lambda t, m: t.update(weights_2=t["weights_2"].astype(np.float64)), "weights_2 is float64"),
        (lambda t, m: m.pop("program"), "metadata has no 'program'"),
        (lambda t, m: m.update(program="{"), "names a program that cannot be"),
        (lambda t, m: m.update(program="[]"), "names a program that cannot be"),
        (lambda t, m: m.update(program='{"steps": 0}'), "names a program that cannot be: program.steps = 0"),
        (lambda t, m: m.update(program='{"stepz": 5}'), "names a program that cannot be: program.stepz"),
        (lambda t, m: m.update(program="{}"), "weights_1 is float32"),
    ],
)
def test_a_model_file_that_does_not_fit_its_program_is_refused_by_name(tmp_path, model, change, complaint):
    path = tmp_path / "model.safetensors"
    _saved(model, path, change)
    with pytest.raises(DataError, match=complaint) as caught:
        jaxmlp.Model.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"\xff" * 64, None], ids=["empty", "pickle", "noise", "none"])
def test_a_file_that_is_no_model_is_refused_by_name(tmp_path, content):
    path = tmp_path / "model.safetensors"
    if content is not None:
        path.write_bytes(content)
    for asked in (path, tmp_path):
        with pytest.raises(DataError, match=r"model\.safetensors") as caught:
            jaxmlp.Model.load(asked)
        assert "\n" not in str(caught.value)


def test_a_damaged_head_is_never_a_traceback(tmp_path, model, rng):
    path = tmp_path / "model.safetensors"
    model.save(path)
    whole = path.read_bytes()
    head = 8 + int.from_bytes(whole[:8], "little")
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[rng.integers(head)] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            jaxmlp.Model.load(path)


def test_a_model_is_not_saved_where_nothing_can_be(tmp_path, model):
    with pytest.raises(OutputError, match="no-such-folder/m cannot be written"):
        model.save(tmp_path / "no-such-folder" / "m")
