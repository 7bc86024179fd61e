"""Sets of tensorflow-datasets: read whole and as stored, or refused in one line. The sets are the tests' own."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from jaxmlp.data import load
from jaxmlp.errors import ConfigError, DataError, DataUnreachable

library = pytest.importorskip("tensorflow_datasets", reason="needs tensorflow-datasets: pip install -e '.[tfds]'")
RNG = np.random.default_rng(5)
prepares = pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow: pip install -e '.[parity]'")
IMAGES = RNG.integers(0, 256, (2300, 28, 28, 1), np.uint8)  # more than are read at once


class TinyLetters(library.core.GeneratorBasedBuilder):
    """A set as it should be; the others differ in one thing each."""

    VERSION = library.core.Version("1.0.0")
    SHAPE, NAMES, KEYS, SPLITS = (28, 28, 1), ["alpha", "beta", "gamma"], ("image", "label"), {"train": 2300, "test": 7}
    URLS = ()
    pkg_dir_path = None

    @classmethod
    def _get_pkg_dir_path(cls):
        raise AttributeError

    @property
    def url_infos(self):
        return dict.fromkeys(self.URLS)

    def _info(self):
        features = library.features
        image, label = self.KEYS
        return library.core.DatasetInfo(
            builder=self,
            description="letters",
            features=features.FeaturesDict(
                {image: features.Image(shape=self.SHAPE), label: features.ClassLabel(names=self.NAMES)}
            ),
            supervised_keys=self.KEYS,
        )

    def _split_generators(self, manager):
        return {split: self._generate_examples(count) for split, count in self.SPLITS.items()}

    def _generate_examples(self, count):
        image, label = self.KEYS
        for i in range(count):
            yield i, {image: np.resize(IMAGES[i], self.SHAPE), label: i % len(self.NAMES)}


class TinyOddNames(TinyLetters):
    KEYS, SPLITS = ("picture", "meaning"), {"train": 3, "test": 2}


class TinyColours(TinyLetters):
    SHAPE = (28, 28, 3)


class TinyLarge(TinyLetters):
    SHAPE = (32, 32, 1)


class TinyMany(TinyLetters):
    NAMES = [f"class {i}" for i in range(257)]  # noqa: RUF012 - as the library's builders do


class TinyTrainOnly(TinyLetters):
    SPLITS = {"train": 3}  # noqa: RUF012


class TinyFarAway(TinyLetters):
    URLS = ("http://127.0.0.1:1/letters.zip",)


class TinyUnlabelled(TinyLetters):
    def _info(self):
        features = library.features.FeaturesDict({"image": library.features.Image(shape=self.SHAPE)})
        return library.core.DatasetInfo(builder=self, description="pictures", features=features)


def refusal(kind, *arguments) -> str:
    with pytest.raises(kind) as caught:
        load(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@prepares
def test_every_image_comes_with_its_label_and_class_names(tmp_path):
    data = load("tfds:tiny_letters", tmp_path)
    assert data.class_names == ("alpha", "beta", "gamma")
    assert data.train.images.shape == (2300, 784)
    assert data.test.images.shape == (7, 784)
    assert {array.dtype for array in (*data.train, *data.test)} == {np.dtype(np.uint8)}
    stored = {(image.tobytes(), i % 3) for i, image in enumerate(IMAGES)}
    read = [(image.tobytes(), int(label)) for image, label in zip(*data.train, strict=True)]
    assert set(read) == stored  # in the library's order
    assert "tiny_letters/1.0.0 of tensorflow-datasets" in data.source
    assert str(tmp_path) in data.source


@prepares
def test_a_set_is_prepared_once_and_then_read_without_tensorflow(tmp_path, monkeypatch):
    first = load("tfds:tiny_odd_names", tmp_path)
    monkeypatch.setattr("jaxmlp.data.tfds.find_spec", lambda name: None)
    monkeypatch.setattr(TinyOddNames, "_split_generators", lambda *_: pytest.fail("prepared again"))
    again = load("tfds:tiny_odd_names", tmp_path)
    np.testing.assert_array_equal(first.train.images, again.train.images)
    np.testing.assert_array_equal(first.test.labels, again.test.labels)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tiny_colours", "holds image of shape (28, 28, 3); greyscale images of shape (28, 28, 1)"),
        ("tiny_large", "holds image of shape (32, 32, 1); greyscale"),
        ("tiny_unlabelled", "holds no labels"),
        ("tiny_many", "holds 257 classes; up to 256"),
        ("imdb_reviews", "holds text of shape (); greyscale"),
        ("cifar10", "shape (32, 32, 3)"),
    ],
)
def test_a_set_of_another_kind_is_refused_before_it_is_prepared(tmp_path, name, reason):
    assert reason in refusal(DataError, f"tfds:{name}", tmp_path)
    assert not any(tmp_path.rglob("*.array_record*"))


@prepares
def test_a_set_without_a_test_split_is_refused(tmp_path):
    assert "tfds:tiny_train_only has no split test, only train" in refusal(DataError, "tfds:tiny_train_only", tmp_path)


def test_an_unknown_set_is_refused_with_names_close_to_it(tmp_path):
    assert "close to it: fashion_mnist" in refusal(ConfigError, "tfds:fashion_mnits", tmp_path)
    assert refusal(ConfigError, "tfds:qqqq", tmp_path) == "tfds:qqqq is not in tensorflow-datasets"


def test_an_unknown_configuration_is_refused_with_those_there_are(tmp_path):
    message = refusal(ConfigError, "tfds:emnist/balance", tmp_path)
    assert "byclass, bymerge, balanced, letters, digits, mnist" in message


def test_an_unknown_version_is_refused_with_that_there_is(tmp_path):
    assert "only: 3.0.1" in refusal(DataError, "tfds:mnist:9.9.9", tmp_path)


@prepares
def test_a_set_that_cannot_be_downloaded_is_said_so_at_once(tmp_path):
    message = refusal(DataUnreachable, "tfds:tiny_far_away", tmp_path)
    assert "http://127.0.0.1:1/letters.zip does not answer: prepare it where there is a network" in message


@prepares
def test_damaged_records_are_refused(tmp_path):
    load("tfds:tiny_odd_names", tmp_path)
    for path in tmp_path.rglob("*.array_record*"):
        path.write_bytes(path.read_bytes()[:100])
    assert "cannot be read" in refusal(DataError, "tfds:tiny_odd_names", tmp_path)


@prepares
def test_a_damaged_description_is_refused(tmp_path):
    load("tfds:tiny_odd_names", tmp_path)
    for path in tmp_path.rglob("dataset_info.json"):
        path.write_text("{")
    assert "cannot be opened" in refusal(DataError, "tfds:tiny_odd_names", tmp_path)


def test_a_missing_library_is_one_line_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    assert refusal(DataError, "tfds:mnist").endswith("pip install -e '.[tfds]'")


@prepares
def test_a_package_that_only_preparing_needs_is_named(tmp_path, monkeypatch):
    def prepare(self, **options):
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(TinyOddNames, "download_and_prepare", prepare)
    assert "needs the package tensorflow" in refusal(DataError, "tfds:tiny_odd_names", tmp_path)


def test_tensorflow_is_asked_for_only_to_prepare(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxmlp.data.tfds.find_spec", lambda name: None)
    assert "for the first time needs TensorFlow: pip install" in refusal(DataError, "tfds:tiny_letters", tmp_path)


@prepares
@pytest.mark.mnist
@pytest.mark.full
def test_mnist_is_prepared_from_the_users_own_files_without_a_network(real_mnist, tmp_path, monkeypatch):
    """Through the library and its shuffle, the same images with the same labels."""
    from jaxmlp.data import tfds

    builder = library.builder
    monkeypatch.setattr(library, "builder", lambda name, **options: builder(name, **options | {"data_dir": tmp_path}))
    stored, files = tfds.load_tfds("mnist", real_mnist), load("mnist", real_mnist)
    for ours, theirs in ((stored.train, files.train), (stored.test, files.test)):
        pairs = [np.concatenate([split.images, split.labels[:, None]], axis=1) for split in (ours, theirs)]
        assert np.array_equal(*(np.sort(rows.view("V785").ravel()) for rows in pairs))
