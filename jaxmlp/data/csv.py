"""`--data csv:FILE`: a row an image, its label and 784 pixels, with or without a header, as Kaggle has its digits."""

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxmlp.data.classes import of_labels, upright
from jaxmlp.data.content import HEAD, LARGEST, is_really, opened
from jaxmlp.data.dataset import PIXELS, Dataset, Split
from jaxmlp.data.folder import holds, listed
from jaxmlp.data.kinds import kind
from jaxmlp.errors import DataError
from jaxmlp.progress import Progress

_BLOCK = 2000  # rows parsed at once
_LONGEST = 1 << 16  # characters of a line; 785 numbers in the longest form NumPy writes take 20,000
_MOST = LARGEST // PIXELS  # rows
_TENTH = 10  # one row of so many is held out
_LABEL = ("label", "labels", "class", "target", "digit", "y")  # how a header calls the label's column
_NUMBER = re.compile(r'\s*"?\s*[+-]?[\d.]+(e[+-]?\d+)?\s*"?\s*', re.ASCII | re.IGNORECASE)
_NAME = r"{}{}(?:[-_. ].*)?\.csv(?:\.gz)?"


class _Format(NamedTuple):
    """How a table is written, as its first line tells."""

    delimiter: str
    label: int  # column
    header: bool


def load_csv(path: Path) -> Dataset:
    """The table of one file, its last tenth held out as the test split; or a folder's two, named train and test.

    `DIR/emnist-letters` are the two of several in DIR whose names begin so. EMNIST, known by its files' names, is
    turned upright. Rows keep their order. Raises `DataError` naming the file, line and column that are wrong.
    """
    if os.path.isfile(path):
        (train, test, source), first = _held_out(path), path
    else:
        folder, start = (path, "") if os.path.isdir(path) else (path.parent, path.name)
        first, second = (_in_folder(folder, start, word) for word in ("train", "test"))
        train, test, source = read_csv(first), read_csv(second), f"{first.name} and {second.name} from {folder}"
    name = "-".join(re.split("[-_.]", first.name)[:2]).lower()
    if name.startswith("emnist"):
        train, test, source = upright(train), upright(test), f"{source}, transposed to stand upright"
    return of_labels(train, test, source, name)


def read_csv(path: Path) -> Split:
    """All rows of one table: uint8 [N, 784] and uint8 [N]. Raises `DataError`."""
    with opened(path, "a CSV file") as content:
        head = content.read(HEAD)
        content.seek(0)
        found, really = kind(head), is_really(head, content)
        if found and not found.text:
            raise DataError(f"{path}: is no CSV table{really}")
        try:
            with io.TextIOWrapper(content, encoding="utf-8-sig") as text:
                return _table(path, text, "" if head.count(b",") > 9 else really)
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: is not text in UTF-8: {error.reason}") from None


