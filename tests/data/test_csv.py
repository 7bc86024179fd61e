"""`--data csv:FILE`: Kaggle's tables and their kin, strictly, and quickly."""

import gzip
import io

import numpy as np
import pytest

from jaxmlp.data import load
from jaxmlp.data.csv import read_csv
from jaxmlp.errors import DataError

HEADER = ["label", *(f"pixel{i}" for i in range(784))]


def rows(rng, count=23, classes=10):
    """int [N, 785], the label first."""
    labels = rng.permutation([0, classes - 1, *rng.integers(0, classes, count)])[:count]
    return np.column_stack([labels, rng.integers(0, 256, (count, 784))])


def text(table, header=HEADER, delimiter=",", form="%d") -> str:
    file = io.StringIO()
    np.savetxt(file, table, form, delimiter)
    return (f"{delimiter.join(header)}\n" if header else "") + file.getvalue()


def refusal(path, content) -> str:
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("header", [HEADER, None, ["label", *(f"{y}x{x}" for y in range(28) for x in range(28))]])
def test_a_table_is_read_and_its_last_tenth_held_out(tmp_path, rng, header):
    table = rows(rng, 43)
    (tmp_path / "a.csv").write_text(text(table, header))
    data = load(f"csv:{tmp_path}/a.csv")
    assert data.source.startswith(f"{tmp_path}/a.csv, the last 4 of its 43 rows held out as the test split")
    np.testing.assert_array_equal(np.vstack([data.train.images, data.test.images]), table[:, 1:])
    np.testing.assert_array_equal(np.hstack([data.train.labels, data.test.labels]), table[:, 0])
    assert len(data.test.labels) == 4
    assert {array.dtype for array in (*data.train, *data.test)} == {np.dtype(np.uint8)}
    assert data.train.images.flags.c_contiguous
    assert len(data.class_names) == table[:, 0].max() + 1


@pytest.mark.parametrize(
    "written",
    [
        lambda t: text(t).replace("\n", "\r\n").encode(),
        lambda t: b"\xef\xbb\xbf" + text(t).encode(),
        lambda t: text(t).replace("\n", "\n\n").encode(),
        lambda t: text(t).rstrip("\n").encode(),
        lambda t: text(t, delimiter=";").encode(),
        lambda t: text(t, delimiter="\t").encode(),
        lambda t: text(t, form='"%d"').encode(),
        lambda t: text(t, None, form="%.1f").encode(),
        lambda t: text(t, None, form="%.18e").encode(),
        lambda t: text(np.roll(t, -1, axis=1), [*HEADER[1:], "class"]).encode(),
        lambda t: text(t, [str(i) for i in range(785)]).encode(),
        lambda t: gzip.compress(text(t).encode()),
        lambda t: gzip.compress(text(t).encode()[:999]) + gzip.compress(text(t).encode()[999:]) + bytes(7),
    ],
    ids=[
        "CRLF",
        "BOM",
        "blanks",
        "no end",
        ";",
        "tab",
        '"7"',
        "7.0",
        "7e0",
        "class last",
        "numbered",
        "gzip",
        "members",
    ],
)
def test_a_table_is_read_in_whatever_way_it_was_written(tmp_path, rng, written):
    table = rows(rng)
    (tmp_path / "a").write_bytes(written(table))
    images, labels = read_csv(tmp_path / "a")
    np.testing.assert_array_equal(images, table[:, 1:])
    np.testing.assert_array_equal(labels, table[:, 0])


@pytest.mark.parametrize(
    "cell", ["256", "-1", "1.5", "", "abc", "nan", "inf", "1e400", "1_0", "0x1", "7 7", "٣", "#7", "9" * 400]
)
@pytest.mark.parametrize("form", ["%d", "%.1f"])
def test_a_wrong_cell_is_refused_with_its_line_and_column(tmp_path, rng, cell, form):
    lines = text(rows(rng), form=form).splitlines()
    line, column = int(rng.integers(1, len(lines))), int(rng.integers(785))
    cells = lines[line].split(",")
    cells[column] = cell
    lines[line] = ",".join(cells)
    told = refusal(tmp_path / "a.csv", "\n".join(lines))
    assert f"line {line + 1}, column {column + 1} is '{cell[:20]}" in told
    assert "a whole number from 0 to 255 is right" in told


