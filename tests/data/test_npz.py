"""Keras' mnist.npz: never unpickled, and refused unless it holds the original arrays."""

import hashlib
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxmlp.data import load
from jaxmlp.data.npz import read_npz
from jaxmlp.errors import DataError

SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]  # slow where others work too
RNG = np.random.default_rng(0)
ARRAYS = {
    "x_train": RNG.integers(0, 256, (6, 28, 28), np.uint8),
    "y_train": RNG.integers(0, 10, 6, np.uint8),
    "x_test": RNG.integers(0, 256, (2, 28, 28), np.uint8),
    "y_test": RNG.integers(0, 10, 2, np.uint8),
}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Eight images are the original MNIST here."""
    expected = {name: (array.shape, hashlib.sha256(array.data).hexdigest()) for name, array in ARRAYS.items()}
    monkeypatch.setattr("jaxmlp.data.npz.ARRAYS", expected)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mnist.npz"


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_npz(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_keras_stored_is_read(path, save):
    save(path, **ARRAYS)
    train, test = read_npz(path)
    np.testing.assert_array_equal(train.images, ARRAYS["x_train"].reshape(6, 784))
    np.testing.assert_array_equal(train.labels, ARRAYS["y_train"])
    np.testing.assert_array_equal(test.images, ARRAYS["x_test"].reshape(2, 784))
    np.testing.assert_array_equal(test.labels, ARRAYS["y_test"])


class Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def test_pickled_objects_are_refused_and_never_unpickled(path, tmp_path):
    trap = np.empty((), object)
    trap[()] = Trap(tmp_path / "trace")
    np.savez(path, **(ARRAYS | {"x_train": trap}))
    assert "x_train holds pickled objects, which are never unpickled" in refusal(path)
    path.write_bytes(pickle.dumps(Trap(tmp_path / "trace")))
    assert "cannot be read as an npz file" in refusal(path)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        (
            "x_train",
            np.zeros((6, 784), np.uint8),
            r"x_train is uint8 \(6, 784\); uint8 \(6, 28, 28\) in C order is right",
        ),
        ("x_train", np.zeros((6, 28, 28), np.float32), r"x_train is float32"),
        ("x_train", np.asfortranarray(ARRAYS["x_train"]), r"x_train is uint8 \(6, 28, 28\)"),
        ("y_test", np.zeros(3, np.uint8), r"y_test is uint8 \(3,\)"),
        ("y_test", (ARRAYS["y_test"] + 1) % 10, "y_test is not the original MNIST"),
        ("x_test", np.zeros((2, 28, 28), np.uint8), "x_test is not the original MNIST"),
    ],
)
def test_another_array_is_refused_with_what_would_be_right(path, name, array, reason):
    np.savez(path, **(ARRAYS | {name: array}))
    with pytest.raises(DataError, match=reason):
        read_npz(path)


def test_a_missing_array_is_refused_by_name(path):
    np.savez(path, **{name: array for name, array in ARRAYS.items() if name != "y_test"})
    assert "has no array y_test; Keras' MNIST holds x_train, y_train, x_test, y_test" in refusal(path)


def test_bytes_behind_an_array_are_refused(path):
    np.savez(path, **ARRAYS)
    with zipfile.ZipFile(path) as whole:
        contents = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w") as longer:
        for name, content in contents.items():
            longer.writestr(name, content + b"\0" * (name == "y_test.npy"))
    assert "y_test goes on after" in refusal(path)


def test_a_directory_or_a_missing_file_is_refused(path):
    assert "No such file" in refusal(path)
    path.mkdir()
    assert "is a directory, not an npz file" in refusal(path)


@settings(deadline=None, max_examples=60, suppress_health_check=SUPPRESSED)
@given(st.data(), st.booleans())
def test_any_corruption_is_a_data_error_and_nothing_else(path, data, cut):
    np.savez_compressed(path, **ARRAYS)
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    path.write_bytes(content[:at] if cut else flipped)
    result = outcome(path)
    if isinstance(result, DataError):
        assert "\n" not in str(result)
    else:  # a byte that means nothing, such as a time stamp: the content must be whole
        assert not cut
        read = [array.tobytes() for split in result for array in split]
        assert read == [array.tobytes() for array in ARRAYS.values()]


def outcome(path) -> tuple | DataError:
    try:
        return read_npz(path)
    except DataError as error:
        return error


def any_set(rng, classes=10):
    images = [rng.integers(0, 256, (count, 28, 28), np.uint8) for count in (12, 5)]
    labels = [rng.permutation([0, classes - 1, *rng.integers(0, classes, len(own) - 2)]) for own in images]
    return {"x_train": images[0], "y_train": labels[0], "x_test": images[1], "y_test": labels[1]}


NAMES = [
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("X_train", "Y_train", "X_test", "Y_test"),
    ("training-imgs", "training-targets", "testing-imgs", "testing-targets"),
    ("TrainX", "TrainY", "TestX", "TestY"),
]


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0])
def test_any_set_is_read_by_the_common_names_of_its_arrays(path, rng, names):
    arrays = any_set(rng, classes=26)
    others = {"val_images": arrays["x_test"], "val_labels": arrays["y_test"]}
    np.savez(path, **dict(zip(names, arrays.values(), strict=True)), **others)
    data = load(f"npz:{path}")
    for ours, theirs in zip((*data.train, *data.test), arrays.values(), strict=True):
        assert ours.dtype == np.uint8
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))
    assert len(data.class_names) == 26
    assert data.source == str(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: {"x_train": a["x_train"].reshape(-1, 784)},
        lambda a: {"x_train": a["x_train"][..., None], "x_test": a["x_test"][:, None]},
        lambda a: {"y_train": a["y_train"][:, None]},
        lambda a: {"x_train": np.asfortranarray(a["x_train"])},
        lambda a: {name: array.astype(np.int64) for name, array in a.items()},
        lambda a: {name: array.astype(">u2") for name, array in a.items()},
    ],
    ids=["rows", "channel", "MedMNIST's labels", "Fortran", "int64", "big-endian"],
)
def test_whatever_holds_the_same_bytes_is_taken_over(path, rng, change):
    arrays = any_set(rng)
    np.savez(path, **(arrays | change(arrays)))
    data = load(f"npz:{path}")
    for ours, theirs in zip((*data.train, *data.test), arrays.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda a: {"x_train": a["x_train"] / 255}, r"x_train is float64 \(12, 784\); .*rint\(images \* 255\)"),
        (lambda a: {"x_train": np.stack([a["x_train"]] * 3, -1)}, r"x_train is uint8 \(12, 28, 28, 3\)"),
        (lambda a: {"x_test": a["x_test"].astype(int) - 1}, r"x_test holds -1; 0 to 255"),
        (lambda a: {"y_train": np.eye(10)[a["y_train"]]}, r"y_train is float64 \(12, 10\); .*argmax"),
        (lambda a: {"y_test": a["y_test"] * 1.0}, r"y_test is float64 \(5,\); uint8 \(5,\)"),
        (lambda a: {"y_test": a["y_test"] - 10}, r"y_test holds -\d+; 0 to 255"),
        (lambda a: {"y_test": a["y_test"][:3]}, r"y_test is int64 \(3,\); uint8 \(5,\)"),
        (lambda a: {"y_test": a["y_test"][:0], "x_test": a["x_test"][:0]}, "x_test is empty"),
        (lambda a: {"train_images": a["x_train"]}, "has several arrays of training images"),
        (lambda a: {"y_train": np.array([1, None])}, "y_train holds pickled objects, which are never unpickled"),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused_by_name(path, rng, change, complaint):
    arrays = any_set(rng)
    np.savez(path, **(arrays | change(arrays)))
    with pytest.raises(DataError, match=rf"^{path}: {complaint}") as caught:
        load(f"npz:{path}")
    assert "\n" not in str(caught.value)


def test_arrays_without_names_are_refused_with_those_that_are_right(path, rng):
    np.savez(path, *any_set(rng).values())
    with pytest.raises(DataError, match=r"no array of training images by name, as in x_train.*it holds arr_0, arr_1"):
        load(f"npz:{path}")


def test_a_header_that_declares_gigabytes_is_refused_before_they_are_allocated(path, rng):
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in any_set(rng).items():
            with archive.open(f"{name}.npy", "w") as file:
                shape = (2**40, 28, 28) if name == "x_train" else array.shape
                header = {"descr": array.dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                file.write(array.tobytes())
    with pytest.raises(DataError, match=r"x_train is uint8 .*at most 629145600 bytes are read"):
        load(f"npz:{path}")


def test_names_that_would_break_a_line_or_move_a_terminal_are_told_escaped(path):
    np.savez(path, **{"a\nb": np.zeros(1), "\x1b[31mc": np.zeros(1)})
    with pytest.raises(DataError, match=r"it holds a\\nb, \\x1b\[31mc$") as refused:
        load(f"npz:{path}")
    assert str(refused.value).isprintable()
