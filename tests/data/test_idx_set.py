"""`--data idx:DIR`: any set in four IDX files, under the names and in the folders that people have them."""

import gzip
import struct
from functools import partial

import numpy as np
import pytest
from idx_writer import NAMES, some_set, write

from jaxmlp.data import load
from jaxmlp.errors import ConfigError, DataError


def emnist(variant):
    kinds = ("images-idx3-ubyte.gz", "labels-idx1-ubyte.gz")
    return [f"emnist-{variant}-{split}-{kind}" for split in ("train", "test") for kind in kinds]


def same(dataset, arrays):
    held = [*dataset.train, *dataset.test]
    assert {array.dtype for array in held} == {np.dtype(np.uint8)}
    for ours, theirs in zip(held, arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))
        assert not ours.flags.writeable
    return True


def refusal(data, data_dir=None):
    with pytest.raises(DataError) as caught:
        load(data, data_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("classes", [2, 10, 62, 256])
def test_any_set_is_read_with_as_many_classes_as_its_labels_ask_for(tmp_path, rng, pack, classes):
    arrays = some_set(rng, classes=classes)
    dataset = load(f"idx:{write(tmp_path / 'set', arrays, pack=pack)}")
    assert same(dataset, arrays)
    assert dataset.class_names == tuple(str(label) for label in range(classes))
    assert dataset.source == f"IDX files from {tmp_path / 'set'}"


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("-idx", ".idx"),
        lambda name: f"{name}.GZ",
        str.upper,
        lambda name: f"{name}/{name}",
        lambda name: f"{name}/{name.replace('-idx', '.idx')}",
        lambda name: f"FashionMNIST/raw/{name}",
        lambda name: f"raw/{name}",
        lambda name: f"gzip/{name}.gz",
        lambda name: f"mine-{name.replace('t10k', 'test')}",
        lambda name: name.replace("idx1-ubyte", "idx1-int").replace("-", "_", 1),
    ],
    ids=["dots", "GZ", "upper", "NAME/NAME", "NAME/N.AME", "torchvision", "raw", "gzip", "named", "other words"],
)
def test_files_are_found_by_the_names_people_have(tmp_path, rng, rename):
    arrays = some_set(rng)
    names = [rename(name) for name in NAMES]
    packed = names[0].lower().endswith(".gz")
    assert same(load(f"idx:{write(tmp_path, arrays, names, gzip.compress if packed else bytes)}"), arrays)


def test_a_plain_file_is_preferred_to_its_gzip(tmp_path, rng):
    write(tmp_path, some_set(rng), [f"{name}.gz" for name in NAMES], lambda _: b"not even gzip")
    arrays = some_set(rng)
    assert same(load(f"idx:{write(tmp_path, arrays)}"), arrays)


@pytest.mark.parametrize("kind", [0x08, 0x09, 0x0B, 0x0C])
def test_labels_of_any_integer_type_are_read(tmp_path, rng, kind):
    arrays = some_set(rng, classes=120)
    assert same(load(f"idx:{write(tmp_path, arrays, kind=kind)}"), arrays)


@pytest.mark.parametrize(("wrong", "place"), [(-1, 3), (256, 0), (70_000, 11)])
def test_a_label_that_is_no_byte_is_refused_with_its_place(tmp_path, rng, wrong, place):
    arrays = some_set(rng)
    arrays[1] = arrays[1].copy()
    arrays[1][place] = wrong
    data = f"idx:{write(tmp_path, arrays, kind=0x0C)}"
    assert refusal(data) == f"{tmp_path / NAMES[1]}: label {place} is {wrong}; labels go from 0 to 255"


def test_qmnist_is_read_by_the_first_of_its_eight_columns(tmp_path, rng):
    arrays = some_set(rng)
    wide = [a if a.ndim == 3 else np.column_stack([a, rng.integers(300, 9000, (len(a), 7))]) for a in arrays]
    kinds = ("images-idx3-ubyte.gz", "labels-idx2-int.gz")
    names = [f"qmnist-{split}-{kind}" for split in ("train", "test") for kind in kinds]
    dataset = load(f"idx:{write(tmp_path, wide, names, gzip.compress, kind=0x0C)}")
    assert same(dataset, arrays)
    assert dataset.source == f"qmnist from {tmp_path}"


def test_one_hot_or_float_labels_are_refused_with_what_is_right(tmp_path, rng):
    arrays = some_set(rng)
    hot = [a if a.ndim == 3 else np.eye(10)[a] for a in arrays]
    assert "labels of shape (12, 10); one number an image, (12,), is right" in refusal(f"idx:{write(tmp_path, hot)}")
    assert "magic number 0x00000d01" in refusal(f"idx:{write(tmp_path, arrays, kind=0x0D)}")


