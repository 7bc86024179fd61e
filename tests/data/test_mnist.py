"""Where MNIST is looked for, in which order, and what happens when it is not what it should be."""

import gzip
import hashlib
import os
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from jaxmlp.data import load
from jaxmlp.data.generated import generated_digits
from jaxmlp.data.mnist import FILES, cache_folder, load_mnist
from jaxmlp.errors import DataError, DataUnreachable, JaxmlpWarning

RNG = np.random.default_rng(1)
SMALL = {
    "train-images-idx3-ubyte": struct.pack(">4I", 0x0803, 6, 28, 28) + RNG.bytes(6 * 784),
    "train-labels-idx1-ubyte": struct.pack(">2I", 0x0801, 6) + bytes(range(6)),
    "t10k-images-idx3-ubyte": struct.pack(">4I", 0x0803, 2, 28, 28) + RNG.bytes(2 * 784),
    "t10k-labels-idx1-ubyte": struct.pack(">2I", 0x0801, 2) + b"\x03\x09",
}


@pytest.fixture
def small(monkeypatch):
    """Eight images are the original MNIST here."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in SMALL.items()}
    monkeypatch.setattr("jaxmlp.data.mnist.FILES", digests)


def put(folder, *leave_out, packed=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in SMALL.items():
        if name not in leave_out:
            path = folder / f"{name}.gz" if packed else folder / name
            path.write_bytes(gzip.compress(content) if packed else content)
    return folder


def put_keras(folder, **changed):
    (folder / "datasets").mkdir(parents=True)
    arrays = {
        key: np.frombuffer(SMALL[name][start:], np.uint8).reshape(shape)
        for (key, start, shape), name in zip(
            [("x_train", 16, (6, 28, 28)), ("y_train", 8, 6), ("x_test", 16, (2, 28, 28)), ("y_test", 8, 2)],
            SMALL,
            strict=True,
        )
    }
    np.savez(folder / "datasets" / "mnist.npz", **(arrays | changed))
    return {name: (array.shape, hashlib.sha256(array.data).hexdigest()) for name, array in arrays.items()}


def is_small(dataset):
    assert dataset.train.images.tobytes() == SMALL["train-images-idx3-ubyte"][16:]
    assert dataset.train.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert dataset.test.images.tobytes() == SMALL["t10k-images-idx3-ubyte"][16:]
    assert dataset.test.labels.tolist() == [3, 9]
    assert dataset.class_names == ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    assert not dataset.synthetic
    return True


@pytest.mark.parametrize("packed", [False, True])
def test_the_folder_that_is_named_is_read(small, tmp_path, packed):
    dataset = load_mnist(put(tmp_path / "data", packed=packed))
    assert is_small(dataset)
    assert dataset.source == f"MNIST from {tmp_path / 'data'}"


def test_the_folder_on_the_command_line_comes_before_the_environment(small, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXMLP_DATA_DIR", str(tmp_path / "nowhere"))
    assert is_small(load_mnist(put(tmp_path / "data")))
    monkeypatch.setenv("JAXMLP_DATA_DIR", str(tmp_path / "data"))
    assert is_small(load_mnist())


def test_a_named_folder_that_lacks_files_is_an_error_though_the_cache_has_them(small, tmp_path, monkeypatch):
    put(cache_folder())
    lacking = put(tmp_path / "data", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte")
    with pytest.raises(DataError, match=f"^{lacking}: lacks train-labels-idx1-ubyte, t10k-images-idx3-ubyte") as caught:
        load_mnist(lacking)
    assert not isinstance(caught.value, DataUnreachable)
    monkeypatch.setenv("JAXMLP_DATA_DIR", str(lacking))
    with pytest.raises(DataError, match=r"\(from JAXMLP_DATA_DIR\): lacks"):
        load_mnist()


def test_a_named_folder_that_is_none_is_an_error(tmp_path):
    with pytest.raises(DataError, match="nowhere: is not there"):
        load_mnist(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: is not a folder"):
        load_mnist(tmp_path / "file")


def test_a_tilde_in_the_folder_is_the_home(small, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path / "data")
    monkeypatch.setenv("JAXMLP_DATA_DIR", "~/data")
    assert is_small(load_mnist())


def test_the_cache_comes_before_keras_and_the_network(small, server):
    put(cache_folder(), packed=True)
    dataset = load_mnist()
    assert is_small(dataset)
    assert dataset.source == f"MNIST from {cache_folder()}"
    assert server.asked == []


def test_keras_copy_comes_before_the_network(small, server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr("jaxmlp.data.npz.ARRAYS", put_keras(tmp_path / "keras"))
    dataset = load_mnist()
    assert is_small(dataset)
    assert dataset.source == f"MNIST from {tmp_path / 'keras' / 'datasets' / 'mnist.npz'}"
    assert server.asked == []


def test_keras_home_is_the_users_by_default(small, tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setattr("jaxmlp.data.npz.ARRAYS", put_keras(tmp_path / "home" / ".keras"))
    assert is_small(load_mnist())


@pytest.mark.parametrize("damage", ["another label", "an HTML page", "a folder", "nothing at all"])
def test_a_damaged_copy_of_keras_is_warned_of_and_passed_over(small, server, tmp_path, monkeypatch, damage):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr("jaxmlp.data.npz.ARRAYS", put_keras(tmp_path / "keras", y_test=np.array([3, 8], np.uint8)))
    copy = tmp_path / "keras" / "datasets" / "mnist.npz"
    if damage != "another label":
        copy.unlink()
        copy.mkdir() if damage == "a folder" else copy.write_bytes(b"<html>403" if "HTML" in damage else b"")
    server.files = {f"{name}.gz": gzip.compress(content) for name, content in SMALL.items()}
    with pytest.warns(JaxmlpWarning, match=f"^{copy}: .*passed over"):
        dataset = load_mnist()
    assert is_small(dataset)
    assert dataset.source == f"MNIST from {cache_folder()}"


def test_a_damaged_copy_of_keras_does_not_stand_in_the_way_of_auto(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    put_keras(tmp_path / "keras")
    monkeypatch.setattr("jaxmlp.data.source.generated_digits", lambda seed: generated_digits(6, seed))
    with pytest.warns(JaxmlpWarning, match="x_train"):
        assert load("auto").synthetic


def test_what_is_downloaded_once_is_not_downloaded_again(small, server):
    server.files = {f"{name}.gz": gzip.compress(content) for name, content in SMALL.items()}
    assert is_small(load_mnist())
    asked = len(server.asked)
    assert asked == 5
    assert is_small(load_mnist())
    assert len(server.asked) == asked


def test_only_missing_files_are_downloaded(small, server):
    put(cache_folder(), "t10k-labels-idx1-ubyte")
    server.files = {"t10k-labels-idx1-ubyte.gz": gzip.compress(SMALL["t10k-labels-idx1-ubyte"])}
    assert is_small(load_mnist())
    assert [line for line in server.asked if line.startswith("GET")] == ["GET /t10k-labels-idx1-ubyte.gz"]


def test_a_damaged_file_in_the_cache_is_an_error_not_a_reason_to_download(small, server):
    put(cache_folder())
    (cache_folder() / "t10k-labels-idx1-ubyte").write_bytes(SMALL["t10k-labels-idx1-ubyte"][:-1] + b"\x08")
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte: is not the original MNIST"):
        load_mnist()
    assert server.asked == []


def test_nowhere_is_said_within_seconds_with_what_to_do(small):
    start = time.monotonic()
    with pytest.raises(DataUnreachable, match="--data-dir or JAXMLP_DATA_DIR, or use --data generated") as caught:
        load_mnist()
    assert time.monotonic() - start < 20  # of the 60 for which an answer would be waited for here
    assert "\n" not in str(caught.value)
    assert not cache_folder().exists()


@pytest.mark.mnist
def test_the_real_files_are_read_in_their_order_and_fast(real_mnist, takes_less_than):
    dataset = load_mnist(real_mnist)
    assert takes_less_than(1, lambda: load_mnist(real_mnist))  # 0.3 s on an idle machine
    assert dataset.train.images.shape == (60_000, 784)
    assert dataset.test.images.shape == (10_000, 784)
    assert dataset.train.labels[:16].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7]
    assert dataset.test.labels[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    assert round(float((dataset.train.images > 0).mean()), 4) == 0.1912


@pytest.mark.mnist
def test_keras_copy_holds_the_same_as_the_real_files(real_mnist, tmp_path, monkeypatch):
    files = load_mnist(real_mnist)
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    np.savez(
        tmp_path / "keras" / "datasets" / "mnist.npz",
        x_train=files.train.images.reshape(-1, 28, 28),
        y_train=files.train.labels,
        x_test=files.test.images.reshape(-1, 28, 28),
        y_test=files.test.labels,
    )
    keras = load_mnist()
    for ours, theirs in zip((*files.train, *files.test), (*keras.train, *keras.test), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_four_files_are_named_and_pinned():
    assert [name.split("-")[0] for name in FILES] == ["train", "train", "t10k", "t10k"]
    assert {len(digest) for digest in FILES.values()} == {64}


def test_a_command_tells_of_a_damaged_copy_of_keras_in_one_line(tmp_path):
    put_keras(tmp_path / "keras")
    code = "import sys; from jaxmlp import command_line, load; sys.exit(command_line.run(lambda _: load('mnist'), []))"
    home = {"KERAS_HOME": str(tmp_path / "keras"), "HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | home, check=False
    )
    assert done.returncode == 2
    warning, error = done.stderr.splitlines()
    assert warning.startswith(f"warning: {tmp_path}/keras/datasets/mnist.npz: x_train")
    assert error.startswith("error: MNIST is not on this machine")
