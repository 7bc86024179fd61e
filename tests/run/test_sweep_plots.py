"""Pictures of a sweep: each cell stands where its values say, and what has no accuracy says so."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from test_cells import cell

from jaxmlp.run.configurations import Configuration, configurations
from jaxmlp.run.plots import style
from jaxmlp.run.plots.field_curves import field_curves
from jaxmlp.run.plots.heat_map import heat_map

RATES = ("1e-1", "1e-3", "1e-2")


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """The figures as they were saved; they are rendered, too."""
    figures, save = [], style.save
    monkeypatch.setattr(style, "save", lambda figure, path: (figures.append(figure), save(figure, path)))
    return figures


def found(accuracies: dict[tuple[str, ...], list[float | None]], names: tuple[str, ...]) -> list[Configuration]:
    """A configuration for each words of the fields, a cell a seed; None diverged."""
    return configurations(
        [
            cell(accuracy, seed=seed, diverged_at=3 if accuracy is None else None)._replace(
                settings=dict(zip(names, words, strict=True))
            )
            for words, own in accuracies.items()
            for seed, accuracy in enumerate(own)
        ]
    )


def test_a_heat_map_has_each_mean_in_its_place_and_the_best_framed(rng, tmp_path, drawn):
    values = {(size, rate): rng.uniform(0, 100, 2).tolist() for size in ("8", "30+10") for rate in RATES}
    values["8", "1e-1"] = [50.0, None]
    del values["30+10", "1e-3"]
    heat_map(found(values, ("layers", "learning-rate")), "somewhere", tmp_path / "x.png")
    axis = drawn[0].axes[0]
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("layers", "learning-rate")
    assert [label.get_text() for label in axis.get_yticklabels()] == ["8", "30+10"]
    assert [label.get_text() for label in axis.get_xticklabels()] == list(RATES)
    shown = np.ma.filled(axis.images[0].get_array(), np.nan)
    texts = {text.get_position(): text.get_text() for text in axis.texts}
    for (row, size), (column, rate) in [(r, c) for r in enumerate(("8", "30+10")) for c in enumerate(RATES)]:
        own = values.get((size, rate))
        if own is None:
            assert (column, row) not in texts
            assert np.isnan(shown[row, column])
        elif None in own:
            assert texts[column, row] == "diverged"
            assert np.isnan(shown[row, column])
        else:
            assert texts[column, row] == f"{np.mean(own):.1f}"
            assert shown[row, column] == pytest.approx(np.mean(own))
    row, column = np.unravel_index(np.nanargmax(shown), shown.shape)
    assert axis.patches[0].get_xy() == (column - 0.5, row - 0.5)


def test_a_heat_map_of_which_all_diverged_is_drawn(tmp_path, drawn):
    heat_map(found({("8", "1"): [None]}, ("layers", "learning-rate")), "", tmp_path / "x.png")
    assert not drawn[0].axes[0].patches


def test_one_field_is_a_curve_through_the_means_in_the_order_of_its_numbers(rng, tmp_path, drawn):
    values = {(rate,): rng.uniform(0, 100, 2).tolist() for rate in RATES} | {("1",): [None, 40.0]}
    field_curves(found(values, ("learning-rate",)), "somewhere", tmp_path / "x.png")
    (axis,) = drawn[0].axes
    assert axis.get_xscale() == "log"
    *points, curve = axis.lines
    assert [len(line.get_xdata()) for line in points] == [2, 2, 2, 1]
    means = sorted((float(rate), np.mean(own)) for (rate,), own in values.items() if None not in own)
    np.testing.assert_allclose(np.transpose(curve.get_data()), means)
    assert drawn[0].get_suptitle() == "somewhere; 1 of 4 diverged or failed\nred: the best"


def test_each_of_several_fields_has_a_panel_in_its_own_scale(rng, tmp_path, drawn):
    words = [("1e-1", "relu", "8"), ("1e-3", "tanh", "9"), ("1e-2", "relu", "16")]
    values = {one: [float(rng.uniform(0, 100))] for one in words}
    field_curves(found(values, ("learning-rate", "layers.activation", "layers")), "somewhere", tmp_path / "x.png")
    rates, names, sizes = drawn[0].axes
    assert [axis.get_xscale() for axis in (rates, names, sizes)] == ["log", "linear", "linear"]
    assert [label.get_text() for label in names.get_xticklabels()] == ["relu", "tanh"]
    for axis, places in ((rates, [0.1, 1e-3, 0.01]), (names, [0, 1, 0]), (sizes, [8, 9, 16])):
        assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in axis.lines] == [
            (place, own) for place, [own] in zip(places, values.values(), strict=True)
        ]