def test_emnist_is_turned_upright_and_its_letters_keep_their_labels(tmp_path, rng):
    arrays = some_set(rng, lowest=1, classes=27)
    dataset = load(f"idx:{write(tmp_path, arrays, emnist('letters'), gzip.compress)}")
    assert same(dataset, [a.transpose(0, 2, 1) if a.ndim == 3 else a for a in arrays])
    assert len(dataset.class_names) == 27
    assert dataset.class_names[1:4] == ("A", "B", "C")
    assert "emnist-letters" in dataset.source
    assert "transposed" in dataset.source
    assert "labels 1 to 26; no image is of a class below 1" in dataset.source


def test_one_of_several_sets_in_a_folder_is_chosen_by_name(tmp_path, rng):
    letters, digits = some_set(rng, 1, 27), some_set(rng)
    write(tmp_path / "gzip", letters, emnist("letters"), gzip.compress)
    write(tmp_path / "gzip", digits, emnist("digits"), gzip.compress)
    for folder in (tmp_path, tmp_path / "gzip"):
        told = refusal(f"idx:{folder}")
        assert f"choose one: idx:{tmp_path}/gzip/emnist-digits, idx:{tmp_path}/gzip/emnist-letters" in told
    assert load(f"idx:{tmp_path}/gzip/emnist-digits").train.labels.tolist() == digits[1].tolist()
    assert load(f"idx:{tmp_path}/gzip/EMNIST-letters").train.labels.tolist() == letters[1].tolist()
    assert "holds the sets emnist-digits, emnist-letters" in refusal(f"idx:{tmp_path}/gzip/emnist-bymerge")


def test_what_a_folder_without_a_set_lacks_and_holds_is_said(tmp_path, rng):
    assert "it is empty" in refusal(f"idx:{tmp_path}")
    write(tmp_path, some_set(rng), [f"{name}.zip" for name in NAMES])
    assert "it holds t10k-images-idx3-ubyte.zip" in refusal(f"idx:{tmp_path}")
    write(tmp_path, some_set(rng), emnist("letters"), gzip.compress)
    (tmp_path / emnist("letters")[3]).unlink()
    assert "lacks emnist-letters-test-labels-idx1-ubyte" in refusal(f"idx:{tmp_path}")
    assert "is not there" in refusal(f"idx:{tmp_path}/none/at/all")
    assert f"did you mean --data idx:{tmp_path}?" in refusal(f"idx:{tmp_path}/{emnist('letters')[0]}")


def test_the_folder_may_be_relative_begin_with_a_tilde_or_be_the_one_named_for_mnist(tmp_path, rng, monkeypatch):
    arrays = some_set(rng)
    write(tmp_path / "here", arrays)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for data in ("idx:here", "idx:./here/", "idx:~/here"):
        assert same(load(data), arrays)
    assert same(load("idx:", tmp_path / "here"), arrays)
    assert same(load("idx:", "~/here"), arrays)
    with pytest.raises(ConfigError, match="idx:DIR is right"):
        load("idx:")
    monkeypatch.setenv("JAXMLP_DATA_DIR", "~/here")
    assert same(load("idx:"), arrays)


def test_a_folder_named_twice_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="has no use beside"):
        load("idx:here", tmp_path)


def test_another_set_where_mnist_was_asked_for_is_said_to_be_one(tmp_path, rng):
    folder = write(tmp_path, some_set(rng, classes=27))
    for data in ("mnist", "auto"):
        assert f"another data set, whole and well-formed, but not MNIST; to train on it use --data idx:{folder}" in (
            refusal(data, folder)
        )
    (folder / NAMES[2]).write_bytes((folder / NAMES[2]).read_bytes()[:-1])  # a damaged one is damaged, first of all
    assert "truncated" in refusal("mnist", folder)
    cut = partial(struct.pack, ">4I", 0x0803, 5, 28)
    (folder / NAMES[2]).write_bytes(cut(27) + bytes(5 * 28 * 27))
    assert "28x27 pixels" in refusal("mnist", folder)


def test_a_set_of_another_name_where_mnist_was_asked_for_is_named(tmp_path, rng):
    write(tmp_path, some_set(rng, 1, 27), emnist("letters"), gzip.compress)
    assert f"it holds emnist-letters, which is not MNIST: use --data idx:{tmp_path}" in refusal("mnist", tmp_path)
