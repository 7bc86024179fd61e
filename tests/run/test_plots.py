"""Pictures of a run: what they show is what there is, whatever the number of classes, mistakes and units."""

import string

import numpy as np
import pytest
from matplotlib.figure import Figure

from jaxmlp.data import Dataset, Split
from jaxmlp.run.plots import confusion, mistakes, preview, style, weights


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """The figures as they were saved; they are rendered, too."""
    figures, save = [], style.save
    monkeypatch.setattr(style, "save", lambda figure, path: (figures.append(figure), save(figure, path)))
    return figures


def of_classes(rng, classes: int, wrong: float, images: int = 400) -> tuple[Dataset, np.ndarray]:
    """A test set of so many classes, and predictions of which about a share is wrong."""
    labels = rng.integers(0, classes, images).astype(np.uint8)
    split = Split(rng.integers(0, 256, (images, 784)).astype(np.uint8), labels)
    taken = np.where(rng.random(images) < wrong, rng.integers(0, classes, images), labels)
    predictions = rng.random((images, classes)) / 2
    predictions[np.arange(images), taken] = 1
    names = tuple((string.digits + string.ascii_letters)[:classes])
    return Dataset(split, split, names, "drawn"), predictions / predictions.sum(axis=1, keepdims=True)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axis in figure.axes for text in axis.texts]


@pytest.mark.parametrize(("classes", "counted"), [(2, True), (10, True), (20, True), (21, False), (62, False)])
def test_confusions_are_counted_where_the_numbers_are_legible(rng, tmp_path, drawn, classes, counted):
    dataset, predictions = of_classes(rng, classes, 0.4)
    confusion.confusion(dataset, predictions, tmp_path / "confusion.png")
    (figure,) = drawn
    axis = figure.axes[0]
    rows = np.asarray(axis.images[0].get_array())
    there = np.bincount(dataset.test.labels, minlength=classes) > 0
    np.testing.assert_allclose(rows.sum(axis=1), there)
    taken = predictions.argmax(axis=1)
    right = int((taken == dataset.test.labels).sum())
    assert f"{right} of 400 test images are right" in axis.get_title()
    assert bool(texts(figure)) == counted
    if counted:
        assert sum(int(text or 0) for text in texts(figure)) == 400
        one = ((dataset.test.labels == 0) & (taken == 1)).sum()
        assert texts(figure)[1] == (str(one) if one else "")
    assert [label.get_text() for label in axis.get_yticklabels()] == list(dataset.class_names)


def test_the_commonest_confusion_is_named(rng, tmp_path, drawn):
    dataset, predictions = of_classes(rng, 4, 0.0)
    predictions[dataset.test.labels == 2] = [0, 0.9, 0.1, 0]
    confusion.confusion(dataset, predictions, tmp_path / "confusion.png")
    assert f"2 is taken for 1: {(dataset.test.labels == 2).sum()} times" in drawn[0].axes[0].get_title()


@pytest.mark.parametrize("wrong", [0.0, 0.01, 0.9])
def test_mistakes_are_the_worst_first_and_none_that_is_right(rng, tmp_path, drawn, wrong):
    dataset, predictions = of_classes(rng, 10, wrong)
    labels, taken, losses = dataset.test.labels, predictions.argmax(axis=1), rng.random(400)
    mistakes.mistakes(dataset, predictions, losses, tmp_path / "mistakes.png")
    worst = sorted(np.flatnonzero(taken != labels), key=lambda i: -losses[i])[:16]
    told = [f"{labels[i]}, not {taken[i]} ({100 * predictions[i].max():.0f} %)" for i in worst]
    assert [axis.get_xlabel() for axis in drawn[0].axes if axis.images] == told
    for axis, i in zip(drawn[0].axes, worst, strict=False):
        np.testing.assert_array_equal(axis.images[0].get_array(), dataset.test.images[i].reshape(28, 28))


def test_long_names_of_classes_take_two_lines(rng, tmp_path, drawn):
    dataset, predictions = of_classes(rng, 2, 1.0)
    named = dataset._replace(class_names=("Ankle boot", "T-shirt/top"))
    mistakes.mistakes(named, predictions, rng.random(400), tmp_path / "mistakes.png")
    told = {axis.get_xlabel().split(" (")[0] for axis in drawn[0].axes}
    assert told <= {"Ankle boot,\nnot T-shirt/top", "T-shirt/top,\nnot Ankle boot"}


@pytest.mark.parametrize("units", [1, 3, 40])
def test_weights_are_those_that_changed_most_about_a_white_zero(rng, tmp_path, drawn, units):
    before = rng.normal(0, 1, (784, units)).astype(np.float32)
    growing = np.float32(1.2) ** np.arange(units, dtype=np.float32)
    change = rng.normal(0, 0.01, (784, units)).astype(np.float32) * growing
    weights.weights(before, before + change, tmp_path / "weights.png")
    shown = [axis for axis in drawn[0].axes if axis.get_title().startswith("unit")]
    assert [axis.get_title() for axis in shown] == [f"unit {unit}" for unit in reversed(range(units))][:25]
    for axis in shown:
        low, high = axis.images[0].get_clim()
        assert low == -high < 0
    np.testing.assert_allclose(shown[0].images[0].get_array().reshape(-1), change[:, -1], atol=1e-6)


def test_weights_that_have_not_changed_are_drawn_all_the_same(rng, tmp_path, drawn):
    same = rng.normal(0, 1, (784, 4)).astype(np.float32)
    weights.weights(same, same, tmp_path / "weights.png")
    assert (tmp_path / "weights.png").read_bytes().startswith(b"\x89PNG")


def test_the_preview_is_the_originals_grid(digits, tmp_path, drawn):
    few = digits._replace(train=Split(digits.train.images[:5], digits.train.labels[:5]))
    preview.preview(few, tmp_path / "preview.png")
    assert len(drawn[0].axes) == 16
    assert [axis.get_xlabel() for axis in drawn[0].axes[:5]] == [digits.class_names[i] for i in few.train.labels]