def test_a_wrong_cell_far_down_is_found_behind_blank_lines(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("jaxmlp.data.csv._BLOCK", 5)
    lines = text(rows(rng)).splitlines()
    lines[17] = lines[17].replace(",", ",x", 1)
    assert "line 20, column 2 is 'x" in refusal(
        tmp_path / "a.csv", "\n\n\n".join(lines[:2]) + "\n" + "\n".join(lines[2:])
    )


@pytest.mark.parametrize(("change", "columns"), [(lambda line: line + ",3", 786), (lambda line: line[:-4], 784)])
def test_a_row_of_another_length_is_refused_with_its_line(tmp_path, rng, change, columns):
    table = rows(rng)
    table[:, -1] = 123
    lines = text(table).splitlines()
    lines[9] = change(lines[9])
    assert f"line 10 has {columns} columns; 785 are right" in refusal(tmp_path / "a.csv", "\n".join(lines))


def test_tables_without_labels_rows_or_the_right_columns_are_refused(tmp_path, rng):
    table = rows(rng)
    unlabelled = refusal(tmp_path / "test.csv", text(table[:, 1:], HEADER[1:]))
    assert "has no column of labels" in unlabelled
    assert f"csv:{tmp_path}/train.csv" in unlabelled
    assert "has 4 columns in its first line; 785 are right" in refusal(tmp_path / "a.csv", text(table[:, :4], None))
    assert "It is text, beginning 'Not Found'" in refusal(tmp_path / "a.csv", "Not Found")
    assert "has no rows, only a header" in refusal(tmp_path / "a.csv", text(table[:0]))
    (tmp_path / "a.csv").write_text(text(table[:1]))
    with pytest.raises(DataError, match="holds one row; two at least are right"):
        load(f"csv:{tmp_path}/a.csv")


def test_a_stray_quote_or_an_endless_line_is_refused(tmp_path, rng):
    content = text(rows(rng))
    assert "no table of whole numbers" in refusal(tmp_path / "a.csv", content.replace("\n", '\n"', 1))
    assert "columns" in refusal(tmp_path / "a.csv", content + "0," * 200_000)


def test_gzip_that_breaks_off_is_refused(tmp_path, rng):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text(rows(rng)).encode())[:-9])
    with pytest.raises(DataError, match="truncated gzip"):
        read_csv(tmp_path / "a.csv.gz")


def test_a_folder_gives_a_table_to_train_and_one_to_test_on(tmp_path, rng):
    train, test = rows(rng, 30), rows(rng, 7)
    (tmp_path / "mnist_train.csv").write_text(text(train))
    with pytest.raises(DataError, match="no table for testing"):
        load(f"csv:{tmp_path}")
    (tmp_path / "mnist_test.csv").write_text(text(test))
    data = load(f"csv:{tmp_path}")
    np.testing.assert_array_equal(data.train.labels, train[:, 0])
    np.testing.assert_array_equal(data.test.images, test[:, 1:])
    assert data.source == f"mnist_train.csv and mnist_test.csv from {tmp_path}"
    for word in ("train", "test"):
        (tmp_path / f"emnist-letters-{word}.csv.gz").write_bytes(gzip.compress(text(test).encode()))
    with pytest.raises(DataError, match=f"csv:{tmp_path}/emnist-letters"):
        load(f"csv:{tmp_path}")
    letters = load(f"csv:{tmp_path}/emnist-letters")
    upright = test[:, 1:].reshape(-1, 28, 28).transpose(0, 2, 1).reshape(-1, 784)
    np.testing.assert_array_equal(letters.train.images, upright)
    assert "transposed" in letters.source


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path / "no" / "such.csv"):
        with pytest.raises(DataError, match=f"^{path}: is not there"):
            load(f"csv:{path}")


def test_ten_thousand_rows_take_less_than_two_seconds(tmp_path, rng, takes_less_than):
    line = ",".join(str(value) for value in rng.integers(0, 256, 785) * (rng.random(785) < 0.2))
    (tmp_path / "a.csv").write_text(f"{line}\n" * 10_000)
    assert takes_less_than(2, lambda: load(f"csv:{tmp_path}/a.csv"))  # 0.4 s on an idle machine