def _held_out(path: Path) -> tuple[Split, Split, str]:
    images, labels = read_csv(path)
    count = len(labels)
    if count < 2:
        raise DataError(f"{path}: holds one row; two at least are right, since the last tenth is the test split")
    held = max(1, count // _TENTH)
    train, test = Split(images[:-held], labels[:-held]), Split(images[-held:], labels[-held:])
    return train, test, f"{path}, the last {held} of its {count} rows held out as the test split"


def _in_folder(folder: Path, start: str, word: str) -> Path:
    """The folder's one table whose name holds the word, after `start` where that is asked for."""
    names = listed(folder) if os.path.isdir(folder) else []
    pattern = re.compile(_NAME.format(f"{re.escape(start)}[-_. ]" if start else "(.*[-_. ])?", word), re.IGNORECASE)
    found = [name for name in names if pattern.fullmatch(name)]
    if len(found) == 1:
        return folder / found[0]
    if start:
        right = f"name a CSV file, or a folder with train.csv and test.csv{holds(names) if names else ''}"
        raise DataError(f"{folder / start}: is not there; {right}")
    if found:
        choice = f"choose a set by how its names begin, as in csv:{folder}/{re.split(f'[-_. ]{word}', found[0])[0]}"
        raise DataError(f"{folder}: has {len(found)} tables for {word}ing, {', '.join(found)}; {choice}")
    wanted = f"{word}.csv, mnist_{word}.csv or the like, also with .gz, is right; or name one file alone"
    raise DataError(f"{folder}: has no table for {word}ing; {wanted}{holds(names)}")


def _table(path: Path, text: io.TextIOWrapper, really: str) -> Split:
    lines = iter(lambda: text.readline(_LONGEST), "")
    first = next(lines, "")
    layout = _layout(path, first, really)
    on_disk: Any = getattr(text.buffer, "fileobj", text.buffer)  # of gzip, the file that it reads
    blocks, number, read = [], 1 + layout.header, 0
    with Progress(path.stat().st_size, "byte", f"reading {path.name}") as progress:
        for block in _blocks(lines, [] if layout.header else [first]):
            blocks.append(_rows(path, block, number, layout.delimiter))
            number += len(block)
            progress.update(on_disk.tell() - read)
            read = on_disk.tell()
            if number > _MOST:
                raise DataError(f"{path}: has more than {_MOST} rows; at most so many are read")
    rows = np.concatenate(blocks) if blocks else np.empty((0, PIXELS + 1), np.uint8)
    if not len(rows):
        raise DataError(f"{path}: has no rows, only a header")
    return Split(np.delete(rows, layout.label, axis=1), np.ascontiguousarray(rows[:, layout.label]))


def _blocks(lines: Iterator[str], block: list[str]) -> Iterator[list[str]]:
    for line in lines:
        block.append(line)
        if len(block) >= _BLOCK:
            yield block
            block = []
    if block:
        yield block


def _layout(path: Path, first: str, really: str) -> _Format:
    """Delimiter, header and the label's column, as the first line tells. `really`: what it is, if no table."""
    delimiter = max(",;\t ", key=first.count)
    cells = [cell.strip().strip("\"'").lower() for cell in first.split(delimiter)]
    counted = cells[-1] == f"{PIXELS}"  # columns without names, as pandas numbers them
    header = counted or not all(_NUMBER.fullmatch(cell) for cell in cells)
    if len(cells) == PIXELS:
        hint = f"; name the labelled file alone, as in csv:{path.parent / 'train.csv'}" if "test" in path.name else ""
        raise DataError(f"{path}: has no column of labels, so nothing can be trained or tested on it{hint}")
    if len(cells) != PIXELS + 1:
        right = f"{PIXELS + 1} are right: the label and the pixels of 28x28"
        raise DataError(f"{path}: has {len(cells)} columns in its first line; {right}{really}")
    named = [column for column, cell in enumerate(cells) if cell in _LABEL]
    return _Format(delimiter, named[0] if named else 0, header)


def _rows(path: Path, lines: list[str], number: int, delimiter: str) -> np.ndarray:
    """The lines as uint8 [N, 785]. `number`: which line of the file the first is."""
    for dtype in (np.uint8, np.float64):  # the fast way; then numbers as 7.0 or 7.0e+00, which are taken where whole
        with contextlib.suppress(ValueError, Warning):
            table = _parsed(lines, delimiter, dtype)
            fits = ((table >= 0) & (table <= 255) & (table == np.trunc(table))).all()
            if fits and table.shape[1] == PIXELS + 1:
                return table.astype(np.uint8)
    raise DataError(_wrong(path, lines, number, delimiter))


def _parsed(lines: list[str], delimiter: str, dtype: type) -> np.ndarray:
    """Strictly: what numpy would only warn of is an error."""
    filled = [line for line in lines if line.strip()]
    if not filled:
        return np.empty((0, PIXELS + 1), dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return np.loadtxt(filled, dtype, delimiter=delimiter, comments=None, quotechar='"', ndmin=2)


def _wrong(path: Path, lines: list[str], number: int, delimiter: str) -> str:
    """Which line and column is the first that is wrong, and why."""
    for line, text in enumerate(lines, number):
        cells = text.strip("\r\n").split(delimiter)
        if not text.strip():
            continue
        if len(cells) != PIXELS + 1:
            return f"{path}: line {line} has {len(cells)} columns; {PIXELS + 1} are right"
        for column, cell in enumerate(cells, 1):
            if not _whole(cell):
                told = cell if len(cell) <= 20 else f"{cell[:20]}…"
                return f"{path}: line {line}, column {column} is {told!r}; a whole number from 0 to 255 is right"
    return f"{path}: lines {number} to {number + len(lines) - 1} are no table of whole numbers"


def _whole(cell: str) -> bool:
    with contextlib.suppress(ValueError):
        value = float(cell.strip(' \t"'))
        return 0 <= value <= 255 and value.is_integer() and "_" not in cell and cell.isascii()
    return False
