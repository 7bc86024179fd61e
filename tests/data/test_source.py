"""What --data names mean, and when generated digits may stand in for MNIST."""

import subprocess
import sys

import numpy as np
import pytest

from jaxmlp.checks import require_data_name
from jaxmlp.data import Dataset, load
from jaxmlp.errors import ConfigError, DataError, DataUnreachable


@pytest.fixture
def few(monkeypatch):
    """Sixty digits instead of sixty thousand."""
    from jaxmlp.data import generated

    draw = generated.draw
    monkeypatch.setattr(generated, "draw", lambda count, *args: draw(min(count, 60), *args))


GOOD = (
    "auto mnist generated generated:1 generated:600000 generated:0060 tfds:mnist tfds:emnist/balanced "
    "tfds:mnist_corrupted/shot_noise tfds:kmnist:3.0.1 tfds:emnist/letters:3.*.* "
    "idx: idx:. idx:/data/fashion idx:~/x idx:C:\\\\data csv:train.csv csv:. csv:a,b.csv.gz npz:~/mnist.npz"
)


@pytest.mark.parametrize("data", GOOD.split())
def test_every_form_that_is_documented_is_accepted(data):
    require_data_name(data)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("mnits", "did you mean mnist?"),
        ("MNIST", "did you mean mnist?"),
        ("Auto", "did you mean auto?"),
        ("generate", "did you mean generated?"),
        ("fashion_mnist", "did you mean tfds:fashion_mnist?"),
        ("fashion-mnist", "did you mean tfds:fashion_mnist?"),
        ("FashionMNIST", "did you mean tfds:fashion_mnist?"),
        ("fashion", "did you mean tfds:fashion_mnist?"),
        ("kmnist", "did you mean tfds:kmnist?"),
        ("K-MNIST", "did you mean tfds:kmnist?"),
        ("emnist", "did you mean tfds:emnist/"),
        ("EMNIST_byclass", "did you mean tfds:emnist/byclass?"),
        ("qmnist", "did you mean idx:DIR?"),
        ("digits", "did you mean generated?"),
        ("tfds:MNIST", "did you mean tfds:mnist?"),
        ("tfds:fashion-mnist", "did you mean tfds:fashion_mnist?"),
        ("idx", "did you mean idx:DIR?"),
        ("csv:", "did you mean csv:FILE?"),
        ("npz", "did you mean npz:FILE?"),
        ("IDX:/data", "did you mean idx:/data?"),
        ("Generated:50", "did you mean generated:50?"),
        ("./mnist", "did you mean idx:./mnist, or --data mnist --data-dir ./mnist?"),
        ("/data/mnist", "did you mean idx:/data/mnist, or"),
        ("~/mnist", "did you mean idx:~/mnist, or"),
        ("train.csv", "did you mean csv:train.csv?"),
        ("a/train.csv.gz", "did you mean csv:a/train.csv.gz?"),
        ("mnist.npz", "did you mean npz:mnist.npz?"),
        ("d/train-images-idx3-ubyte.gz", "did you mean idx:d, or --data mnist --data-dir d?"),
        ("tfds", "auto, mnist, tfds:NAME[/CONFIG], idx:DIR, csv:FILE, npz:FILE or generated[:N]"),
        ("tfds:", "auto, mnist, tfds:NAME[/CONFIG], idx:DIR, csv:FILE, npz:FILE or generated[:N]"),
        ("tfds:../secrets", "auto, mnist, tfds:NAME[/CONFIG], idx:DIR, csv:FILE, npz:FILE or generated[:N]"),
        ("cifar10", "auto, mnist, tfds:NAME[/CONFIG], idx:DIR, csv:FILE, npz:FILE or generated[:N]"),
        ("", "auto, mnist, tfds:NAME[/CONFIG], idx:DIR, csv:FILE, npz:FILE or generated[:N]"),
        ("mnist\n", "auto, mnist"),
        *(
            (f"generated:{n}", "a positive integer")
            for n in ("0", "-5", "1e4", "1.5", "", "many", "1_000", "²", " 7", "9" * 5000)
        ),
    ],
)
def test_a_name_that_means_nothing_is_refused_in_one_line_with_what_is_allowed(data, hint):
    with pytest.raises(ConfigError) as caught:
        require_data_name(data)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError):
        load(data)


def test_a_folder_or_file_that_is_there_is_suggested(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "labels").touch()
    for data in ("fonts", "fonts/labels"):
        with pytest.raises(ConfigError, match="did you mean idx:fonts"):
            require_data_name(data)


def test_generated_digits_are_as_many_as_asked_for_with_a_sixth_as_many_to_test_on():
    data = load("generated:120", seed=7)
    assert (len(data.train.images), len(data.test.images)) == (120, 20)
    assert data.source == "120 generated digits, seed 7"
    assert len(load("generated:1").test.labels) == 1


def test_sixty_thousand_are_generated_unless_told(few):
    assert load("generated").source == "60000 generated digits, seed 0"


def test_auto_trains_on_generated_digits_where_mnist_is_nowhere(few):
    data = load("auto", seed=3)
    assert data.synthetic
    assert data.source == "60000 generated digits, seed 3, in place of MNIST"
    np.testing.assert_array_equal(data.train.images, load("generated:60", seed=3).train.images)


def test_mnist_asked_for_by_name_is_never_replaced():
    with pytest.raises(DataUnreachable):
        load("mnist")


def test_auto_does_not_replace_a_folder_that_lacks_files(tmp_path, few):
    with pytest.raises(DataError, match="lacks train-images"):
        load("auto", tmp_path)


def test_auto_does_not_replace_damaged_files(tmp_path, few):
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / f"{name}-ubyte").write_bytes(b"\x1f\x8b damaged")
    with pytest.raises(DataError, match="damaged gzip"):
        load("auto", tmp_path)


def test_auto_does_not_replace_a_damaged_download(server, few):
    server.files = {"train-images-idx3-ubyte.gz": b"not MNIST"}
    with pytest.raises(DataError, match="not the original"):
        load("auto")


def test_auto_prefers_mnist(few, tmp_path, monkeypatch):
    from jaxmlp.data.dataset import Split

    split = Split(np.zeros((1, 784), np.uint8), np.zeros(1, np.uint8))
    monkeypatch.setattr(
        "jaxmlp.data.source.load_mnist", lambda folder: Dataset(split, split, ("zero",), f"from {folder}")
    )
    data = load("auto", tmp_path)
    assert data.source == f"from {tmp_path}"
    assert not data.synthetic


def test_nobody_can_write_into_a_data_set():
    data = load("generated:6")
    for array in (*data.train, *data.test):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_names_are_checked_without_importing_numpy_jax_or_a_downloader():
    code = "import sys; from jaxmlp.checks import require_data_name; require_data_name('auto'); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "jax", "tensorflow", "tensorflow_datasets", "pooch", "requests", "optax"} & set(modules)


@pytest.mark.mnist
def test_the_real_mnist_is_what_mnist_and_auto_mean(real_mnist):
    data = load("auto", real_mnist)
    assert not data.synthetic
    np.testing.assert_array_equal(data.train.images, load("mnist", real_mnist).train.images)
